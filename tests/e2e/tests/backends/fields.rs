//! Fields that Kubernetes itself defines for a Service.

use clb_e2e::{Api, listener, load_balancer_of, service_api};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::lab::{Lab, by_hand, eni, on_both_apis, pod};

on_both_apis!(
    source_ranges_are_an_access_control_list,
    on_a_clb_of_alibabas_controller_an_event_says_what_would_change,
    session_affinity_and_ip_mode,
    node_ports_that_are_not_allocated,
    both_address_families,
    only_services_of_the_configured_class,
    the_health_check_node_port_is_asked_where_configured,
);

/// The ranges of the lists that were made for Services.
fn lists(lab: &Lab) -> Vec<(String, Vec<String>)> {
    let state = lab.account.state();
    let lists = state["acls"].as_object().into_iter().flatten();
    lists
        .filter(|(_, list)| {
            list["AclName"]
                .as_str()
                .is_some_and(|name| name.starts_with("k8s/"))
        })
        .map(|(id, list)| {
            let entries = list["AclEntrys"].as_array().into_iter().flatten();
            let mut ranges: Vec<String> = entries
                .map(|entry| clb_e2e::text(entry, "AclEntryIP").to_owned())
                .collect();
            ranges.sort_unstable();
            (id.clone(), ranges)
        })
        .collect()
}

async fn list_is(lab: &Lab, wanted: &[&str]) -> anyhow::Result<String> {
    lab.stage
        .until(&format!("the only list holds {wanted:?}"), async || {
            let lists = lists(lab);
            Ok(lists.len() == 1 && lists[0].1 == wanted)
        })
        .await?;
    Ok(lists(lab).remove(0).0)
}

/// They come, change and go; at no time is a listener open to everyone, and nothing is left of them.
async fn source_ranges_are_an_access_control_list(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let with = |ranges: Value| {
        by_hand("web")
            .tcp(80)
            .tcp(81)
            .spec("loadBalancerSourceRanges", ranges)
    };
    let before = lab.now();
    let uid = lab.apply(&with(json!(["10.0.0.0/8", "192.168.0.0/16"]))).await?;
    lab.stage.converged(1).await?;
    let list = list_is(&lab, &["10.0.0.0/8", "192.168.0.0/16"]).await?;
    let state = load_balancer_of(&lab.stage, &uid);
    for name in ["tcp/80", "tcp/81"] {
        let listener = listener(&state, name);
        assert_eq!(
            (&listener["AclStatus"], &listener["AclType"]),
            (&json!("on"), &json!("white"))
        );
        assert_eq!(listener["AclId"], list.as_str());
    }
    assert_eq!(
        lab.calls(before, "SetLoadBalancerTCPListener").len(),
        0,
        "made with the list, not given it later"
    );

    let many: Vec<String> = (0..120).map(|number| format!("172.16.{number}.0/24")).collect();
    let before = lab.now();
    lab.apply(&with(json!(many))).await?;
    let mut sorted: Vec<&str> = many.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    assert_eq!(list_is(&lab, &sorted).await?, list);
    let changes: Vec<String> = lab
        .calls(before, "AccessControlListEntry")
        .into_iter()
        .map(|call| call.action)
        .collect();
    assert_eq!(
        changes,
        [
            "AddAccessControlListEntry",
            "AddAccessControlListEntry",
            "AddAccessControlListEntry",
            "RemoveAccessControlListEntry"
        ]
    );

    lab.apply(&with(json!([]))).await?;
    lab.stage
        .until("everyone may connect and the list is gone", async || {
            let state = load_balancer_of(&lab.stage, &uid);
            Ok(lists(&lab).is_empty()
                && ["tcp/80", "tcp/81"]
                    .iter()
                    .all(|name| listener(&state, name)["AclStatus"] == "off"))
        })
        .await?;

    lab.apply(&with(json!(["10.0.0.0/8"]))).await?;
    list_is(&lab, &["10.0.0.0/8"]).await?;
    // With the annotations for access control lists beside them they are a mistake, and nothing changes.
    lab.apply(&with(json!(["10.0.0.0/8"])).annotated("acl-status", "off"))
        .await?;
    lab.says("web", "not both").await?;
    list_is(&lab, &["10.0.0.0/8"]).await?;
    lab.delete("web").await?;
    lab.stage
        .until("the list goes with the Service", async || {
            Ok(lists(&lab).is_empty())
        })
        .await?;
    lab.stage.end().await;
    Ok(())
}

/// The Service had an address before any condition of ours: Alibaba's controller made its CLB, which ignores both fields.
async fn on_a_clb_of_alibabas_controller_an_event_says_what_would_change(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let uid = lab.apply(&by_hand("web").tcp(80)).await?;
    lab.stage.converged(1).await?;
    let without = json!({"status": {"conditions": null}});
    service_api(&lab.stage)
        .patch_status("web", &PatchParams::default(), &Patch::Merge(without))
        .await?;
    let before = lab.now();
    let asking = by_hand("web")
        .tcp(80)
        .spec("loadBalancerSourceRanges", json!(["10.0.0.0/8"]))
        .spec("sessionAffinity", json!("ClientIP"));
    lab.apply(&asking).await?;
    lab.says("web", "listener tcp:80 would let in only 10.0.0.0/8")
        .await?;
    lab.says(
        "web",
        "listener tcp:80 would keep a client with its backend for 3600 s",
    )
    .await?;
    assert_eq!(lab.writes_on(&uid, before), Vec::<String>::new());
    assert_eq!(lists(&lab), []);
    lab.stage.end().await;
    Ok(())
}

