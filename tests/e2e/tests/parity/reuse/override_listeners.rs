//! With and without `force-override-listeners`; what goes and what stays when the Service goes.

use clb_e2e::{Api, Stage, delete_all_services, service_api};
use clb_sandbox::manifests::Manifest;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::lab::{self, account, actions_since, apply_all, at_rest, last_call, service, shows};
use crate::shown::{differences, settled};

const USERS: &str = "lb-reuse-05";

/// The user makes listeners of their own on ports that a Service will ask for, and marks one of the group's.
fn users_make_listeners(stage: &Stage) -> anyhow::Result<()> {
    let make = |action: &str, port: &str| {
        let parameters = [
            ("RegionId", "cn-hangzhou"),
            ("LoadBalancerId", USERS),
            ("ListenerPort", port),
            ("VServerGroupId", "rsp-user-05"),
            ("Bandwidth", "-1"),
            ("Scheduler", "wrr"),
            ("Description", "mine"),
            ("HealthCheckSwitch", "off"),
        ];
        account(stage)
            .call(action, &parameters)
            .map_err(|error| anyhow::anyhow!("{action} {port}: {error:?}"))
    };
    make("CreateLoadBalancerTCPListener", "80")?;
    make("CreateLoadBalancerTCPListener", "443")?;
    for port in ["80", "443"] {
        account(stage)
            .call(
                "StartLoadBalancerListener",
                &[
                    ("RegionId", "cn-hangzhou"),
                    ("LoadBalancerId", USERS),
                    ("ListenerPort", port),
                    ("ListenerProtocol", "tcp"),
                ],
            )
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    }
    Ok(())
}

fn users(stage: &Stage) -> Value {
    settled(&account(stage).load_balancer(USERS).unwrap_or_default(), &[])
}

fn web(annotations: &[(&str, &str)]) -> Manifest {
    let mut all = vec![("id", USERS)];
    all.extend(annotations);
    service("web", &["80/TCP", "443/TCP"], &all)
}

