//! Quotas are planned for: a stable subset stays, what is attached is never removed for one, and an event names it.

use std::collections::BTreeSet;

use clb_e2e::{Api, listeners, load_balancer_of};
use serde_json::json;

use crate::lab::{Lab, by_hand, eni, on_both_apis, pod, pods};

on_both_apis!(
    two_hundred_backends_per_clb,
    fifty_attachments_per_instance,
    fifty_listeners_per_clb,
);

async fn with_quotas(api: Api) -> anyhow::Result<Option<Lab>> {
    Lab::start_with(api, |options| options.quotas = true).await
}

/// 230 pods: 200 are backends, the same after a restart; what is attached stays when others come.
async fn two_hundred_backends_per_clb(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = with_quotas(api).await? else {
        return Ok(());
    };
    lab.slice("web", &pods(0..230)).await?;
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    lab.has_backends(&uid, 200).await?;
    lab.says("web", "the quota of 200 backends per CLB leaves 30 backends out")
        .await?;
    let chosen = lab.backends(&uid);
    let before = lab.now();
    lab.stage.world.services.restart().await?;
    lab.stage.converged(1).await?;
    assert_eq!(lab.backends(&uid), chosen);
    assert_eq!(lab.calls(before, "BackendServers").len(), 0);

    // Ten of the backends go: ten others take their places, the rest stays.
    let gone: BTreeSet<String> = chosen.iter().flatten().take(10).cloned().collect();
    let rest: Vec<_> = pods(0..230)
        .into_iter()
        .filter(|pod| !gone.contains(&pod.backend(8080)))
        .collect();
    lab.slice("web", &rest).await?;
    lab.stage
        .until("others have taken their places", async || {
            let now: BTreeSet<String> = lab.backends(&uid).into_iter().flatten().collect();
            let stay = chosen.iter().flatten().filter(|backend| !gone.contains(*backend));
            Ok(now.len() == 200
                && now.is_disjoint(&gone)
                && stay.clone().all(|backend| now.contains(backend)))
        })
        .await?;
    lab.stage.end().await;
    Ok(())
}

/// The 51st Service gets no instance; once another Service goes it does.
async fn fifty_attachments_per_instance(api: Api) -> anyhow::Result<()> {
    let Some(lab) = with_quotas(api).await? else {
        return Ok(());
    };
    let mut uids = Vec::new();
    for number in 0..50 {
        let name = format!("web-{number}");
        lab.slice(&name, &[pod(0)]).await?;
        uids.push(lab.apply(&by_hand(&name).tcp(80)).await?);
    }
    for uid in &uids {
        lab.has_backends(uid, 3).await?;
    }
    lab.slice("last", &[pod(0)]).await?;
    let last = lab.apply(&by_hand("last").tcp(80)).await?;
    lab.says(
        "last",
        "the quota of 50 vServer groups per instance leaves 3 backends out",
    )
    .await?;
    lab.has_backends(&last, 0).await?;
    for uid in &uids {
        assert_eq!(
            lab.backends(uid).map(|backends| backends.len()),
            Some(3),
            "what is attached stays"
        );
    }
    lab.delete("web-7").await?;
    lab.has_backends(&last, 3).await?;
    lab.stage.end().await;
    Ok(())
}

/// 52 ports: 50 listeners, the last two are named in an event and in the status.
async fn fifty_listeners_per_clb(api: Api) -> anyhow::Result<()> {
    let Some(lab) = with_quotas(api).await? else {
        return Ok(());
    };
    let ports: Vec<_> = (80..132)
        .map(|port| json!({"name": format!("tcp-{port}"), "protocol": "TCP", "port": port, "targetPort": 8080}))
        .collect();
    let uid = lab.apply(&eni("web").spec("ports", json!(ports))).await?;
    lab.says(
        "web",
        "the quota of 50 listeners per CLB leaves out listener tcp:131",
    )
    .await?;
    lab.stage
        .until(
            "50 listeners are there and the status names the others",
            async || {
                let service = lab.service("web").await?;
                let status = serde_json::to_value(service.status)?;
                let failed: Vec<_> = status["loadBalancer"]["ingress"][0]["ports"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(|port| port["error"] == "service.k8s.alibaba/QuotaExceeded")
                    .map(|port| port["port"].clone())
                    .collect();
                Ok(failed == [130, 131] && listeners(&load_balancer_of(&lab.stage, &uid)).len() == 50)
            },
        )
        .await?;
    lab.stage.end().await;
    Ok(())
}
