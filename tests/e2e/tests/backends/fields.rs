//! Fields that Kubernetes itself defines for a Service.

use clb_e2e::{Api, listener, load_balancer_of, service_api};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::lab::{Lab, by_hand, eni, on_both_apis, pod, virtual_node_among_three};

on_both_apis!(
    session_affinity,
    ip_mode,
    node_ports_that_are_not_allocated,
    both_address_families,
    only_services_of_the_configured_class,
    kube_proxy_is_asked_where_configured_and_while_it_answers,
);

/// `sessionAffinity: ClientIP` is a persistence timeout of TCP listeners, an hour at most, and goes with the field.
async fn session_affinity(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let plain = || by_hand("web").tcp(80).udp(53);
    let sticky = || plain().spec("sessionAffinity", json!("ClientIP"));
    let uid = lab.apply(&sticky()).await?;
    lab.stage.converged(1).await?;
    let value =
        |name: &str| listener(&load_balancer_of(&lab.stage, &uid), name)["PersistenceTimeout"].clone();
    let becomes = async |seconds: u32| {
        lab.stage
            .until(&format!("clients are kept for {seconds} s"), async || {
                Ok(value("tcp/80") == seconds)
            })
            .await
    };
    becomes(3600).await?;
    assert_eq!(
        value("udp/53"),
        Value::Null,
        "the cloud knows no such thing of UDP"
    );
    lab.says("web", "10800 s; a CLB keeps a client for 3600 s at most")
        .await?;
    let shorter = json!({"clientIP": {"timeoutSeconds": 600}});
    lab.apply(&sticky().spec("sessionAffinityConfig", shorter))
        .await?;
    becomes(600).await?;
    // The annotation goes before the field.
    lab.apply(&sticky().annotated("persistence-timeout", "60"))
        .await?;
    becomes(60).await?;
    lab.apply(&sticky()).await?;
    becomes(3600).await?;
    lab.apply(&plain().spec("sessionAffinity", json!("None"))).await?;
    becomes(0).await?;
    lab.stage
        .until("that is remembered", async || {
            let condition = lab
                .condition("web", "service.k8s.alibaba/SessionAffinity")
                .await?;
            Ok(condition["status"] == "False")
        })
        .await?;
    lab.stage.end().await;
    Ok(())
}

/// The status says how kube-proxy treats the address: as the planner is configured.
async fn ip_mode(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.apply(&by_hand("web").tcp(80)).await?;
    lab.stage.converged(1).await?;
    let mode = async |lab: &Lab| -> anyhow::Result<Value> {
        let service = serde_json::to_value(lab.service("web").await?)?;
        Ok(service["status"]["loadBalancer"]["ingress"][0]["ipMode"].clone())
    };
    assert_eq!(mode(&lab).await?, "VIP");
    let services = &mut lab.stage.world.services;
    services.change_planner(|settings| {
        settings.clusters[0].ip_mode = clb_planner::settings::IpModeSetting::Proxy
    });
    services.restart().await?;
    lab.stage
        .until("the mode is Proxy", async || Ok(mode(&lab).await? == "Proxy"))
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
    lab.says("nodes", "spec.allocateLoadBalancerNodePorts").await?;
    let accepted = lab.condition("nodes", "service.k8s.alibaba/Accepted").await?;
    assert_eq!(accepted["status"], "False", "{accepted:#}");
    assert_eq!(lab.stage.writes(), 0, "nothing is written for the mistake");
    let uid = lab.apply(&without(eni("pods"))).await?;
    lab.pods_are(&uid, &[pod(0)], 8080).await?;
    assert_eq!(clb_e2e::our_load_balancers(&lab.stage).len(), 1);
    // With pods as backends it is no mistake any more.
    let uid = lab.apply(&without(eni("nodes"))).await?;
    lab.pods_are(&uid, &[pod(0)], 8080).await?;
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
    let before = lab.now();
    lab.apply(
        &by_hand("web")
            .tcp(80)
            .spec("ipFamilyPolicy", json!("SingleStack")),
    )
    .await?;
    lab.stage
        .until("one family is all that is asked for", async || {
            let condition = lab.condition("web", "service.k8s.alibaba/IPFamilies").await?;
            Ok(condition["status"] == "True")
        })
        .await?;
    assert_eq!(lab.calls(before, "").len(), 0, "the cloud has no part in it");
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

/// Opt-in: listeners of Local Services ask kube-proxy, but none whose backends are pods, and none where kube-proxy does not answer.
async fn kube_proxy_is_asked_where_configured_and_while_it_answers(api: Api) -> anyhow::Result<()> {
    let nodes = virtual_node_among_three();
    let opted_in = |options: &mut clb_sandbox::world::Options| {
        options.cluster_settings = "use_health_check_node_port: true".to_owned();
        options.layout = Some(nodes);
    };
    let Some(lab) = Lab::start_with(api, opted_in).await? else {
        return Ok(());
    };
    let on_node = [pod(0).on("n1")];
    for name in ["web", "pods"] {
        lab.slice(name, &on_node).await?;
    }
    let local = |sketch: clb_e2e::Sketch| sketch.tcp(80).spec("externalTrafficPolicy", json!("Local"));
    let uid = lab.apply(&local(by_hand("web"))).await?;
    let of_pods = lab.apply(&local(eni("pods"))).await?;
    lab.stage.converged(2).await?;
    let asked = |uid: &str| {
        let state = load_balancer_of(&lab.stage, uid);
        let listener = listener(&state, "tcp/80");
        let port = &listener["HealthCheckConnectPort"];
        (listener["HealthCheckType"] == "http" && listener["HealthCheckURI"] == "/healthz")
            .then(|| port.clone())
    };
    let spec = serde_json::to_value(lab.service("web").await?.spec)?;
    let port = spec["healthCheckNodePort"].clone();
    assert_eq!(asked(&uid), Some(port.clone()));
    assert_eq!(asked(&of_pods), None);

    let is_asked = async |wanted: bool| {
        lab.stage
            .until(&format!("kube-proxy is asked: {wanted}"), async || {
                let state = load_balancer_of(&lab.stage, &uid);
                let listener = listener(&state, "tcp/80");
                let of_backends = listener["HealthCheckConnectPort"].is_null();
                Ok(listener["Status"] == "running"
                    && (asked(&uid).is_some() == wanted)
                    && (of_backends != wanted))
            })
            .await
    };
    // A pod on a virtual node is a backend that no kube-proxy speaks for.
    lab.slice("web", &[pod(0).on("n1"), pod(1).on("vk")]).await?;
    lab.backends_are(&uid, &["i-n1=1", &pod(1).backend(8080).replace("=100", "=1")])
        .await?;
    is_asked(false).await?;
    lab.slice("web", &on_node).await?;
    is_asked(true).await?;
    // Under Cluster policy kube-proxy does not listen there: who asks finds every backend dead.
    lab.apply(&by_hand("web").tcp(80)).await?;
    lab.backends_are(&uid, &["i-n1=100", "i-n2=100", "i-n3=100"])
        .await?;
    is_asked(false).await?;
    lab.stage.converged(2).await?;
    lab.stage.end().await;
    Ok(())
}
