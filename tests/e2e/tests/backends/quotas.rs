//! Quotas are planned for: a stable subset stays, what is attached is never removed for one, and an event names it.

use std::collections::{BTreeMap, BTreeSet};

use clb_e2e::{Api, add_node, events_of, find_load_balancer, listeners, load_balancer_of, remove_node};
use cloud_sim::Outcome;
use serde_json::json;

use crate::lab::{Lab, by_hand, eni, on_both_apis, pod, pods};

on_both_apis!(
    two_hundred_backends_per_clb,
    the_same_nodes_of_all_zones_as_configured,
    fifty_attachments_per_instance,
    services_that_come_together_share_what_is_left,
    a_quota_that_is_lower_than_configured,
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
    lab.says("web", "the quota of 200 backends per CLB leaves backends out of ")
        .await?;
    lab.says("web", " (30 backends: ").await?;
    lab.stage.converged(1).await?;
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

/// Twelve nodes in two zones and a quota that leaves room for six: the same six, three of each zone, whoever joins and whoever starts
/// again. More room is used; less room takes nobody away.
async fn the_same_nodes_of_all_zones_as_configured(api: Api) -> anyhow::Result<()> {
    let few = |options: &mut clb_sandbox::world::Options| {
        options.quotas = true;
        options.nodes = 12;
        options.cluster_settings = "quotas: {backends_per_load_balancer: 6}".to_owned();
    };
    let Some(mut lab) = Lab::start_with(api, few).await? else {
        return Ok(());
    };
    let uid = lab.apply(&by_hand("web").tcp(80)).await?;
    lab.has_backends(&uid, 6).await?;
    lab.says("web", "the quota of 6 backends per CLB leaves backends out of ")
        .await?;
    lab.says("web", " (6 backends: ").await?;
    lab.stage.converged(1).await?;
    let there = |lab: &Lab| -> BTreeSet<String> { lab.backends(&uid).into_iter().flatten().collect() };
    let number = |backend: &String| -> Option<usize> {
        let text = backend.strip_prefix("i-n")?.strip_suffix("=100")?;
        text.parse().ok()
    };
    let chosen = there(&lab);
    let odd = chosen.iter().filter_map(number).filter(|number| number % 2 == 1);
    assert_eq!(
        odd.count(),
        3,
        "every second node is in the other zone: {chosen:?}"
    );

    let restarted_with = async |lab: &mut Lab, quota: Option<usize>| {
        let services = &mut lab.stage.world.services;
        services.change_planner(|settings| {
            let of_clb = &mut settings.clusters[0].quotas.backends_per_load_balancer;
            *of_clb = quota.unwrap_or(*of_clb);
        });
        let before = lab.now();
        lab.stage.world.services.restart().await?;
        lab.stage.converged(1).await?;
        anyhow::Ok(lab.writes_on(&uid, before))
    };
    assert_eq!(restarted_with(&mut lab, None).await?, Vec::<String>::new());
    let before = lab.now();
    add_node(&lab.stage, 13).await?;
    // A Service that only the new node serves shows that it is known.
    let label = ("backend-label", "kubernetes.io/hostname=n13");
    let other = lab
        .apply(&by_hand("other").tcp(80).annotated(label.0, label.1))
        .await?;
    lab.backends_are(&other, &["i-n13=100"]).await?;
    lab.delete("other").await?;
    assert_eq!(lab.writes_on(&uid, before), Vec::<String>::new());
    assert_eq!(there(&lab), chosen);

    let gone = chosen.iter().next().cloned().unwrap_or_default();
    remove_node(&lab.stage, number(&gone).unwrap_or_default()).await?;
    lab.stage
        .until("one of the others takes its place", async || {
            let now = there(&lab);
            Ok(now.len() == 6 && !now.contains(&gone) && chosen.intersection(&now).count() == 5)
        })
        .await?;
    lab.stage.converged(1).await?;
    let six = there(&lab);
    assert_eq!(
        restarted_with(&mut lab, Some(8)).await?,
        ["AddVServerGroupBackendServers"]
    );
    let eight = there(&lab);
    assert!(eight.len() == 8 && eight.is_superset(&six), "{eight:?}");
    assert_eq!(restarted_with(&mut lab, Some(4)).await?, Vec::<String>::new());
    assert_eq!(there(&lab), eight, "what is attached stays");
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
        "the quota of 50 vServer groups per instance leaves backends out of ",
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

/// 55 Services at one moment: nothing that they ask of the cloud is refused, and fifty of them have each instance.
async fn services_that_come_together_share_what_is_left(api: Api) -> anyhow::Result<()> {
    let Some(lab) = with_quotas(api).await? else {
        return Ok(());
    };
    lab.stage
        .world
        .cloud
        .cloud()
        .change_circumstances(|circumstances| circumstances.quotas.load_balancers = 100);
    let mut uids = Vec::new();
    for number in 0..55 {
        let sketch = by_hand(&format!("web-{number}")).tcp(80);
        uids.push(lab.apply(&sketch).await?);
    }
    let attached = || {
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        let backends = uids.iter().filter_map(|uid| lab.backends(uid)).flatten();
        for backend in backends {
            *groups.entry(backend).or_default() += 1;
        }
        groups
    };
    let full = ["i-n1=100", "i-n2=100", "i-n3=100"].map(|name| (name.to_owned(), 50));
    lab.stage
        .until("each instance is in fifty groups", async || {
            Ok(attached() == BTreeMap::from(full.clone())
                && uids.iter().all(|uid| lab.backends(uid).is_some()))
        })
        .await
        .map_err(|error| error.context(format!("{:?}", attached())))?;
    let refused: Vec<_> = lab
        .calls(0, "VServerGroup")
        .into_iter()
        .filter(|call| matches!(&call.outcome, Outcome::Error { .. }))
        .collect();
    assert_eq!(refused, [], "planned for, not run into");
    lab.stage.end().await;
    Ok(())
}

/// The account has less than the planner was told: the Service gets its listener all the same, one event says why it has no backends, and
/// they come when there is room.
async fn a_quota_that_is_lower_than_configured(api: Api) -> anyhow::Result<()> {
    let Some(lab) = with_quotas(api).await? else {
        return Ok(());
    };
    let cloud = lab.stage.world.cloud.cloud();
    cloud.change_circumstances(|circumstances| circumstances.quotas.attachments = 0);
    let uid = lab.apply(&by_hand("web").tcp(80)).await?;
    lab.stage
        .until("the listener is there", async || {
            let found = find_load_balancer(&lab.stage, &uid);
            Ok(found.is_some_and(|found| listeners(&found) == ["tcp/80"]))
        })
        .await?;
    let code = "InstanceBackendServerNumberOverLimit";
    lab.says("web", code).await?;
    lab.has_backends(&uid, 0).await?;
    assert_eq!(
        lab.calls(0, "CreateVServerGroup").len(),
        2,
        "with backends, then without"
    );
    let events = events_of(&lab.stage, "web").await?;
    let told = events.iter().filter(|(_, _, message)| message.contains(code));
    assert_eq!(told.count(), 1, "{events:?}");

    cloud.change_circumstances(|circumstances| circumstances.quotas.attachments = 50);
    lab.has_backends(&uid, 3).await?;
    lab.stage.converged(1).await?;
    lab.stage.end().await;
    Ok(())
}

/// 52 ports: 50 listeners, the last two are named in an event and in the status.
async fn fifty_listeners_per_clb(api: Api) -> anyhow::Result<()> {
    let Some(lab) = with_quotas(api).await? else {
        return Ok(());
    };
    let with_ports = |numbers: std::ops::Range<u16>| {
        let ports: Vec<_> = numbers
            .map(
                |port| json!({"name": format!("tcp-{port}"), "protocol": "TCP", "port": port, "targetPort": 8080}),
            )
            .collect();
        eni("web").spec("ports", json!(ports))
    };
    let uid = lab.apply(&with_ports(80..132)).await?;
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
    // Where others make room they come, and the errors go.
    lab.apply(&with_ports(82..132)).await?;
    lab.stage
        .until("the last two have listeners", async || {
            let service = lab.service("web").await?;
            let status = serde_json::to_value(service.status)?;
            let state = load_balancer_of(&lab.stage, &uid);
            let present = listeners(&state);
            Ok(status["loadBalancer"]["ingress"][0]["ports"].is_null()
                && present.len() == 50
                && present.contains(&"tcp/131"))
        })
        .await?;
    lab.stage.end().await;
    Ok(())
}
