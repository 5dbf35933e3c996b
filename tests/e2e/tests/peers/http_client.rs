//! A small HTTP client with a timeout.

use std::mem;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;
use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http_body_util::BodyExt;
use http_body_util::Empty;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Body;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

/// A client that reuses connections, as browsers do.
pub(crate) struct HttpClient(Client<HttpConnector, UnsyncBoxBody<Bytes, anyhow::Error>>);

/// A response with its complete body.
#[derive(Debug)]
pub(crate) struct FullResponse {
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Bytes,
}

/// A response whose body is read incrementally.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) fields: HeaderMap,
    body: Incoming,
    unread: String,
}

/// Header fields of a request.
pub(crate) type Fields<'a> = &'a [(&'a str, &'a str)];

impl HttpClient {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// Sends a navigation.
    pub(crate) async fn navigate(&self, url: &str) -> Result<FullResponse> {
        self.get(url, NAVIGATION).await
    }

    pub(crate) async fn get(&self, url: &str, fields: Fields<'_>) -> Result<FullResponse> {
        let answer = self.send(Method::GET, url, fields, Empty::new()).await?;
        FullResponse::read(answer)
            .await
            .with_context(|| url.to_owned())
    }

    pub(crate) async fn head(&self, url: &str, fields: Fields<'_>) -> Result<FullResponse> {
        let answer = self.send(Method::HEAD, url, fields, Empty::new()).await?;
        FullResponse::read(answer).await
    }

    pub(crate) async fn post(&self, url: &str, text: &str) -> Result<FullResponse> {
        let answer = self.send(Method::POST, url, &[], text.to_owned()).await?;
        FullResponse::read(answer).await
    }

    /// Sends a GET whose response is read incrementally.
    pub(crate) async fn stream(&self, url: &str, fields: Fields<'_>) -> Result<Stream> {
        let answer = self.send(Method::GET, url, fields, Empty::new()).await?;
        Ok(Stream::new(answer))
    }

    /// Sends a request; returns when the response head has arrived.
    pub(crate) async fn send<B>(
        &self,
        method: Method,
        url: &str,
        fields: Fields<'_>,
        body: B,
    ) -> Result<Response<Incoming>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<anyhow::Error>,
    {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(body.map_err(Into::into).boxed_unsync())?;
        within_deadline(url, self.0.request(request)).await
    }
}

impl FullResponse {
    pub(crate) async fn read(answer: Response<Incoming>) -> Result<Self> {
        let (parts, body) = answer.into_parts();
        let body = within_deadline("the whole body", body.collect()).await?;
        Ok(Self {
            status: parts.status,
            fields: parts.headers,
            body: body.to_bytes(),
        })
    }

    /// The value of a field, joined by commas if it occurs several times; "" without one.
    pub(crate) fn field(&self, name: &str) -> String {
        let values = self.fields.get_all(name).iter();
        let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
        values.join(", ")
    }

    pub(crate) fn text(&self) -> Result<&str> {
        Ok(str::from_utf8(&self.body)?)
    }

    pub(crate) fn json(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

impl Stream {
    pub(crate) fn new(answer: Response<Incoming>) -> Self {
        let (parts, body) = answer.into_parts();
        Self {
            fields: parts.headers,
            body,
            unread: String::new(),
        }
    }

    /// The next bytes as soon as they arrive; `None` at the end.
    pub(crate) async fn bytes(&mut self) -> Result<Option<Bytes>> {
        let Some(frame) = timeout(TIMEOUT, self.body.frame())
            .await
            .context("nothing comes")?
        else {
            return Ok(None);
        };
        Ok(Some(frame?.into_data().unwrap_or_default()))
    }

    /// The next event of an event stream, without the blank line after it.
    pub(crate) async fn event(&mut self) -> Result<String> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.unread = rest;
                return Ok(event);
            }
            let Some(bytes) = self.bytes().await? else {
                bail!("the stream ends: {:?}", mem::take(&mut self.unread));
            };
            self.unread.push_str(str::from_utf8(&bytes)?);
        }
    }

    /// The id in the next `release` event.
    pub(crate) async fn release(&mut self) -> Result<String> {
        // Heartbeats would extend the timeout of a single event.
        let next_release = async {
            loop {
                let event = self.event().await?;
                if let Some(event) = event.strip_prefix("event: release") {
                    return Ok::<_, anyhow::Error>(event.to_owned());
                }
            }
        };
        let event = within_deadline("a release", next_release).await?;
        let (_, data) = event.split_once("data: ").context("no data")?;
        let release: serde_json::Value = serde_json::from_str(data)?;
        let id = release["id"].as_str().context("no id")?;
        Ok(id.to_owned())
    }
}

async fn within_deadline<T, E: Into<anyhow::Error>>(
    what: &str,
    coming: impl Future<Output = Result<T, E>>,
) -> Result<T> {
    timeout(TIMEOUT, coming)
        .await
        .with_context(|| format!("it does not come in time: {what}"))?
        .map_err(Into::into)
        .with_context(|| what.to_owned())
}

/// The headers of a navigation.
pub(crate) const NAVIGATION: Fields<'_> = &[
    ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
];

// An upload of some hundred megabytes takes several seconds on a machine that compiles at the same time.
const TIMEOUT: Duration = Duration::from_secs(30);
