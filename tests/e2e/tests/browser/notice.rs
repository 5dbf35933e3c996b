//! The notice: its buttons, the page's own in its place, the page's Content-Security-Policy.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Engine;
use tidings_e2e::in_every_engine;
use tidings_e2e::with_fixture;

use crate::UPDATE_TEXT;

in_every_engine!(
    later_pressed_hides_notice,
    trusted_types_policy_with_notice_reports_no_violation,
    update_event_cancelled_shows_no_built_in_notice,
);

async fn later_pressed_hides_notice(engine: Engine) -> Result<()> {
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &Build::v1()?,
        async |fixture| {
            let page = &fixture.page;
            fixture.site.deploy(&Build::v2()?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            page.press_button("Later").await?;
            page.wait_for_no_notice().await?;
            page.wait_for_text("#version", "Version 1").await
        },
    )
    .await
}

async fn trusted_types_policy_with_notice_reports_no_violation(engine: Engine) -> Result<()> {
    // Vue creates a Trusted Types policy as soon as it is loaded; no other is allowed.
    let policy = "default-src 'self'; script-src 'self'; style-src 'self'; \
        require-trusted-types-for 'script'; trusted-types vue";
    let strict = |build: Build| {
        let meta = format!(r#"<meta http-equiv="Content-Security-Policy" content="{policy}">"#);
        build.with_page(|page| page.replace("<head>", &format!("<head>{meta}")))
    };
    with_fixture(
        engine,
        DeployMethod::MoveSwap,
        &strict(Build::v1()?)?,
        async |fixture| {
            let page = &fixture.page;
            page.wait_for_text("#version", "Version 1").await?;
            fixture.site.deploy(&strict(Build::v2()?)?)?;
            page.wait_for_notice(UPDATE_TEXT).await?;
            page.screenshot("strict-policy").await?;
            let violations = page.violations().await?;
            ensure!(violations.is_empty(), "{violations:?}");
            page.press_button("Refresh").await?;
            page.wait_for_text("#version", "Version 2").await
        },
    )
    .await
}

async fn update_event_cancelled_shows_no_built_in_notice(engine: Engine) -> Result<()> {
    let script = "addEventListener('tidings:update', (event) => {
        event.preventDefault();
        const own = document.createElement('p');
        own.id = 'own';
        own.textContent = 'Fresh from the harbour';
        document.body.append(own);
    });";
    let own = Build::v1()?
        .with_file("own-notice.js", script)?
        .with_page(|page| {
            page.replace(
                "</head>",
                r#"<script src="/own-notice.js"></script></head>"#,
            )
        })?;
    with_fixture(engine, DeployMethod::MoveSwap, &own, async |fixture| {
        let page = &fixture.page;
        fixture.site.deploy(&Build::v2()?)?;
        page.wait_for_text("#own", "Fresh from the harbour").await?;
        // Two frames later everything that the event caused has been painted.
        page.eval("return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
            .await?;
        ensure!(!page.has_notice().await?, "the built-in notice as well");
        ensure!(page.updates().await?.len() == 1, "more than one event");
        Ok(())
    })
    .await
}
