//! A static address that something else has: nothing is created until it is free, and then without anybody's help.

use clb_e2e::{Api, Stage, service_api};
use clb_sandbox::manifests::Manifest;
use cloud_sim::{NetworkInterface, lab as cloud_lab};
use kube::api::DeleteParams;
use serde_json::json;

use super::table::TCP;
use super::told::ACCEPTED;
use crate::lab::{self, account, apply_all, condition, events};

const ADDRESS: &str = "10.0.250.8";

fn internal(name: &str) -> Manifest {
    let annotations = [
        ("address-type", "intranet"),
        ("vswitch-id", "vsw-k"),
        ("ip", ADDRESS),
    ];
    lab::service(name, TCP, &annotations)
}

/// The Warning events about a Service.
async fn warnings(stage: &Stage, name: &str) -> anyhow::Result<Vec<String>> {
    let said = events(stage).await?.remove(name).unwrap_or_default();
    Ok(said
        .into_iter()
        .filter(|said| said.kind == "Warning")
        .map(|said| said.message)
        .collect())
}

/// How often a CLB was asked for.
fn creations(stage: &Stage) -> u64 {
    let counters = stage.world.cloud.cloud().counters();
    counters
        .by_action
        .get("CreateLoadBalancer")
        .copied()
        .unwrap_or_default()
}

/// Waits until a Service shows the address.
async fn has_the_address(stage: &Stage, name: &str) -> anyhow::Result<()> {
    stage
        .until(&format!("{name} has {ADDRESS}"), async || {
            let services = lab::services(stage).await?;
            let status = serde_json::to_value(&services[name].status)?;
            Ok(status.pointer("/loadBalancer/ingress/0/ip") == Some(&json!(ADDRESS)))
        })
        .await
}

async fn an_address_is_waited_for(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let account = account(&stage);
    account.add_network_interface(NetworkInterface::new(
        "eni-holder",
        cloud_lab::VPC,
        "vsw-k",
        "cn-hangzhou-k",
        &[ADDRESS.parse()?],
    ));
    apply_all(&stage, &[internal("internal")]).await?;
    lab::told(&stage, "internal", &[ADDRESS, "network interface eni-holder"]).await?;
    let (status, _, message) = condition(&lab::services(&stage).await?["internal"], ACCEPTED);
    assert_eq!(status, "False");
    assert!(message.contains("network interface eni-holder"), "{message}");
    assert_eq!(stage.writes(), 0, "writes to the cloud");

    assert!(account.remove_network_interface("eni-holder"));
    has_the_address(&stage, "internal").await?;
    stage.converged(1).await?;
    assert_eq!(creations(&stage), 1);
    assert_eq!(warnings(&stage, "internal").await?.len(), 1);
    // Its own CLB is nobody else's, also for services that know nothing yet.
    lab::at_rest(&stage).await?;
    let last = lab::last_call(&stage);
    let mut stage = stage;
    stage.world.services.restart().await?;
    stage.converged(1).await?;
    lab::at_rest(&stage).await?;
    assert_eq!(lab::written_since(&stage, last), Vec::<String>::new());
    assert_eq!(warnings(&stage, "internal").await?.len(), 1);
    stage.end().await;
    Ok(())
}

async fn one_of_two_services_has_an_address(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(&stage, &[internal("one"), internal("two")]).await?;
    stage
        .until("one of the two is told", async || {
            Ok(!warnings(&stage, "one").await?.is_empty() || !warnings(&stage, "two").await?.is_empty())
        })
        .await?;
    let (first, second) = if warnings(&stage, "one").await?.is_empty() {
        ("one", "two")
    } else {
        ("two", "one")
    };
    has_the_address(&stage, first).await?;
    let holder = lab::services(&stage).await?[first].metadata.labels.clone();
    let holder = holder.unwrap_or_default()["service.k8s.alibaba/loadbalancer-id"].clone();
    assert_eq!(warnings(&stage, first).await?, Vec::<String>::new());
    let told = warnings(&stage, second).await?;
    assert!(
        told.len() == 1 && told[0].contains(&format!("CLB {holder} has this one")),
        "{told:?}"
    );
    assert_eq!(creations(&stage), 1, "nothing is tried for the other");

    service_api(&stage)
        .delete(first, &DeleteParams::default())
        .await?;
    has_the_address(&stage, second).await?;
    assert_eq!(warnings(&stage, second).await?.len(), 1);
    assert_eq!(creations(&stage), 2);
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_waited_for_on_kube_sim() -> anyhow::Result<()> {
    an_address_is_waited_for(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_waited_for_on_a_real_api() -> anyhow::Result<()> {
    an_address_is_waited_for(Api::Real).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_services_has_an_address_on_kube_sim() -> anyhow::Result<()> {
    one_of_two_services_has_an_address(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_services_has_an_address_on_a_real_api() -> anyhow::Result<()> {
    one_of_two_services_has_an_address(Api::Real).await
}
