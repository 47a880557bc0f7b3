//! Traces arrive at a collector, and logs are JSON where they are to be.

use crate::fleet::{Backend, Fleet};
use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use hyper::{HeaderMap, Response};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// An OpenTelemetry collector: takes what is exported by OTLP over gRPC, and shows it.
async fn collector() -> (String, mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (shown, exports) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, shown.clone()));
        }
    });
    (address, exports)
}

async fn serve(client: TcpStream, shown: mpsc::UnboundedSender<Vec<u8>>) {
    let mut connection = h2::server::handshake(client).await.expect("HTTP/2");
    while let Some(Ok((request, respond))) = connection.accept().await {
        assert!(request.uri().path().ends_with("TraceService/Export"), "{}", request.uri());
        tokio::spawn(answer(request.into_body(), respond, shown.clone()));
    }
}

async fn answer(
    mut body: RecvStream,
    mut respond: SendResponse<Bytes>,
    shown: mpsc::UnboundedSender<Vec<u8>>,
) {
    let mut export = Vec::new();
    while let Some(Ok(piece)) = body.data().await {
        let _counted = body.flow_control().release_capacity(piece.len());
        export.extend_from_slice(&piece);
    }
    let head = Response::builder().header("content-type", "application/grpc").body(());
    let mut stream = respond.send_response(head.expect("a head"), false).expect("it is sent");
    // No compression, an empty message.
    stream.send_data(Bytes::from_static(&[0; 5]), false).expect("it is sent");
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().expect("a status"));
    stream.send_trailers(trailers).expect("it is sent");
    let _test_has_ended = shown.send(export);
}

fn has(export: &[u8], wanted: &[u8]) -> bool {
    export.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test]
async fn statements_are_traced() {
    let (address, mut exports) = collector().await;
    let mut fleet = Fleet::bare(Backend::Embedded).await;
    let env = [("REDKITE_OTLP_ENDPOINT", address.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let client = fleet.add("a", "a1", &env).await.connect().await;
    let sql = "CREATE TABLE traced (id int8); INSERT INTO traced VALUES (4711)";
    client.batch_execute(sql).await.expect("a table with a row");
    let rows = client.query("SELECT id FROM traced WHERE id = 4711", &[]).await.expect("rows");
    assert_eq!(rows.len(), 1);
    client.query("SELECT 1 / 0", &[]).await.expect_err("a division by zero");

    let mut all = Vec::new();
    let wanted: [&[u8]; 6] = [
        b"SELECT id FROM traced WHERE id = $1",
        b"commit",
        b"INSERT",
        b"db.response.returned_rows",
        b"22012",
        b"service.instance.id",
    ];
    while !wanted.iter().all(|wanted| has(&all, wanted)) {
        let export = tokio::time::timeout(Duration::from_secs(20), exports.recv()).await;
        let Ok(Some(export)) = export else {
            let missing = wanted.iter().filter(|wanted| !has(&all, wanted));
            let missing: Vec<_> = missing.map(|bytes| String::from_utf8_lossy(bytes)).collect();
            panic!("{missing:?} did not arrive in {}", String::from_utf8_lossy(&all));
        };
        all.extend(export);
    }
    assert!(!has(&all, b"4711"), "constants are left out");
}

#[tokio::test]
async fn logs_are_json() {
    let mut fleet = Fleet::bare(Backend::Embedded).await;
    let env = [("REDKITE_LOG", "redkite::audit=info"), ("REDKITE_LOG_FORMAT", "json")];
    let client = fleet.add("a", "a1", &env).await.connect().await;
    client.batch_execute("CREATE TABLE logged (id int8)").await.expect("a table");
    let log = fleet.node(0).process.log();
    let line = log.lines().find(|line| line.contains("CREATE TABLE logged"));
    let line: serde_json::Value =
        serde_json::from_str(line.expect("a line of it")).expect("a JSON object");
    assert_eq!(line["target"], "redkite::audit");
    assert_eq!(line["fields"]["statement"], "CREATE TABLE logged (id int8)");
    assert_eq!(line["level"], "INFO");
}
