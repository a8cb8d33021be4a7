//! What a Service's status shows: the CLB's address, a host name in its place, or the address of an EIP.

use clb_e2e::{Api, Stage, ingress_of, service_api};
use cloud_sim::lab as cloud_lab;
use serde_json::json;

use crate::lab::{self, account, apply_all, last_call, service, told, written_since};
use crate::shown::id_of;

async fn shows_address(stage: &Stage, address: &str) -> anyhow::Result<()> {
    stage
        .until(&format!("the status shows {address}"), async || {
            Ok(ingress_of(&service_api(stage).get("web").await?) == [address])
        })
        .await
}

async fn the_status_follows(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    let internal = ("address-type", "intranet");
    apply_all(&stage, &[service("web", &["80/TCP"], &[internal])]).await?;
    stage.converged(1).await?;
    let id = id_of(&account(&stage), &service_api(&stage).get("web").await?);
    let own = account(&stage).load_balancer(&id).unwrap_or_default()["Address"].clone();
    let own = own.as_str().unwrap_or_default();
    shows_address(&stage, own).await?;
    let last = last_call(&stage);

    apply_all(
        &stage,
        &[service(
            "web",
            &["80/TCP"],
            &[internal, ("hostname", "www.example.com")],
        )],
    )
    .await?;
    shows_address(&stage, "www.example.com").await?;

    // An EIP that is not bound is told of, and what was shown stays; once it is bound its address is shown.
    apply_all(
        &stage,
        &[service(
            "web",
            &["80/TCP"],
            &[internal, ("external-ip-type", "eip")],
        )],
    )
    .await?;
    told(
        &stage,
        "web",
        &["alibaba-cloud-loadbalancer-external-ip-type", &id],
    )
    .await?;
    let eip = json!({
        "AllocationId": "eip-1", "IpAddress": "47.99.1.1", "RegionId": cloud_lab::REGION,
        "InstanceId": id, "InstanceType": "SlbInstance",
    });
    account(&stage).add_eip(serde_json::from_value(eip)?);
    stage.world.services.restart().await?;
    shows_address(&stage, "47.99.1.1").await?;

    apply_all(&stage, &[service("web", &["80/TCP"], &[internal])]).await?;
    shows_address(&stage, own).await?;
    assert_eq!(written_since(&stage, last), Vec::<String>::new());
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_follows_on_kube_sim() -> anyhow::Result<()> {
    the_status_follows(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_follows_on_a_real_api() -> anyhow::Result<()> {
    the_status_follows(Api::Real).await
}
