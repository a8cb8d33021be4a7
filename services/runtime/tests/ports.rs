//! Ports as callers see them.

use std::net::SocketAddr;

use clb_runtime::{Grpc, Ports, PortsError, Serving};
use clb_telemetry::{Health, Metrics};
use clb_tls::Security;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn bind(listen: SocketAddr, admin: SocketAddr) -> anyhow::Result<Ports> {
    let metrics = Metrics::new("example");
    let health = Health::new(&metrics)?;
    Ok(Ports::bind(listen, admin, health, metrics).await?)
}

fn serve(ports: Ports, stop: &CancellationToken) -> Result<Serving, PortsError> {
    let grpc = Grpc {
        name: "clb-example",
        security: &Security::Insecure,
        streams: None,
        routes: Routes::default(),
    };
    ports.serve(grpc, stop.clone())
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_the_setting_to_change() -> anyhow::Result<()> {
    let taken = std::net::TcpListener::bind(ANY)?;
    let address = taken.local_addr()?;
    for (listen, admin, setting) in [(address, ANY, "listen address"), (ANY, address, "admin.listen")] {
        let Err(error) = bind(listen, admin).await else {
            anyhow::bail!("opened twice")
        };
        let error = error.to_string();
        assert!(
            error.contains(setting) && error.contains(&address.to_string()),
            "{error}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_admin_port_outlives_the_grpc_port() -> anyhow::Result<()> {
    let ports = bind(ANY, ANY).await?;
    let (address, admin) = (ports.address(), ports.admin_address());
    let stop = CancellationToken::new();
    let mut serving = serve(ports, &stop)?;
    let checked = async {
        let channel = Endpoint::from_shared(format!("http://{address}"))?
            .connect()
            .await?;
        let mut client = HealthClient::new(channel);
        let answer = client.check(HealthCheckRequest::default()).await?;
        anyhow::Ok(answer.into_inner().status())
    };
    tokio::select! {
        status = checked => assert_eq!(status?, ServingStatus::Serving),
        () = serving.ended() => anyhow::bail!("it ended by itself"),
    }
    stop.cancel();
    serving.ended().await;
    assert!(TcpStream::connect(address).await.is_err());
    TcpStream::connect(admin).await?;
    serving.close().await?;
    assert!(TcpStream::connect(admin).await.is_err());
    Ok(())
}

#[tokio::test]
async fn plaintext_is_refused_where_others_could_reach_it() -> anyhow::Result<()> {
    let ports = bind(SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), 0), ANY).await?;
    let refused = serve(ports, &CancellationToken::new());
    assert!(matches!(refused, Err(PortsError::Tls(_))), "{refused:?}");
    Ok(())
}
