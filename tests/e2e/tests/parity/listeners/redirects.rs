//! Redirects: the target first, the redirect after it; the other way round when they go.

use clb_e2e::{Api, service_api};
use clb_sandbox::manifests::Manifest;
use serde_json::{Value, json};

use crate::lab::{self, account, actions_since, apply_all, at_rest, last_call, service, shows};
use crate::shown::id_of;

/// Port 80 redirects to one of two HTTPS ports, or to none.
fn web(protocols: &str, forward: Option<&str>) -> Manifest {
    let mut annotations = vec![("protocol-port", protocols), ("cert-id", "cert-a")];
    annotations.extend(forward.map(|ports| ("forward-port", ports)));
    let ports: Vec<String> = protocols
        .split(',')
        .filter_map(|pair| pair.split_once(':'))
        .map(|(_, port)| format!("{port}/TCP"))
        .collect();
    service(
        "web",
        &ports.iter().map(String::as_str).collect::<Vec<_>>(),
        &annotations,
    )
}

async fn redirects_follow_their_targets(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let both = "http:80,https:443,https:8443";
    apply_all(&stage, &[web(both, Some("80:443"))]).await?;
    stage.converged(1).await?;
    let id = id_of(&account(&stage), &service_api(&stage).get("web").await?);
    let redirects_to = |port: u16| {
        [
            ("/listeners/http~180/ListenerForward", json!("on")),
            ("/listeners/http~180/ForwardPort", json!(port)),
            ("/listeners/http~180/Status", json!("running")),
        ]
    };
    shows(&stage, &id, &redirects_to(443)).await?;

    // Another target: the redirect is made anew.
    let mut last = last_call(&stage);
    apply_all(&stage, &[web(both, Some("80:8443"))]).await?;
    shows(&stage, &id, &redirects_to(8443)).await?;
    at_rest(&stage).await?;
    assert_eq!(
        actions_since(&stage, last),
        [
            "DeleteLoadBalancerListener 80",
            "CreateLoadBalancerHTTPListener 80",
            "StartLoadBalancerListener 80"
        ]
    );

    // A new target in place of the old one: it comes before the redirect, the old one goes after it.
    last = last_call(&stage);
    apply_all(&stage, &[web("http:80,https:9443", Some("80:9443"))]).await?;
    shows(&stage, &id, &redirects_to(9443)).await?;
    shows(
        &stage,
        &id,
        &[
            ("/listeners/https~1443", Value::Null),
            ("/listeners/https~18443", Value::Null),
        ],
    )
    .await?;
    at_rest(&stage).await?;
    let actions = actions_since(&stage, last);
    let at = |action: &str| {
        let found = actions.iter().rposition(|done| done == action);
        found.unwrap_or_else(|| panic!("no {action} in {actions:?}"))
    };
    assert!(
        at("StartLoadBalancerListener 9443") < at("CreateLoadBalancerHTTPListener 80"),
        "{actions:?}"
    );
    assert!(
        at("DeleteLoadBalancerListener 80") < at("DeleteLoadBalancerListener 8443"),
        "{actions:?}"
    );
    assert!(
        stage
            .world
            .cloud
            .cloud()
            .calls_since(last)
            .iter()
            .all(|call| !call.write || call.applied),
        "no call was refused"
    );

    // Without the annotation it is a listener like others, with a group.
    apply_all(&stage, &[web("http:80,https:9443", None)]).await?;
    shows(
        &stage,
        &id,
        &[
            ("/listeners/http~180/ListenerForward", json!("off")),
            ("/listeners/http~180/Status", json!("running")),
        ],
    )
    .await?;
    let shown = account(&stage).load_balancer(&id).unwrap_or_default();
    let group = shown["listeners"]["http/80"]["VServerGroupId"]
        .as_str()
        .unwrap_or_default();
    assert!(group.starts_with("group:k8s/"), "{group}");

    // Redirect and target go in one order, come back in the other.
    apply_all(&stage, &[web("http:80,https:9443", Some("80:9443"))]).await?;
    shows(&stage, &id, &redirects_to(9443)).await?;
    at_rest(&stage).await?;
    last = last_call(&stage);
    apply_all(&stage, &[service("web", &["53/UDP"], &[])]).await?;
    shows(
        &stage,
        &id,
        &[
            ("/listeners/http~180", Value::Null),
            ("/listeners/https~19443", Value::Null),
        ],
    )
    .await?;
    let actions = actions_since(&stage, last);
    let at = |action: &str| actions.iter().position(|done| done == action);
    assert!(
        at("DeleteLoadBalancerListener 80") < at("DeleteLoadBalancerListener 9443"),
        "{actions:?}"
    );
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_follow_their_targets_on_kube_sim() -> anyhow::Result<()> {
    redirects_follow_their_targets(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_follow_their_targets_on_a_real_api() -> anyhow::Result<()> {
    redirects_follow_their_targets(Api::Real).await
}
