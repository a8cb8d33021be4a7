//! Changes of how a Service's backends are chosen, one after the other, undisturbed and under every trouble; a group with ready
//! endpoints is empty at no moment.

use clb_e2e::{Api, Sketch};
use serde_json::json;

use crate::lab::{Lab, Pod, by_hand, eni, on_both_apis, pod, pods};
use crate::troubles::{Trouble, never_empty};

on_both_apis!(
    cluster_local_eni_cluster,
    cordon_with_and_without_the_annotation,
    scaling,
    target_port_number_name_number,
);

/// Cluster → Local → ENI → Cluster: the listener always has a group with backends, and nothing of a mode is left after it.
async fn cluster_local_eni_cluster(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start(api).await? else {
        return Ok(());
    };
    for trouble in Trouble::ALL {
        let name = format!("web-{trouble}");
        let all = [pod(0).on("n1"), pod(1).on("n1"), pod(2).on("n2")];
        lab.slice(&name, &all).await?;
        let cluster = by_hand(&name).tcp(80);
        let uid = lab.apply(&cluster).await?;
        let nodes = ["i-n1=100", "i-n2=100", "i-n3=100"];
        lab.backends_are(&uid, &nodes).await?;
        let since = lab.now();
        trouble.begin(&lab);

        lab.apply(&cluster.clone().spec("externalTrafficPolicy", json!("Local")))
            .await?;
        trouble.strike(&mut lab).await?;
        lab.backends_are(&uid, &["i-n1=2", "i-n2=1"]).await?;

        lab.apply(&eni(&name).tcp(80)).await?;
        trouble.strike(&mut lab).await?;
        lab.pods_are(&uid, &all, 8080).await?;
        only_one_group_is_left(&lab, &uid).await?;

        lab.apply(&cluster).await?;
        trouble.strike(&mut lab).await?;
        lab.backends_are(&uid, &nodes).await?;
        only_one_group_is_left(&lab, &uid).await?;
        never_empty(&lab, &uid, since, trouble);
        trouble.end(&lab);
        lab.delete(&name).await?;
    }
    lab.stage.end().await;
    Ok(())
}

async fn only_one_group_is_left(lab: &Lab, uid: &str) -> anyhow::Result<()> {
    lab.stage
        .until("the group of the mode before is gone", async || {
            let load_balancer = clb_e2e::load_balancer_of(&lab.stage, uid);
            Ok(clb_e2e::vgroup_names(&load_balancer).len() == 1)
        })
        .await
}

/// A cordoned node stays a backend, unless the annotation says otherwise.
async fn cordon_with_and_without_the_annotation(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start(api).await? else {
        return Ok(());
    };
    for trouble in Trouble::ALL {
        let (name, name_of_other) = (format!("web-{trouble}"), format!("other-{trouble}"));
        lab.slice(&name, &pods(0..3)).await?;
        let plain = by_hand(&name).tcp(80);
        let uid = lab.apply(&plain).await?;
        let all = ["i-n1=100", "i-n2=100", "i-n3=100"];
        lab.backends_are(&uid, &all).await?;
        lab.stage.converged(1).await?;
        let before = lab.now();
        trouble.begin(&lab);
        lab.node("n2", &json!({"spec": {"unschedulable": true}})).await?;
        trouble.strike(&mut lab).await?;
        // A Service that is made after it has seen the cordon.
        let removing = by_hand(&name_of_other)
            .tcp(80)
            .annotated("remove-unscheduled-backend", "on");
        let other = lab.apply(&removing).await?;
        lab.backends_are(&other, &["i-n1=100", "i-n3=100"]).await?;
        lab.backends_are(&uid, &all).await?;
        assert_eq!(
            lab.writes_on(&uid, before),
            Vec::<String>::new(),
            "{trouble}: nothing is written for a Service without the annotation"
        );

        lab.apply(&plain.clone().annotated("remove-unscheduled-backend", "on"))
            .await?;
        trouble.strike(&mut lab).await?;
        lab.backends_are(&uid, &["i-n1=100", "i-n3=100"]).await?;
        lab.node("n2", &json!({"spec": {"unschedulable": null}})).await?;
        trouble.strike(&mut lab).await?;
        lab.backends_are(&uid, &all).await?;
        lab.backends_are(&other, &all).await?;
        never_empty(&lab, &uid, before, trouble);
        trouble.end(&lab);
        lab.delete(&name).await?;
        lab.delete(&name_of_other).await?;
    }
    lab.stage.end().await;
    Ok(())
}