/// `sessionAffinity: ClientIP` is a persistence timeout of an hour at most; the status says how kube-proxy treats the address.
async fn session_affinity_and_ip_mode(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start_with(api, |options| {
        options.cluster_settings = "ip_mode: Proxy".to_owned()
    })
    .await?
    else {
        return Ok(());
    };
    let sticky = by_hand("web").tcp(80).spec("sessionAffinity", json!("ClientIP"));
    let uid = lab.apply(&sticky).await?;
    lab.stage.converged(1).await?;
    let timeout = || listener(&load_balancer_of(&lab.stage, &uid), "tcp/80")["PersistenceTimeout"].clone();
    assert_eq!(timeout(), 3600);
    lab.says("web", "10800 s; a CLB keeps a client for 3600 s at most")
        .await?;
    let service = serde_json::to_value(lab.service("web").await?)?;
    assert_eq!(service["status"]["loadBalancer"]["ingress"][0]["ipMode"], "Proxy");
    lab.apply(&sticky.annotated("persistence-timeout", "60")).await?;
    lab.stage
        .until("the annotation goes before", async || Ok(timeout() == 60))
        .await?;
    lab.stage.end().await;
    Ok(())
}

/// Without node ports only pods can be backends.
async fn node_ports_that_are_not_allocated(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    for name in ["nodes", "pods"] {
        lab.slice(name, &[pod(0)]).await?;
    }
    let without =
        |sketch: clb_e2e::Sketch| sketch.tcp(80).spec("allocateLoadBalancerNodePorts", json!(false));
    lab.apply(&without(by_hand("nodes"))).await?;
    let uid = lab.apply(&without(eni("pods"))).await?;
    lab.pods_are(&uid, &[pod(0)], 8080).await?;
    lab.says("nodes", "spec.allocateLoadBalancerNodePorts").await?;
    let accepted = lab.condition("nodes", "service.k8s.alibaba/Accepted").await?;
    assert_eq!(accepted["status"], "False", "{accepted:#}");
    assert_eq!(
        clb_e2e::our_load_balancers(&lab.stage).len(),
        1,
        "no CLB is made for the mistake"
    );
    lab.stage.end().await;
    Ok(())
}

/// A CLB has one address; a condition says so to who asks for two.
async fn both_address_families(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.apply(
        &by_hand("web")
            .tcp(80)
            .spec("ipFamilyPolicy", json!("PreferDualStack")),
    )
    .await?;
    lab.stage.converged(1).await?;
    lab.stage
        .until("the condition is there", async || {
            let condition = lab.condition("web", "service.k8s.alibaba/IPFamilies").await?;
            Ok(condition["status"] == "False" && condition["reason"] == "SingleFamily")
        })
        .await?;
    lab.stage.end().await;
    Ok(())
}

/// By field or by annotation; all others are another controller's.
async fn only_services_of_the_configured_class(api: Api) -> anyhow::Result<()> {
    let class = |options: &mut clb_sandbox::world::Options| {
        options.load_balancer_class = Some("example.com/clb".to_owned());
    };
    let Some(lab) = Lab::start_with(api, class).await? else {
        return Ok(());
    };
    lab.apply(&by_hand("without").tcp(80)).await?;
    let other = by_hand("other")
        .tcp(80)
        .spec("loadBalancerClass", json!("example.com/other"));
    lab.apply(&other).await?;
    lab.apply(
        &by_hand("field")
            .tcp(80)
            .spec("loadBalancerClass", json!("example.com/clb")),
    )
    .await?;
    let annotated = by_hand("annotated").tcp(80);
    lab.apply(&annotated.plain_annotation("service.beta.kubernetes.io/class", "example.com/clb"))
        .await?;
    lab.stage.converged(2).await?;
    assert_eq!(clb_e2e::our_load_balancers(&lab.stage).len(), 2);

    // The API drops the class with the type, and the Service is cleaned up all the same.
    let to_cluster_ip =
        json!({"spec": {"type": "ClusterIP", "loadBalancerClass": null, "externalTrafficPolicy": null}});
    service_api(&lab.stage)
        .patch("field", &PatchParams::default(), &Patch::Merge(to_cluster_ip))
        .await?;
    lab.stage
        .until("its CLB is gone", async || {
            Ok(clb_e2e::our_load_balancers(&lab.stage).len() == 1)
        })
        .await?;
    lab.stage.end().await;
    Ok(())
}

/// Opt-in: listeners of Local Services ask kube-proxy.
async fn the_health_check_node_port_is_asked_where_configured(api: Api) -> anyhow::Result<()> {
    let opted_in = |options: &mut clb_sandbox::world::Options| {
        options.cluster_settings = "use_health_check_node_port: true".to_owned();
    };
    let Some(lab) = Lab::start_with(api, opted_in).await? else {
        return Ok(());
    };
    lab.slice("web", &[pod(0)]).await?;
    let uid = lab
        .apply(
            &by_hand("web")
                .tcp(80)
                .spec("externalTrafficPolicy", json!("Local")),
        )
        .await?;
    lab.stage.converged(1).await?;
    let spec = serde_json::to_value(lab.service("web").await?.spec)?;
    let state = load_balancer_of(&lab.stage, &uid);
    let listener = listener(&state, "tcp/80");
    assert_eq!(listener["HealthCheckType"], "http");
    assert_eq!(listener["HealthCheckURI"], "/healthz");
    assert_eq!(listener["HealthCheckConnectPort"], spec["healthCheckNodePort"]);
    lab.stage.end().await;
    Ok(())
}
