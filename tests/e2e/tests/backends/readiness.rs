//! Which endpoints count: ready ones, or, where none is, those that still serve; each address once; without a node's name too.

use std::net::Ipv6Addr;

use clb_e2e::Api;
use serde_json::json;

use crate::lab::{Lab, Pod, by_hand, eni, on_both_apis, pod};

on_both_apis!(
    ready_endpoints_else_those_that_still_serve,
    duplicates_and_endpoints_without_a_node,
    a_group_never_empties_while_an_endpoint_is_ready,
    slices_of_both_families,
);

fn terminating(number: u16) -> Pod {
    Pod {
        terminating: true,
        ..pod(number)
    }
}

fn not_ready(number: u16) -> Pod {
    Pod {
        ready: false,
        ..pod(number)
    }
}

/// KEP-1669, and `publishNotReadyAddresses`.
async fn ready_endpoints_else_those_that_still_serve(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.slice("web", &[pod(0), terminating(1), not_ready(2)]).await?;
    let web = eni("web").tcp(80);
    let uid = lab.apply(&web).await?;
    lab.pods_are(&uid, &[pod(0)], 8080).await?;
    // The last ready one terminates: better those that still serve than none.
    lab.slice("web", &[terminating(0), terminating(1), not_ready(2)])
        .await?;
    lab.pods_are(&uid, &[pod(0), pod(1)], 8080).await?;
    lab.slice("web", &[terminating(0), terminating(1), pod(2)])
        .await?;
    lab.pods_are(&uid, &[pod(2)], 8080).await?;

    lab.apply(&web.spec("publishNotReadyAddresses", json!(true)))
        .await?;
    lab.slice("web", &[pod(2), not_ready(3)]).await?;
    lab.pods_are(&uid, &[pod(2), pod(3)], 8080).await?;
    lab.stage.end().await;
    Ok(())
}

/// An address that moves between slices counts once; ENI backends need no node's name, and under Local policy an event names those that
/// have none.
async fn duplicates_and_endpoints_without_a_node(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let nameless = Pod { node: None, ..pod(1) };
    let both = [pod(0).on("n1"), nameless];
    for service in ["web", "local"] {
        lab.slice_to(service, "1", 8080, &both).await?;
        lab.slice_to(service, "2", 8080, &both[..1]).await?;
    }
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    lab.pods_are(&uid, &both, 8080).await?;
    let before = lab.now();
    lab.slice_to("web", "1", 8080, &both[1..]).await?;
    let policy = json!("Local");
    let local = lab
        .apply(&by_hand("local").tcp(80).spec("externalTrafficPolicy", policy))
        .await?;
    lab.backends_are(&local, &["i-n1=1"]).await?;
    lab.says("local", "endpoint 10.0.100.2 names no Node").await?;
    lab.pods_are(&uid, &both, 8080).await?;
    assert_eq!(
        lab.calls(before, "RemoveVServerGroup").len(),
        0,
        "the address is in the other slice"
    );
    lab.stage.end().await;
    Ok(())
}

/// No node is eligible any more though an endpoint is ready: what is there stays, and an event says so. The user's own annotation may
/// empty the group.
async fn a_group_never_empties_while_an_endpoint_is_ready(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start_with(api, |options| {
        options.cluster_settings = "node_grace: 0s".to_owned()
    })
    .await?
    else {
        return Ok(());
    };
    lab.slice("web", &[pod(0)]).await?;
    let web = by_hand("web").tcp(80);
    let uid = lab.apply(&web).await?;
    let all = ["i-n1=100", "i-n2=100", "i-n3=100"];
    lab.backends_are(&uid, &all).await?;
    for node in ["n1", "n2", "n3"] {
        let label =
            json!({"metadata": {"labels": {"node.kubernetes.io/exclude-from-external-load-balancers": ""}}});
        lab.node(node, &label).await?;
    }
    lab.says("web", "so that it does not become empty").await?;
    let left = lab.backends(&uid).unwrap_or_default();
    assert!(!left.is_empty(), "the last backends stay");
    for node in ["n1", "n2", "n3"] {
        let label = json!({"metadata": {"labels": {"node.kubernetes.io/exclude-from-external-load-balancers": null}}});
        lab.node(node, &label).await?;
    }
    lab.backends_are(&uid, &all).await?;
    lab.apply(&web.annotated("backend-label", "no=such")).await?;
    lab.backends_are(&uid, &[]).await?;
    lab.stage.end().await;
    Ok(())
}

/// The same pod with an IPv6 address.
pub(crate) fn v6(pod: &Pod, number: u16) -> Pod {
    Pod {
        address: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number + 1).into(),
        ..pod.clone()
    }
}

/// Each pod is in a slice of each family: it is one backend, and one pod of its node. A CLB with an IPv6 address takes the IPv6 ones
/// where the annotation says so, and follows them.
async fn slices_of_both_families(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let pods = [pod(0).on("n1"), pod(1).on("n1"), pod(2).on("n2")];
    let with_v6: Vec<Pod> = (0..).zip(&pods).map(|(number, pod)| v6(pod, number)).collect();
    for service in ["web", "local", "six"] {
        lab.slice_to(service, "v4", 8080, &pods).await?;
        lab.slice_to(service, "v6", 8080, &with_v6).await?;
    }
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    lab.pods_are(&uid, &pods, 8080).await?;
    let local = by_hand("local")
        .tcp(80)
        .spec("externalTrafficPolicy", json!("Local"));
    let local = lab.apply(&local).await?;
    lab.backends_are(&local, &["i-n1=2", "i-n2=1"]).await?;

    let six = eni("six")
        .tcp(80)
        .annotated("ip-version", "ipv6")
        .annotated("backend-ip-version", "ipv6");
    let six = lab.apply(&six).await?;
    lab.pods_are(&six, &with_v6, 8080).await?;
    let load_balancer = clb_e2e::load_balancer_of(&lab.stage, &six);
    assert_eq!(load_balancer["AddressIPVersion"], "ipv6");
    let mut fewer = with_v6.clone();
    fewer[0] = v6(&pods[0], 100);
    lab.slice_to("six", "v6", 8080, &fewer).await?;
    lab.pods_are(&six, &fewer, 8080).await?;
    lab.stage.end().await;
    Ok(())
}
