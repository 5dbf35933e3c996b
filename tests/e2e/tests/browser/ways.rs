//! The ways of deploying. A browser sees nothing of them, so one engine is enough; one way is told in all of them.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::in_one_engine;
use tidings_e2e::visit;

use crate::NEWS;

in_one_engine!(
    a_vite_build_into_the_served_directory_is_told,
    a_directory_emptied_and_written_again_is_told,
    rsync_with_the_page_first_is_told,
    rsync_with_the_page_last_is_told,
    a_directory_removed_and_copied_anew_is_told,
    a_link_replaced_by_ln_is_told,
    a_link_renamed_over_by_mv_is_told,
    a_config_map_is_told,
    an_archive_with_the_times_and_sizes_of_before_is_told,
);

in_every_engine!(a_directory_moved_into_place_is_told);

async fn a_vite_build_into_the_served_directory_is_told(engine: Engine) -> Result<()> {
    is_told(engine, Way::ViteBuild).await
}

async fn a_directory_emptied_and_written_again_is_told(engine: Engine) -> Result<()> {
    is_told(engine, Way::EmptyThenWrite).await
}

async fn rsync_with_the_page_first_is_told(engine: Engine) -> Result<()> {
    is_told(engine, Way::RsyncIndexFirst).await
}

async fn rsync_with_the_page_last_is_told(engine: Engine) -> Result<()> {
    is_told(engine, Way::RsyncIndexLast).await
}

async fn a_directory_removed_and_copied_anew_is_told(engine: Engine) -> Result<()> {
    is_told(engine, Way::RemoveThenCopy).await
}

async fn a_directory_moved_into_place_is_told(engine: Engine) -> Result<()> {
    is_told(engine, Way::MoveSwap).await
}

async fn a_link_replaced_by_ln_is_told(engine: Engine) -> Result<()> {
    is_told(engine, Way::LinkForce).await
}

async fn a_link_renamed_over_by_mv_is_told(engine: Engine) -> Result<()> {
    is_told(engine, Way::LinkRename).await
}

async fn a_config_map_is_told(engine: Engine) -> Result<()> {
    is_told(engine, Way::ConfigMap).await
}

async fn an_archive_with_the_times_and_sizes_of_before_is_told(engine: Engine) -> Result<()> {
    is_told(engine, Way::TarSameTimes).await
}

/// The whole story: the notice, the old tab that keeps working, the click, the new version.
async fn is_told(engine: Engine, way: Way) -> Result<()> {
    visit(engine, way, &Build::one()?, async |visit| {
        let page = &visit.page;
        page.shows("#version", "Version 1").await?;

        visit.site.deploy(&Build::two()?)?;
        let notice = page.notice(NEWS).await?;
        ensure!(notice.live == "polite", "{notice:?}");
        ensure!(notice.buttons == ["Later", "Refresh"], "{notice:?}");
        page.shows("#version", "Version 1").await?;

        page.click("#to-about").await?;
        page.shows("#about-text", "version 1").await?;
        page.click("#to-report").await?;
        page.shows("#report-text", "version 1").await?;
        let style = "return getComputedStyle(document.querySelector('#report'))
            .getPropertyValue('--loaded').trim()";
        ensure!(page.eval(style).await? == "report", "no style for the old");
        // Half of a build would have been news of its own.
        let updates = page.updates().await?;
        ensure!(updates.len() == 1, "told more than once: {updates:?}");

        page.press("Refresh").await?;
        page.shows("#report-text", "version 2").await?;
        page.click("#to-home").await?;
        page.shows("#version", "Version 2").await?;
        page.no_notice().await
    })
    .await
}
