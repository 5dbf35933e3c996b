//! The notice: its buttons, the page's own in its place, the page's policy.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Engine;
use tidings_e2e::Way;
use tidings_e2e::in_every_engine;
use tidings_e2e::visit;

use crate::NEWS;

in_every_engine!(
    later_takes_the_notice_away,
    a_strict_policy_with_trusted_types_is_not_broken,
    a_page_can_draw_its_own_notice,
);

async fn later_takes_the_notice_away(engine: Engine) -> Result<()> {
    visit(engine, Way::MoveSwap, &Build::one()?, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.notice(NEWS).await?;
        page.press("Later").await?;
        page.no_notice().await?;
        page.shows("#version", "Version 1").await
    })
    .await
}

async fn a_strict_policy_with_trusted_types_is_not_broken(engine: Engine) -> Result<()> {
    // Vue makes a policy of its own as soon as it is loaded; nobody else may.
    let policy = "default-src 'self'; script-src 'self'; style-src 'self'; \
        require-trusted-types-for 'script'; trusted-types vue";
    let strict = |build: Build| {
        let meta = format!(r#"<meta http-equiv="Content-Security-Policy" content="{policy}">"#);
        build.with_page(|page| page.replace("<head>", &format!("<head>{meta}")))
    };
    visit(
        engine,
        Way::MoveSwap,
        &strict(Build::one()?)?,
        async |visit| {
            let page = &visit.page;
            page.shows("#version", "Version 1").await?;
            visit.site.deploy(&strict(Build::two()?)?)?;
            page.notice(NEWS).await?;
            page.screenshot("strict-policy").await?;
            let violations = page.violations().await?;
            ensure!(violations.is_empty(), "{violations:?}");
            page.press("Refresh").await?;
            page.shows("#version", "Version 2").await
        },
    )
    .await
}

async fn a_page_can_draw_its_own_notice(engine: Engine) -> Result<()> {
    let script = "addEventListener('tidings:update', (event) => {
        event.preventDefault();
        const own = document.createElement('p');
        own.id = 'own';
        own.textContent = 'Fresh from the harbour';
        document.body.append(own);
    });";
    let own = Build::one()?
        .with_file("own-notice.js", script)?
        .with_page(|page| {
            page.replace(
                "</head>",
                r#"<script src="/own-notice.js"></script></head>"#,
            )
        })?;
    visit(engine, Way::MoveSwap, &own, async |visit| {
        let page = &visit.page;
        visit.site.deploy(&Build::two()?)?;
        page.shows("#own", "Fresh from the harbour").await?;
        // Two frames later everything that the event set off has been drawn.
        page.eval("return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
            .await?;
        ensure!(!page.has_notice().await?, "the built-in notice as well");
        ensure!(page.updates().await?.len() == 1, "told more than once");
        Ok(())
    })
    .await
}
