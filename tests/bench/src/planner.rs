//! What the planner says of its Services.

use std::time::Duration;

use anyhow::Context as _;
use clb_processes::Services;
use clb_proto::planner::v1::planner_service_client::PlannerServiceClient;
use clb_proto::planner::v1::{ListClustersRequest, ListServicesRequest, ServiceState};
use tokio::time::{Instant, sleep};
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

type Client = PlannerServiceClient<Channel>;

/// How often the planner is asked.
const LOOK: Duration = Duration::from_millis(100);
/// Nothing here takes longer unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(900);
/// Thousands of Services in one answer.
const LARGEST_ANSWER: usize = 256 << 20;

/// Waits until these many Services have converged, with their status written.
pub(crate) async fn converged(services: &Services, wanted: usize) -> anyhow::Result<()> {
    until(
        services,
        &format!("{wanted} Services have converged"),
        async |client| {
            let answer = client.list_services(ListServicesRequest::default()).await?;
            let services = answer.into_inner().services;
            let converged = services.iter().filter(|service| {
                service.state() == ServiceState::Converged
                    && !service.address.is_empty()
                    && !service.directing
            });
            Ok(converged.count() >= wanted)
        },
    )
    .await
}

/// Waits until the planner knows these many nodes.
pub(crate) async fn knows_nodes(services: &Services, wanted: usize) -> anyhow::Result<()> {
    until(
        services,
        &format!("the planner knows {wanted} nodes"),
        async |client| {
            let answer = client.list_clusters(ListClustersRequest::default()).await?;
            let clusters = answer.into_inner().clusters;
            let known: usize = clusters.iter().map(|cluster| cluster.nodes as usize).sum();
            Ok(known >= wanted)
        },
    )
    .await
}

async fn until(
    services: &Services,
    what: &str,
    mut holds: impl AsyncFnMut(&mut Client) -> Result<bool, Status>,
) -> anyhow::Result<()> {
    let channel = Endpoint::from_shared(format!("http://{}", services.planner_address))?
        .connect()
        .await?;
    let mut client = Client::new(channel).max_decoding_message_size(LARGEST_ANSWER);
    let begun = Instant::now();
    while !holds(&mut client).await.context("asking the planner")? {
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "after {} s it is not so: {what}\n{}",
            PATIENCE.as_secs(),
            services.written()
        );
        sleep(LOOK).await;
    }
    Ok(())
}
