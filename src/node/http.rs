//! `--http`: `/metrics` for Prometheus, `/healthz` (the process answers) and `/readyz` (it can serve
//! statements). Nothing here needs a login, and nothing here tells more than numbers.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::session::Server;

/// Requests that are answered at once.
const CONNECTIONS_MAX: usize = 64;
/// The whole request must come within this.
const REQUEST_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Answers until it is dropped. `server` gives the incarnation that serves now.
pub(super) async fn serve(
    listener: TcpListener,
    server: impl Fn() -> Option<Arc<Server>> + Clone + Send + 'static,
) {
    let connections = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else { continue };
        let server = server.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let response = answer(request.method(), request.uri().path(), server());
                async move { Ok::<_, Infallible>(response) }
            });
            let mut http = hyper::server::conn::http1::Builder::new();
            http.keep_alive(false);
            let connection = http.serve_connection(TokioIo::new(stream), service);
            match tokio::time::timeout(REQUEST_TIMEOUT, connection).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%peer, %error, "an HTTP request"),
                Err(_) => tracing::debug!(%peer, "an HTTP request that did not come"),
            }
            drop(permit);
        });
    }
}

fn answer(method: &Method, path: &str, server: Option<Arc<Server>>) -> Response<Full<Bytes>> {
    let (status, kind, body) = match (path, server) {
        _ if !matches!(*method, Method::GET | Method::HEAD) => {
            (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET is answered\n".to_owned())
        }
        ("/healthz", _) => (StatusCode::OK, "text/plain", "ok\n".to_owned()),
        ("/readyz", Some(server)) if server.is_ready() => {
            (StatusCode::OK, "text/plain", "ready\n".to_owned())
        }
        ("/readyz", _) => (StatusCode::SERVICE_UNAVAILABLE, "text/plain", "not ready\n".to_owned()),
        ("/metrics", server) => {
            let text = server.map(|server| metrics(&server)).unwrap_or_default();
            (StatusCode::OK, "text/plain; version=0.0.4", text)
        }
        _ => (StatusCode::NOT_FOUND, "text/plain", "see /metrics, /healthz, /readyz\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}

/// A metric: its name, its type, what it is, its value.
type Metric = (&'static str, &'static str, &'static str, f64);

#[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are floats")]
fn metrics(server: &Server) -> String {
    let counts = server.counts();
    let (counter, gauge) = ("counter", "gauge");
    let objects = server.engine().reader().objects().counters().counts();
    let snapshot = server.engine().current();
    let tables = snapshot.state.tables.values();
    let (mut rows, mut segments, mut inline) = (0, 0, 0);
    for table in tables {
        rows += table.version.row_count();
        segments += table.version.segments().count() as u64;
        inline += table.inline_bytes() as u64;
    }
    let (locks, waits) = server.advisory_locks();
    let said = snapshot.state.notifications.bytes();
    let metrics: [Metric; 20] = [
        ("redkite_up", gauge, "Whether this node serves.", f64::from(u8::from(server.is_ready()))),
        ("redkite_connections", gauge, "Connections.", server.connections() as f64),
        (
            "redkite_connections_active",
            gauge,
            "Connections with a statement.",
            server.active() as f64,
        ),
        ("redkite_logins_total", counter, "Connections that were let in.", counts.logins as f64),
        (
            "redkite_logins_refused_total",
            counter,
            "Connections that were refused.",
            counts.refused as f64,
        ),
        ("redkite_statements_total", counter, "Statements.", counts.statements as f64),
        (
            "redkite_statements_failed_total",
            counter,
            "Statements that failed.",
            counts.failed as f64,
        ),
        (
            "redkite_statement_seconds_total",
            counter,
            "How long statements ran.",
            counts.microseconds as f64 / 1e6,
        ),
        (
            "redkite_cached_plans",
            gauge,
            "Plans that connections share.",
            server.cached_plans() as f64,
        ),
        (
            "redkite_planning_steps_total",
            counter,
            "Steps of planning.",
            server.planning_steps() as f64,
        ),
        (
            "redkite_object_reads_total",
            counter,
            "GET requests to the object store.",
            objects.reads as f64,
        ),
        (
            "redkite_object_read_bytes_total",
            counter,
            "Bytes that they returned.",
            objects.read_bytes as f64,
        ),
        (
            "redkite_object_writes_total",
            counter,
            "PUT requests to the object store.",
            objects.writes as f64,
        ),
        (
            "redkite_object_written_bytes_total",
            counter,
            "Bytes that they sent.",
            objects.written_bytes as f64,
        ),
        ("redkite_advisory_locks", gauge, "Advisory locks of all nodes.", locks as f64),
        ("redkite_advisory_waits", gauge, "Waits for them.", waits as f64),
        (
            "redkite_notification_bytes",
            gauge,
            "Notifications that some node has not heard.",
            said as f64,
        ),
        ("redkite_rows", gauge, "Rows of all tables.", rows as f64),
        ("redkite_segments", gauge, "Segments of all tables.", segments as f64),
        ("redkite_inline_bytes", gauge, "Bytes of rows in metadata.", inline as f64),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in metrics {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    text
}