/// Without override the listeners are not looked at, even on the Service's own ports.
async fn without_override_only_groups_are_kept(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    users_make_listeners(&stage)?;
    let before = users(&stage);
    for annotations in [&[][..], &[("force-override-listeners", "false")][..]] {
        apply_all(&stage, &[web(annotations)]).await?;
        stage.converged(1).await?;
        at_rest(&stage).await?;
        let told = stage.service("web").await?;
        assert_eq!(told.load_balancer_id, USERS);
        assert!(told.backends > 0, "{told:?}");
        let mut now = users(&stage);
        assert_eq!(now["listeners"], before["listeners"]);
        let groups = now["vgroups"].as_object_mut().expect("groups");
        assert_eq!(
            groups.remove("users-05"),
            Some(before["vgroups"]["users-05"].clone())
        );
        assert_eq!(groups.len(), 2, "one for each port");
        assert!(groups.values().all(|group| {
            group["servers"]
                .as_array()
                .is_some_and(|servers| servers.len() == 5)
        }));
        assert_eq!(
            now["tags"],
            json!({"team": "web", "kubernetes.reused.by.user": "true"})
        );
    }
    delete_all_services(&stage).await?;
    let mut after = users(&stage);
    after["tags"] = before["tags"].clone();
    assert_eq!(differences(&after, &before), Vec::<String>::new());
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_override_only_groups_are_kept_on_kube_sim() -> anyhow::Result<()> {
    without_override_only_groups_are_kept(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_override_only_groups_are_kept_on_a_real_api() -> anyhow::Result<()> {
    without_override_only_groups_are_kept(Api::Real).await
}

/// With override the listeners of the Service's ports become the Service's: one whose protocol is in the way is deleted first, one of the
/// right protocol changes; all others are the user's. With the Service they go, also when only its type changes.
async fn with_override_only_the_services_ports_are_taken_over(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    users_make_listeners(&stage)?;
    let before = users(&stage);
    let last = last_call(&stage);
    let overriding = web(&[("force-override-listeners", "true"), ("protocol-port", "http:80")]);
    apply_all(&stage, std::slice::from_ref(&overriding)).await?;
    stage.converged(1).await?;
    shows(
        &stage,
        USERS,
        &[
            ("/listeners/tcp~180", Value::Null),
            (
                "/listeners/http~180/Description",
                json!("k8s/80/web/default/sandbox-1"),
            ),
            ("/listeners/http~180/Status", json!("running")),
            (
                "/listeners/tcp~1443/Description",
                json!("k8s/443/web/default/sandbox-1"),
            ),
            ("/listeners/tcp~1443/Status", json!("running")),
            // What no annotation names stays as the user has set it.
            ("/listeners/tcp~1443/Scheduler", json!("wrr")),
            ("/listeners/tcp~1443/HealthCheck", json!("off")),
        ],
    )
    .await?;
    let now = users(&stage);
    assert_eq!(now["listeners"]["tcp/9000"], before["listeners"]["tcp/9000"]);
    assert_eq!(now["vgroups"]["users-05"], before["vgroups"]["users-05"]);
    let of_443 = now["listeners"]["tcp/443"]["VServerGroupId"]
        .as_str()
        .unwrap_or_default();
    assert!(of_443.starts_with("group:k8s/"), "{of_443}");
    let actions = actions_since(&stage, last);
    let at = |action: &str| {
        actions
            .iter()
            .position(|done| done == action)
            .unwrap_or_else(|| panic!("no {action} in {actions:?}"))
    };
    assert!(
        at("DeleteLoadBalancerListener 80") < at("CreateLoadBalancerHTTPListener 80"),
        "{actions:?}"
    );
    assert!(
        !actions.contains(&"DeleteLoadBalancerListener 443".to_owned()),
        "{actions:?}"
    );

    let other_type = json!({"spec": {"type": "ClusterIP"}});
    service_api(&stage)
        .patch("web", &PatchParams::default(), &Patch::Merge(other_type))
        .await?;
    stage
        .until("nothing of the Service is left on the CLB", async || {
            let now = users(&stage);
            Ok(!now.to_string().contains("k8s/"))
        })
        .await?;
    let now = users(&stage);
    assert_eq!(
        now["listeners"],
        json!({"tcp/9000": before["listeners"]["tcp/9000"]})
    );
    assert_eq!(now["vgroups"], json!({"users-05": before["vgroups"]["users-05"]}));
    assert_eq!(now["DeleteProtection"], before["DeleteProtection"]);
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_override_only_the_services_ports_are_taken_over_on_kube_sim() -> anyhow::Result<()> {
    with_override_only_the_services_ports_are_taken_over(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_override_only_the_services_ports_are_taken_over_on_a_real_api() -> anyhow::Result<()> {
    with_override_only_the_services_ports_are_taken_over(Api::Real).await
}

/// The tag annotation replaces the user's tags on a reused CLB too, but for ours and those of the cloud's own; without it no tag is touched.
async fn the_tag_annotation_replaces_tags_of_a_reused_clb(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    account(&stage)
        .call(
            "TagResources",
            &[
                ("RegionId", "cn-hangzhou"),
                ("ResourceType", "instance"),
                ("ResourceId.1", USERS),
                ("Tag.1.Key", "by-hand"),
                ("Tag.1.Value", "1"),
            ],
        )
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    apply_all(&stage, &[web(&[])]).await?;
    stage.converged(1).await?;
    let reused = ("kubernetes.reused.by.user", "true");
    let tags = |tags: &[(&str, &str)]| -> Value {
        tags.iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect()
    };
    assert_eq!(
        users(&stage)["tags"],
        tags(&[("team", "web"), ("by-hand", "1"), reused])
    );
    apply_all(
        &stage,
        &[web(&[("additional-resource-tags", "team=shop,stage=test")])],
    )
    .await?;
    shows(
        &stage,
        USERS,
        &[("/tags", tags(&[("team", "shop"), ("stage", "test"), reused]))],
    )
    .await?;
    apply_all(&stage, &[web(&[])]).await?;
    at_rest(&stage).await?;
    assert_eq!(
        users(&stage)["tags"],
        tags(&[("team", "shop"), ("stage", "test"), reused])
    );
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tag_annotation_replaces_tags_of_a_reused_clb_on_kube_sim() -> anyhow::Result<()> {
    the_tag_annotation_replaces_tags_of_a_reused_clb(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tag_annotation_replaces_tags_of_a_reused_clb_on_a_real_api() -> anyhow::Result<()> {
    the_tag_annotation_replaces_tags_of_a_reused_clb(Api::Real).await
}
