//! Runs one test function in each engine.

use anyhow::Result;
use anyhow::anyhow;

use crate::engine::Engine;

/// Makes a test in each engine of every named `async fn(Engine) -> Result<()>`: `rollback_deployed_shows_notice`
/// in the module `release_detection` becomes `release_detection::chromium::rollback_deployed_shows_notice`, and so on.
/// Call it once in a module.
#[macro_export]
macro_rules! in_every_engine {
    ($($test:ident),+ $(,)?) => {
        $crate::in_every_engine!(@ chromium Chromium $($test)+);
        $crate::in_every_engine!(@ firefox Firefox $($test)+);
        $crate::in_every_engine!(@ webkit WebKit $($test)+);
    };
    (@ $module:ident $engine:ident $($test:ident)+) => {
        mod $module {$(
            #[test]
            fn $test() -> $crate::Outcome {
                let name = concat!(module_path!(), "::", stringify!($test));
                $crate::run($crate::Engine::$engine, name, super::$test)
            }
        )+}
    };
}

/// Makes a test of every named `async fn(Engine) -> Result<()>`, in the first engine that is chosen: for what does not
/// depend on the browser. Call it once in a module.
#[macro_export]
macro_rules! in_one_engine {
    ($($test:ident),+ $(,)?) => {
        mod one_engine {$(
            #[test]
            fn $test() -> $crate::Outcome {
                let engine = $crate::Engine::selected()?[0];
                let name = concat!(module_path!(), "::", stringify!($test));
                $crate::run(engine, name, super::$test)
            }
        )+}
    };
}

/// What a test returns.
pub type Outcome = Result<()>;

/// Runs a test in an engine, or reports on stderr that it is skipped because `ENGINES` does not name that engine.
///
/// # Errors
/// The error of the test.
pub fn run(engine: Engine, name: &str, test: impl AsyncFnOnce(Engine) -> Result<()>) -> Result<()> {
    if !Engine::selected()?.contains(&engine) {
        engine.skip(&format!("{name}: ENGINES does not name it"));
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| anyhow!("a runtime: {error}"))?;
    runtime.block_on(test(engine))
}
