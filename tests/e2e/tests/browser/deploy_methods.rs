//! Each deploy method. They make no difference to a browser, so one engine is enough; one method runs in all of them.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::in_every_engine;
use tidings_e2e::in_one_engine;
use tidings_e2e::with_fixture;

use crate::UPDATE_TEXT;

in_one_engine!(
    vite_build_into_served_directory_shows_notice,
    directory_emptied_then_written_shows_notice,
    rsync_of_page_first_shows_notice,
    rsync_of_page_last_shows_notice,
    directory_removed_then_copied_shows_notice,
    link_replaced_by_ln_shows_notice,
    link_renamed_by_mv_shows_notice,
    config_map_updated_shows_notice,
    archive_with_same_times_and_sizes_shows_notice,
);

in_every_engine!(directory_moved_into_place_shows_notice);

async fn vite_build_into_served_directory_shows_notice(engine: Engine) -> Result<()> {
    check_deploy(engine, DeployMethod::ViteBuild).await
}

async fn directory_emptied_then_written_shows_notice(engine: Engine) -> Result<()> {
    check_deploy(engine, DeployMethod::EmptyThenWrite).await
}

async fn rsync_of_page_first_shows_notice(engine: Engine) -> Result<()> {
    check_deploy(engine, DeployMethod::RsyncIndexFirst).await
}

async fn rsync_of_page_last_shows_notice(engine: Engine) -> Result<()> {
    check_deploy(engine, DeployMethod::RsyncIndexLast).await
}

async fn directory_removed_then_copied_shows_notice(engine: Engine) -> Result<()> {
    check_deploy(engine, DeployMethod::RemoveThenCopy).await
}

async fn directory_moved_into_place_shows_notice(engine: Engine) -> Result<()> {
    check_deploy(engine, DeployMethod::MoveSwap).await
}

async fn link_replaced_by_ln_shows_notice(engine: Engine) -> Result<()> {
    check_deploy(engine, DeployMethod::LinkForce).await
}

async fn link_renamed_by_mv_shows_notice(engine: Engine) -> Result<()> {
    check_deploy(engine, DeployMethod::LinkRename).await
}

async fn config_map_updated_shows_notice(engine: Engine) -> Result<()> {
    check_deploy(engine, DeployMethod::ConfigMap).await
}

async fn archive_with_same_times_and_sizes_shows_notice(engine: Engine) -> Result<()> {
    check_deploy(engine, DeployMethod::TarSameTimes).await
}

/// From the deploy to the new version: the notice, the old tab that keeps working, the click, the reload.
async fn check_deploy(engine: Engine, method: DeployMethod) -> Result<()> {
    with_fixture(engine, method, &Build::v1()?, async |fixture| {
        let page = &fixture.page;
        page.wait_for_text("#version", "Version 1").await?;

        fixture.site.deploy(&Build::v2()?)?;
        let notice = page.wait_for_notice(UPDATE_TEXT).await?;
        ensure!(notice.live == "polite", "{notice:?}");
        ensure!(notice.buttons == ["Later", "Refresh"], "{notice:?}");
        page.wait_for_text("#version", "Version 1").await?;

        page.click("#to-about").await?;
        page.wait_for_text("#about-text", "version 1").await?;
        page.click("#to-report").await?;
        page.wait_for_text("#report-text", "version 1").await?;
        let style = "return getComputedStyle(document.querySelector('#report'))
            .getPropertyValue('--loaded').trim()";
        ensure!(
            page.eval(style).await? == "report",
            "the old tab lacks a style sheet"
        );
        // Half of a build would have been a release of its own.
        let updates = page.updates().await?;
        ensure!(updates.len() == 1, "more than one event: {updates:?}");

        page.press_button("Refresh").await?;
        page.wait_for_text("#report-text", "version 2").await?;
        page.click("#to-home").await?;
        page.wait_for_text("#version", "Version 2").await?;
        page.wait_for_no_notice().await
    })
    .await
}
