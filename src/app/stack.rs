//! The stack: the layers that every request passes through, in one ordered list.
//!
//! ```text
//! host_check → router → notify (with the reserved paths) → origin
//! ```
//!
//! - `host_check` is outermost: nothing behind it sees a request whose host is ambiguous.
//! - `router` is before `notify`: responses of routed upstreams are APIs, and get no script.
//! - `notify` is next to the origin: it changes pages exactly as the origin sends them.

use std::convert::Infallible;

use bytes::Bytes;
use http::Request;
use http::Response;
use tower_layer::Layer;
use tower_service::Service;

use crate::app::boxed_service::BoxedService;
use crate::app::router::RouterLayer;
use crate::error::BoxError;
use crate::http::body::Body;
use crate::notify::layer::UpdateNotifierLayer;
use crate::server::host_check::HostCheckLayer;

/// A service, and the positions of the layers that it is made of.
#[derive(Debug)]
pub(crate) struct Stack<S> {
    service: S,
    /// From the inside out.
    positions: Vec<Position>,
}

/// Where a layer is in the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    HostCheck,
    Router,
    Notify,
    Origin,
}

/// A layer that has its position in the stack.
pub(crate) trait StackLayer {
    const POSITION: Position;
}

impl StackLayer for HostCheckLayer {
    const POSITION: Position = Position::HostCheck;
}

impl StackLayer for RouterLayer {
    const POSITION: Position = Position::Router;
}

impl StackLayer for UpdateNotifierLayer {
    const POSITION: Position = Position::Notify;
}

/// Composes the stack that the program serves.
pub(crate) fn compose<B>(
    origin: BoxedService<B>,
    notify: &UpdateNotifierLayer,
    router: &RouterLayer,
) -> Stack<
    impl Service<Request<B>, Response = Response<Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + use<B>,
>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Stack::new(origin)
        .add(notify)
        .add(router)
        .add(&HostCheckLayer)
}

impl<S> Stack<S> {
    fn new(origin: S) -> Self {
        Self {
            service: origin,
            positions: vec![Position::Origin],
        }
    }

    /// Puts a layer around what is there.
    fn add<L>(mut self, layer: &L) -> Stack<L::Service>
    where
        L: Layer<S> + StackLayer,
    {
        self.positions.push(L::POSITION);
        Stack {
            service: layer.layer(self.service),
            positions: self.positions,
        }
    }

    /// The layers, outermost first.
    pub(crate) fn positions(&self) -> impl Iterator<Item = Position> {
        self.positions.iter().rev().copied()
    }

    /// The composed service.
    pub(crate) fn into_service(self) -> S {
        self.service
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::origin::Proxy;
    use crate::release::Release;
    use crate::site::Site;

    const ORDER: [Position; 4] = [
        Position::HostCheck,
        Position::Router,
        Position::Notify,
        Position::Origin,
    ];

    #[test]
    fn stack_composed_has_the_documented_order() {
        assert!(stack().positions().eq(ORDER));
    }

    #[tokio::test]
    async fn host_missing_is_rejected_before_the_router() {
        let response = respond("/api/x", None).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn path_of_route_does_not_reach_the_notifier() {
        let response = respond("/api/x", Some("a")).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    }

    #[tokio::test]
    async fn reserved_path_does_not_reach_the_origin() {
        let response = respond("/__tidings/release.json", Some("a")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()[http::header::CONTENT_TYPE],
            "application/json"
        );
    }

    #[tokio::test]
    async fn page_of_the_origin_gets_the_script() {
        let response = respond("/", Some("a")).await;
        let page = response.into_body().collect().await.unwrap().to_bytes();
        assert!(page.starts_with(b"<!doctype html><script"), "{page:?}");
    }

    async fn respond(path: &str, host: Option<&str>) -> Response<Body> {
        let mut request = Request::get(path);
        if let Some(host) = host {
            request = request.header(http::header::HOST, host);
        }
        let request = request.body(Body::empty()).unwrap();
        stack().into_service().oneshot(request).await.unwrap()
    }

    /// A stack whose origin has one page, and whose only route leads to a closed port.
    fn stack() -> Stack<
        impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone,
    > {
        let site = Site::new();
        site.publish(Release::new("v1".parse().unwrap(), 1));
        let origin = BoxedService::new(tower::service_fn(async |_: Request<Body>| {
            let page = Body::full("<!doctype html><title>Page</title>");
            let response = Response::builder().header("content-type", "text/html");
            Ok(response.body(page).unwrap())
        }));
        let proxy = Proxy::new(["http://127.0.0.1:1".parse().unwrap()]).unwrap();
        let route = "/api=http://127.0.0.1:1".parse().unwrap();
        compose(
            origin,
            &UpdateNotifierLayer::new(site),
            &RouterLayer::new([(route, proxy)]),
        )
    }
}
