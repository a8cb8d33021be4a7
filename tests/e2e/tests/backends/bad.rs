//! One backend that cannot be used never holds up the others, and an event names it.

use clb_e2e::Api;
use cloud_sim::{Fault, FaultKind, NetworkInterface, lab};

use crate::lab::{Lab, Pod, by_hand, eni, on_both_apis, pod, pods};

on_both_apis!(
    an_instance_that_is_gone,
    an_address_without_an_eni,
    a_pod_outside_the_vpc,
    bad_ones_among_many,
    servers_that_go_while_they_are_backends,
    a_removal_that_is_refused,
);

/// How many events about a Service contain the text.
async fn times(lab: &Lab, service: &str, text: &str) -> anyhow::Result<usize> {
    let events = clb_e2e::events_of(&lab.stage, service).await?;
    Ok(events
        .iter()
        .filter(|(_, _, message)| message.contains(text))
        .count())
}

/// A Node whose instance was released, but which Kubernetes has not noticed.
async fn an_instance_that_is_gone(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.slice("web", &pods(0..3)).await?;
    assert!(lab.account.remove_instance("i-n2"));
    let uid = lab.apply(&by_hand("web").tcp(80)).await?;
    lab.backends_are(&uid, &["i-n1=100", "i-n3=100"]).await?;
    lab.says("web", "(i-n2:").await?;
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
    lab.says("web", "(10.0.100.4:8080)").await?;
    let address = [pod(3).address];
    lab.account.add_network_interface(NetworkInterface::new(
        "eni-late",
        lab::VPC,
        "vsw-k",
        "cn-hangzhou-k",
        &address,
    ));
    lab.pods_are(&uid, &pods(1..4), 8080).await?;
    assert_eq!(times(&lab, "web", "(10.0.100.4:8080)").await?, 1);
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

/// 45 pods come at once, five of which have no ENI: the 40 others are there after two calls, and all five are named.
async fn bad_ones_among_many(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let all = pods(0..45);
    let (bad, good): (Vec<_>, Vec<_>) = all
        .iter()
        .cloned()
        .enumerate()
        .partition(|(number, _)| number % 9 == 4);
    let plain =
        |numbered: Vec<(usize, Pod)>| -> Vec<Pod> { numbered.into_iter().map(|(_, pod)| pod).collect() };
    let (bad, good) = (plain(bad), plain(good));
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    lab.backends_are(&uid, &[]).await?;
    let before = lab.now();
    lab.slice_without_enis("web", &all, &bad).await?;
    lab.pods_are(&uid, &good, 8080).await?;
    assert_eq!(lab.calls(before, "AddVServerGroup").len(), 2);
    for pod in &bad {
        lab.says("web", &format!("{}:8080", pod.address)).await?;
    }
    assert_eq!(times(&lab, "web", "backends cannot be used").await?, 1);
    lab.stage.end().await;
    Ok(())
}

/// An ENI and an instance are released while they are backends: they go with their pod and their node, and hold up nothing.
async fn servers_that_go_while_they_are_backends(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    for service in ["web", "pods"] {
        lab.slice(service, &pods(0..3)).await?;
    }
    let (uid, with_pods) = (
        lab.apply(&by_hand("web").tcp(80)).await?,
        lab.apply(&eni("pods").tcp(80)).await?,
    );
    lab.backends_are(&uid, &["i-n1=100", "i-n2=100", "i-n3=100"])
        .await?;
    lab.pods_are(&with_pods, &pods(0..3), 8080).await?;
    assert!(lab.account.remove_network_interface("eni-10-0-100-1"));
    assert!(lab.account.remove_instance("i-n2"));
    lab.slice("pods", &pods(1..5)).await?;
    clb_e2e::remove_node(&lab.stage, 2).await?;
    clb_e2e::add_node(&lab.stage, 4).await?;
    lab.pods_are(&with_pods, &pods(1..5), 8080).await?;
    lab.backends_are(&uid, &["i-n1=100", "i-n3=100", "i-n4=100"])
        .await?;
    lab.stage.end().await;
    Ok(())
}

/// The cloud refuses to let a backend go: the others come and go, it is named once, and the cloud is not asked again and again.
async fn a_removal_that_is_refused(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.slice("web", &pods(0..3)).await?;
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    lab.pods_are(&uid, &pods(0..3), 8080).await?;
    let refusal = FaultKind::Error {
        status: 400,
        code: "InvalidServerId.NotExist".to_owned(),
        message: "The specified ServerId does not exist.".to_owned(),
    };
    let cloud = lab.stage.world.cloud.cloud();
    cloud.order_fault(Fault::next(refusal).of("RemoveVServerGroup*").always());
    let before = lab.now();
    lab.slice("web", &pods(1..3)).await?;
    lab.says("web", "(10.0.100.1:8080)").await?;
    lab.slice("web", &pods(1..5)).await?;
    lab.pods_are(&uid, &pods(0..5), 8080).await?;
    cloud.clear_faults();
    lab.pods_are(&uid, &pods(1..5), 8080).await?;
    assert_eq!(times(&lab, "web", "(10.0.100.1:8080)").await?, 1);
    let asked = lab.calls(before, "RemoveVServerGroup").len();
    assert!(asked < 6, "asked {asked} times");
    lab.stage.end().await;
    Ok(())
}