/// 1 → 100 → 3 → 0 → 5 pods; from 100 to 3 it keeps some that are to stay at every moment.
async fn scaling(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start(api).await? else {
        return Ok(());
    };
    for trouble in Trouble::ALL {
        let name = format!("web-{trouble}");
        let uid = lab.apply(&eni(&name).tcp(80)).await?;
        lab.backends_are(&uid, &[]).await?;
        trouble.begin(&lab);
        for count in [1, 100, 3, 0, 5] {
            let before = lab.now();
            let present = lab.backends(&uid).map_or(0, |backends| backends.len());
            lab.slice(&name, &pods(0..count)).await?;
            trouble.strike(&mut lab).await?;
            lab.pods_are(&uid, &pods(0..count), 8080).await?;
            let count = usize::from(count);
            if trouble == Trouble::Nothing {
                let added = count.saturating_sub(present).div_ceil(20);
                let removed = present.saturating_sub(count).div_ceil(20);
                assert_eq!(lab.calls(before, "AddVServerGroup").len(), added);
                assert_eq!(lab.calls(before, "RemoveVServerGroup").len(), removed);
            }
            if present > 0 && count > 0 {
                never_empty(&lab, &uid, before, trouble);
            }
        }
        trouble.end(&lab);
        lab.delete(&name).await?;
    }
    lab.stage.end().await;
    Ok(())
}

/// The target port is a number, a name that pods resolve differently, and a number again.
async fn target_port_number_name_number(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start(api).await? else {
        return Ok(());
    };
    for trouble in Trouble::ALL {
        let name = format!("web-{trouble}");
        let to = |target: serde_json::Value| -> Sketch {
            let port = json!({"name": "tcp-80", "protocol": "TCP", "port": 80, "targetPort": target});
            eni(&name).spec("ports", json!([port]))
        };
        let on =
            |pods: &[Pod], port: u16| -> Vec<String> { pods.iter().map(|pod| pod.backend(port)).collect() };
        let (old, new) = (pods(0..2), pods(2..4));
        lab.slice_to(&name, "1", 8080, &old).await?;
        let uid = lab.apply(&to(json!(8080))).await?;
        lab.pods_are(&uid, &old, 8080).await?;
        let since = lab.now();
        trouble.begin(&lab);

        lab.slice_to(&name, "2", 9090, &new).await?;
        lab.apply(&to(json!("http"))).await?;
        trouble.strike(&mut lab).await?;
        let both = [on(&old, 8080), on(&new, 9090)].concat();
        let both: Vec<&str> = both.iter().map(String::as_str).collect();
        // The endpoints alone, before the Service's change, make the same backends of the old group.
        let group = format!("k8s/http/{name}/default/sandbox-1");
        lab.stage
            .until(&format!("{group} is the only group"), async || {
                let found = clb_e2e::load_balancer_of(&lab.stage, &uid);
                Ok(clb_e2e::vgroup_names(&found) == [group.as_str()])
            })
            .await?;
        lab.backends_are(&uid, &both).await?;

        lab.slice_to(&name, "1", 9090, &old).await?;
        lab.apply(&to(json!(9090))).await?;
        trouble.strike(&mut lab).await?;
        lab.pods_are(&uid, &pods(0..4), 9090).await?;
        only_one_group_is_left(&lab, &uid).await?;
        never_empty(&lab, &uid, since, trouble);
        trouble.end(&lab);
        lab.delete(&name).await?;
    }
    lab.stage.end().await;
    Ok(())
}
