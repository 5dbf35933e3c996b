//! WebDriver commands that fantoccini lacks.

use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde_json::Value;
use serde_json::json;
use url::ParseError;
use url::Url;

/// A command of the DevTools protocol, by way of chromedriver.
#[derive(Debug)]
pub(super) struct DevTools {
    pub(super) cmd: &'static str,
    pub(super) params: Value,
}

/// Whether scripts run in the tab or in the window around it (geckodriver).
#[derive(Debug)]
pub(super) struct Context(pub(super) &'static str);

/// Get Computed Label or Get Computed Role (WebDriver 2, sections 12.4.9 and 12.4.10).
#[derive(Debug)]
pub(super) struct Computed {
    /// `label` or `role`.
    pub(super) what: &'static str,
    /// The id of the element.
    pub(super) element: String,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        session_url(base, session, "goog/cdp/execute")
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({ "cmd": self.cmd, "params": self.params });
        (Method::POST, Some(body.to_string()))
    }
}

impl WebDriverCompatibleCommand for Context {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        session_url(base, session, "moz/context")
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({ "context": self.0 });
        (Method::POST, Some(body.to_string()))
    }
}

impl WebDriverCompatibleCommand for Computed {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let Self { what, element } = self;
        session_url(base, session, &format!("element/{element}/computed{what}"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::GET, None)
    }
}

fn session_url(base: &Url, session: Option<&str>, rest: &str) -> Result<Url, ParseError> {
    base.join(&format!("session/{}/{rest}", session.unwrap_or_default()))
}
