//! One backend that cannot be used never holds up the others, and an event names it.

use clb_e2e::Api;
use cloud_sim::{NetworkInterface, lab};

use crate::lab::{Lab, by_hand, eni, on_both_apis, pod, pods};

on_both_apis!(
    an_instance_that_is_gone,
    an_address_without_an_eni,
    a_pod_outside_the_vpc
);

/// A Node whose instance was released, but which Kubernetes has not noticed.
async fn an_instance_that_is_gone(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.slice("web", &pods(0..3)).await?;
    assert!(lab.account.remove_instance("i-n2"));
    let uid = lab.apply(&by_hand("web").tcp(80)).await?;
    lab.backends_are(&uid, &["i-n1=100", "i-n3=100"]).await?;
    lab.says("web", "backend i-n2:").await?;
    lab.stage.end().await;
    Ok(())
}

/// A pod whose address no ENI has: the others come and go all the same; once it has one it is tried again.
async fn an_address_without_an_eni(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.slice("web", &pods(0..2)).await?;
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    lab.pods_are(&uid, &pods(0..2), 8080).await?;
    lab.slice_without_enis("web", &pods(1..4), &[pod(3)]).await?;
    lab.pods_are(&uid, &pods(1..3), 8080).await?;
    lab.says("web", "backend 10.0.100.4:8080 cannot be used").await?;
    let address = [pod(3).address];
    lab.account.add_network_interface(NetworkInterface::new(
        "eni-late",
        lab::VPC,
        "vsw-k",
        "cn-hangzhou-k",
        &address,
    ));
    lab.pods_are(&uid, &pods(1..4), 8080).await?;
    lab.stage.end().await;
    Ok(())
}

/// A pod in a network of its own (host ports of another VPC, an overlay) is skipped and named.
async fn a_pod_outside_the_vpc(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let mut outside = pod(9);
    outside.address = [172, 31, 0, 9].into();
    lab.slice("web", &[pod(0), outside, pod(1)]).await?;
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    lab.pods_are(&uid, &pods(0..2), 8080).await?;
    lab.says(
        "web",
        "address 172.31.0.9 of a pod is outside of the VPC's ranges",
    )
    .await?;
    lab.stage.end().await;
    Ok(())
}
