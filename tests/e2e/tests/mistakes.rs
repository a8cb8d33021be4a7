//! What a user got wrong: nothing is done in the cloud, it is said once and clearly, and all is well when it is mended.

use clb_e2e::{
    Api, Sketch, Stage, assert_settled, events_of, json, load_balancer_of, our_load_balancers, service_api,
    uid_of,
};
use serde_json::Value;

/// The condition of a Service whose type ends so.
fn condition<'o>(object: &'o Value, kind: &str) -> Option<&'o Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| {
        condition["type"]
            .as_str()
            .is_some_and(|found| found.ends_with(kind))
    })
}

fn warnings(events: &[(String, String, String)]) -> Vec<&str> {
    let warnings = events.iter().filter(|(severity, _, _)| severity == "Warning");
    warnings.map(|(_, _, message)| message.as_str()).collect()
}

/// Two mistakes in one Service are both named, with annotation, value, what is allowed and an example; nothing of it is built. Mended, it
/// converges.
async fn an_invalid_annotation(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let right = Sketch::new("web").tcp(80);
    let wrong = right
        .clone()
        .annotated("scheduler", "fastest")
        .annotated("bandwidth", "a lot");
    let uid = uid_of(&wrong.apply(&client).await?);
    let services = service_api(&stage);
    stage
        .until("the Service says that it has mistakes", async || {
            let service = json(&services.get("web").await?)?;
            Ok(condition(&service, "/Accepted").is_some_and(|accepted| accepted["status"] == "False"))
        })
        .await?;
    // A right one, made later, is through: all of it has been looked at.
    Sketch::new("after").tcp(80).apply(&client).await?;
    stage
        .until("the right one converges", async || {
            Ok(our_load_balancers(&stage).len() == 1)
        })
        .await?;

    let service = json(&services.get("web").await?)?;
    let message = condition(&service, "/Accepted")
        .and_then(|accepted| accepted["message"].as_str())
        .unwrap_or_default();
    for part in [
        "loadbalancer-scheduler",
        "fastest",
        "wrr",
        "loadbalancer-bandwidth",
        "a lot",
        "5120",
    ] {
        assert!(message.contains(part), "no {part:?} in {message}");
    }
    let events = events_of(&stage, "web").await?;
    assert_eq!(warnings(&events).len(), 1, "{events:#?}");
    assert!(warnings(&events)[0].contains("fastest"), "{events:#?}");
    let writes = stage
        .world
        .cloud
        .cloud()
        .calls()
        .into_iter()
        .filter(|call| call.write && call.parameters.values().any(|value| value.contains("/web/")));
    assert_eq!(writes.count(), 0, "writes for the Service with mistakes");

    right.apply(&client).await?;
    stage.converged(2).await?;
    assert_eq!(load_balancer_of(&stage, &uid)["LoadBalancerStatus"], "active");
    let service = json(&services.get("web").await?)?;
    assert_eq!(
        condition(&service, "/Accepted").map(|accepted| &accepted["status"]),
        Some(&Value::from("True"))
    );
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_annotation_on_kube_sim() -> anyhow::Result<()> {
    an_invalid_annotation(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_annotation_on_a_real_api() -> anyhow::Result<()> {
    an_invalid_annotation(Api::Real).await
}

/// A mistake that comes later leaves the CLB as it is until it is mended.
async fn a_mistake_in_a_running_service(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let right = Sketch::new("web").tcp(80);
    let uid = uid_of(&right.apply(&client).await?);
    stage.converged(1).await?;
    let (before, writes) = (load_balancer_of(&stage, &uid), stage.writes());

    right
        .clone()
        .tcp(81)
        .annotated("cert-id", "no-such-certificate")
        .annotated("protocol-port", "https:81")
        .apply(&client)
        .await?;
    stage
        .until("the Service says so", async || {
            Ok(!warnings(&events_of(&stage, "web").await?).is_empty())
        })
        .await?;
    let events = events_of(&stage, "web").await?;
    assert!(
        warnings(&events)[0].contains("no-such-certificate"),
        "{events:#?}"
    );
    let now = load_balancer_of(&stage, &uid);
    assert_eq!(
        now["listeners"]["tcp/80"], before["listeners"]["tcp/80"],
        "what works goes on working"
    );
    assert!(
        now["listeners"].get("https/81").is_none_or(Value::is_null),
        "{now:#}"
    );

    right
        .tcp(81)
        .annotated("cert-id", "cert-a")
        .annotated("protocol-port", "https:81")
        .apply(&client)
        .await?;
    stage
        .until("the listener is there", async || {
            let load_balancer = load_balancer_of(&stage, &uid);
            Ok(load_balancer["listeners"]["https/81"]["Status"] == "running")
        })
        .await?;
    assert!(stage.writes() > writes);
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_running_service_on_kube_sim() -> anyhow::Result<()> {
    a_mistake_in_a_running_service(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_running_service_on_a_real_api() -> anyhow::Result<()> {
    a_mistake_in_a_running_service(Api::Real).await
}
