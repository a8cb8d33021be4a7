//! That nothing is left to do.

use kube::ResourceExt as _;
use kube::api::ListParams;

use serde_json::Value;

use crate::{Stage, json, service_api};

/// Starts the three services anew, which plan everything from nothing but the cluster and the cloud, and checks that they find nothing to
/// write, neither there nor there. Every Service of the stage has to have converged.
///
/// # Errors
/// When they do not start or do not find everything converged.
///
/// # Panics
/// When something was written.
pub async fn assert_settled(stage: &mut Stage) -> anyhow::Result<()> {
    let wanted = stage.world.view.services().await?.len();
    stage.converged(wanted).await?;
    // What is under way ends first: it is no write of those that start anew.
    stage.world.services.stop().await;
    let after = stage
        .world
        .cloud
        .cloud()
        .calls()
        .last()
        .map_or(0, |call| call.number);
    let before = objects(stage).await?;
    stage.world.services.restart().await?;
    stage.converged(wanted).await?;
    let writes: Vec<_> = stage
        .world
        .cloud
        .cloud()
        .calls_since(after)
        .into_iter()
        .filter(|call| call.write)
        .collect();
    assert!(
        writes.is_empty(),
        "nothing was to be written to the cloud: {writes:#?}"
    );
    assert_eq!(
        objects(stage).await?,
        before,
        "nothing was to be written to the cluster"
    );
    Ok(())
}

/// All Services with everything that is in them, so that a difference names what was written.
async fn objects(stage: &Stage) -> anyhow::Result<Vec<Value>> {
    let services = service_api(stage).list(&ListParams::default()).await?;
    let values = services.into_iter().map(|mut service| {
        service.managed_fields_mut().clear();
        json(&service)
    });
    values.collect()
}
