//! The admin port over a real connection.

use clb_telemetry::{AdminServer, Health, Kind, Metrics};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

async fn get(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status, body)
}

#[tokio::test]
async fn the_pages_show_life_readiness_and_metrics() {
    let metrics = Metrics::new("planner");
    let health = Health::new(&metrics).unwrap();
    let server = AdminServer::bind("127.0.0.1:0".parse().unwrap(), health.clone(), metrics)
        .await
        .unwrap();
    let address = server.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve(stop.clone()));

    assert_eq!(get(address, "/readyz").await, (200, "ok".to_owned()));
    let gate = health.check("stores", Kind::Gate);
    let (status, body) = get(address, "/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains("[-]stores failed: no result yet"), "{body}");
    assert_eq!(
        get(address, "/livez").await,
        (200, "ok".to_owned()),
        "not ready is not dead"
    );
    gate.ok();
    let (status, body) = get(address, "/readyz?verbose").await;
    assert_eq!(
        (status, body.as_str()),
        (200, "[+]stores ok\nreadyz check passed\n")
    );
    let (status, body) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(body.contains("clb_check_ok{check=\"stores\"} 1"), "{body}");

    health.begin_shutdown();
    let (status, body) = get(address, "/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains("shutting down"), "{body}");
    stop.cancel();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr();
    let holder = TcpListener::bind(taken.unwrap()).await.unwrap();
    let metrics = Metrics::new("planner");
    let health = Health::new(&metrics).unwrap();
    let address = holder.local_addr().unwrap();
    let error = AdminServer::bind(address, health, metrics)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&address.to_string()) && error.contains("admin.listen"),
        "{error}"
    );
}
