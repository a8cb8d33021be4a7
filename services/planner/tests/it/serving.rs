//! Who is let in, what is shown, how it ends.

use clb_planner::{Planner, PlannerError};
use clb_proto::planner::v1::planner_service_client::PlannerServiceClient;
use clb_proto::planner::v1::{ListClustersRequest, ListServicesRequest};
use clb_proto::snapshot::v1::snapshot_service_client::SnapshotServiceClient;
use clb_proto::snapshot::v1::sync_request::Message as Up;
use clb_proto::snapshot::v1::sync_response::Message as Down;
use clb_proto::snapshot::v1::{Epoch, Hello, SyncRequest, SyncResponse};
use clb_telemetry::{Health, Metrics};
use clb_tls::PeerIdentity;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};

use crate::running::{PATIENCE, Running, settings, watcher_of};

type Stream = (mpsc::Sender<SyncRequest>, Streaming<SyncResponse>);

async fn sync(channel: Channel, claim: Option<&str>) -> Result<Stream, Status> {
    let (up, requests) = mpsc::channel(8);
    let hello = Up::Hello(Hello {
        cluster_uid: "5cf0".to_owned(),
        instance: "watcher-0".to_owned(),
        epoch: Some(Epoch::default()),
        protocol_min: 1,
        protocol_max: 1,
        resume: None,
    });
    up.try_send(SyncRequest { message: Some(hello) }).unwrap();
    let mut request = Request::new(ReceiverStream::new(requests));
    if let Some(claim) = claim {
        request
            .metadata_mut()
            .insert(clb_tls::CLUSTER_ID_KEY, claim.parse().unwrap());
    }
    let response = timeout(PATIENCE, SnapshotServiceClient::new(channel).sync(request))
        .await
        .unwrap()?;
    Ok((up, response.into_inner()))
}

async fn next(down: &mut Streaming<SyncResponse>) -> Result<Option<Down>, Status> {
    let response = timeout(PATIENCE, down.message()).await.unwrap()?;
    Ok(response.and_then(|response| response.message))
}

#[tokio::test]
async fn a_watcher_is_who_its_certificate_says() {
    let planner = Running::start().await;
    let (_up, mut down) = sync(planner.channel(&watcher_of("c-lab")), None).await.unwrap();
    assert!(matches!(next(&mut down).await, Ok(Some(Down::Welcome(_)))));

    // What the metadata claims does not count.
    let refusal = sync(planner.channel(&watcher_of("c-other")), Some("c-lab"))
        .await
        .unwrap_err();
    assert_eq!(refusal.code(), Code::NotFound);
    assert!(refusal.message().contains("c-other"), "{refusal}");

    let refusal = sync(planner.channel(&PeerIdentity::Actuator), Some("c-lab"))
        .await
        .unwrap_err();
    assert_eq!(refusal.code(), Code::PermissionDenied);
    planner.stop().await;
}

#[tokio::test]
async fn operators_see_the_clusters_and_other_services_do_not() {
    let planner = Running::start().await;
    let mut operator = PlannerServiceClient::new(planner.channel(&PeerIdentity::Operator));
    let clusters = operator.list_clusters(ListClustersRequest {}).await.unwrap();
    let clusters = clusters.into_inner().clusters;
    assert_eq!(clusters.len(), 1);
    assert!(!clusters[0].connected && clusters[0].frozen.contains("committed"));
    let unknown = ListServicesRequest {
        cluster_id: "c-other".to_owned(),
    };
    let refusal = operator.list_services(unknown).await.unwrap_err();
    assert_eq!(refusal.code(), Code::NotFound);

    for other in [watcher_of("c-lab"), PeerIdentity::Planner, PeerIdentity::Actuator] {
        let mut other = PlannerServiceClient::new(planner.channel(&other));
        let refusal = other.list_clusters(ListClustersRequest {}).await.unwrap_err();
        assert_eq!(refusal.code(), Code::PermissionDenied);
    }
    planner.stop().await;
}

#[tokio::test]
async fn an_actuator_that_is_away_is_shown_while_the_planner_is_ready() {
    let planner = Running::start().await;
    let shown = async {
        loop {
            let page = planner.page("/readyz?verbose").await;
            if page.contains("[-]actuator failed: the actuator at localhost:1: for cluster c-lab") {
                return page;
            }
            tokio::task::yield_now().await;
        }
    };
    let page = timeout(PATIENCE, shown).await.unwrap();
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("[+]grpc ok"), "{page}");
    assert!(page.contains("[-]cluster/c-lab failed"), "{page}");
    let metrics = planner.page("/metrics").await;
    for line in [
        "clb_planner_actuator_connected{cluster=\"c-lab\"} 0",
        "clb_planner_frozen{cluster=\"c-lab\"} 1",
        "clb_planner_queue_depth{cluster=\"c-lab\"} 0",
        "clb_check_ok{check=\"actuator\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    planner.stop().await;
}

#[tokio::test]
async fn at_the_end_streams_are_told_and_closed() {
    let planner = Running::start().await;
    let (_up, mut down) = sync(planner.channel(&watcher_of("c-lab")), None).await.unwrap();
    assert!(matches!(next(&mut down).await, Ok(Some(Down::Welcome(_)))));
    planner.stop().await;
    let ended = next(&mut down).await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
    assert!(ended.message().contains("shutting down"), "{ended}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings();
    settings.listen = taken.local_addr().unwrap();
    let metrics = Metrics::new("planner");
    let health = Health::new(&metrics).unwrap();
    let error = Planner::bind(settings, clb_tls::Security::Insecure, metrics, health)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        PlannerError::Ports(clb_runtime::PortsError::Bind { .. })
    ));
    let port = taken.local_addr().unwrap().to_string();
    assert!(error.to_string().contains(&port), "{error}");
}
