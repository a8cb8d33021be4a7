//! What somebody set in the console: left alone where no annotation names it, put right where one does.

use clb_e2e::{Api, Stage, assert_settled, service_api};
use serde_json::{Value, json};

use crate::lab::{self, account, actions_since, apply_all, at_rest, last_call, service, shows};
use crate::shown::id_of;

/// Changes the CLB as the console does, which modification protection does not bind here, while our services are away.
async fn by_hand(stage: &mut Stage, id: &str) -> anyhow::Result<()> {
    stage.world.services.stop().await;
    let changes: [(&str, &[(&str, &str)]); 5] = [
        ("SetLoadBalancerName", &[("LoadBalancerName", "by-hand")]),
        ("SetLoadBalancerDeleteProtection", &[("DeleteProtection", "off")]),
        (
            "SetLoadBalancerModificationProtection",
            &[("ModificationProtectionStatus", "NonProtection")],
        ),
        (
            "TagResources",
            &[
                ("ResourceType", "instance"),
                ("ResourceId.1", id),
                ("Tag.1.Key", "by-hand"),
                ("Tag.1.Value", "1"),
            ],
        ),
        (
            "SetLoadBalancerTCPListenerAttribute",
            &[
                ("ListenerPort", "80"),
                ("Scheduler", "wrr"),
                ("HealthCheckInterval", "7"),
                ("PersistenceTimeout", "600"),
                ("Bandwidth", "9"),
                ("EstablishedTimeout", "60"),
            ],
        ),
    ];
    for (action, parameters) in changes {
        let mut all = vec![("RegionId", "cn-hangzhou")];
        if action != "TagResources" {
            all.push(("LoadBalancerId", id));
        }
        all.extend(parameters);
        account(stage)
            .call(action, &all)
            .map_err(|error| anyhow::anyhow!("{action}: {error:?}"))?;
    }
    // A tag of the cloud's own, which nobody can set by a call.
    let mut state = account(stage).load_balancer(id).unwrap_or_default();
    state["tags"]["acs:rm:rgId"] = json!("rg-lab");
    account(stage).load_state(&json!({"load_balancers": {id: state}}), &[])?;
    stage.world.services.restart().await
}

fn set_by_hand() -> Vec<(&'static str, Value)> {
    vec![
        ("/LoadBalancerName", json!("by-hand")),
        ("/DeleteProtection", json!("off")),
        ("/ModificationProtectionStatus", json!("NonProtection")),
        ("/tags/by-hand", json!("1")),
        ("/tags/acs:rm:rgId", json!("rg-lab")),
        ("/listeners/tcp~180/Scheduler", json!("wrr")),
        ("/listeners/tcp~180/HealthCheckInterval", json!(7)),
        ("/listeners/tcp~180/PersistenceTimeout", json!(600)),
        ("/listeners/tcp~180/Bandwidth", json!(9)),
        ("/listeners/tcp~180/EstablishedTimeout", json!(60)),
    ]
}

/// With the wanted values in the place of those that were set by hand.
fn but_for(wanted: &[(&'static str, Value)]) -> Vec<(&'static str, Value)> {
    set_by_hand()
        .into_iter()
        .map(|(pointer, by_hand)| {
            let named = wanted.iter().find(|(named, _)| *named == pointer);
            (pointer, named.map_or(by_hand, |(_, value)| value.clone()))
        })
        .collect()
}

async fn only_what_is_named_is_put_right(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(&stage, &[service("web", &["80/TCP"], &[])]).await?;
    stage.converged(1).await?;
    let id = id_of(&account(&stage), &service_api(&stage).get("web").await?);
    by_hand(&mut stage, &id).await?;
    let last = last_call(&stage);
    stage.converged(1).await?;
    at_rest(&stage).await?;
    assert_eq!(actions_since(&stage, last), Vec::<String>::new());
    shows(&stage, &id, &set_by_hand()).await?;

    // Another port and an annotation of its own change nothing of it either.
    let mut last = last_call(&stage);
    let other = service("web", &["80/TCP", "81/TCP"], &[("healthy-threshold", "5")]);
    apply_all(&stage, &[other]).await?;
    shows(
        &stage,
        &id,
        &[
            ("/listeners/tcp~180/HealthyThreshold", json!(5)),
            ("/listeners/tcp~181/HealthyThreshold", json!(5)),
        ],
    )
    .await?;
    at_rest(&stage).await?;
    shows(&stage, &id, &set_by_hand()).await?;
    let mut actions = actions_since(&stage, last);
    actions.sort();
    assert_eq!(
        actions,
        [
            "CreateLoadBalancerTCPListener 81",
            "CreateVServerGroup",
            "SetLoadBalancerTCPListenerAttribute 80",
            "StartLoadBalancerListener 81"
        ]
    );

    // What an annotation names is put right, and nothing else.
    let named = service(
        "web",
        &["80/TCP"],
        &[
            ("name", "shop"),
            ("delete-protection", "on"),
            ("scheduler", "rr"),
            ("persistence-timeout", "0"),
        ],
    );
    apply_all(&stage, &[named]).await?;
    let wanted = but_for(&[
        ("/LoadBalancerName", json!("shop")),
        ("/DeleteProtection", json!("on")),
        ("/listeners/tcp~180/Scheduler", json!("rr")),
        ("/listeners/tcp~180/PersistenceTimeout", json!(0)),
    ]);
    shows(&stage, &id, &wanted).await?;
    at_rest(&stage).await?;
    by_hand(&mut stage, &id).await?;
    last = last_call(&stage);
    shows(&stage, &id, &wanted).await?;
    at_rest(&stage).await?;
    shows(&stage, &id, &wanted).await?;
    assert_eq!(actions_since(&stage, last).len(), 3);

    // The annotation for tags replaces all but ours and the cloud's own.
    let tagged = service("web", &["80/TCP"], &[("additional-resource-tags", "team=shop")]);
    apply_all(&stage, &[tagged]).await?;
    shows(
        &stage,
        &id,
        &[("/tags/team", json!("shop")), ("/tags/by-hand", Value::Null)],
    )
    .await?;
    at_rest(&stage).await?;
    let shown = account(&stage).load_balancer(&id).unwrap_or_default();
    let mut tags: Vec<&String> = shown["tags"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
        .collect();
    tags.sort();
    assert_eq!(
        tags,
        [
            "ack.aliyun.com",
            "acs:rm:rgId",
            "kubernetes.do.not.delete",
            "team"
        ]
    );
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_named_is_put_right_on_kube_sim() -> anyhow::Result<()> {
    only_what_is_named_is_put_right(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_named_is_put_right_on_a_real_api() -> anyhow::Result<()> {
    only_what_is_named_is_put_right(Api::Real).await
}
