//! Services that stop being load balancers, or go and come back.

use clb_e2e::{
    Api, Sketch, Stage, assert_settled, events_of, find_load_balancer, ingress_of, load_balancer_of,
    our_load_balancers, service_api, uid_of,
};
use cloud_sim::{Fault, FaultKind};
use kube::ResourceExt as _;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

/// A Service whose type is no longer LoadBalancer loses its CLB, its finalizer, its label and its address; it gets new ones when it is a
/// load balancer again.
async fn another_type(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let services = service_api(&stage);
    let uid = uid_of(&Sketch::new("web").tcp(80).apply(&client).await?);
    stage.converged(1).await?;
    assert_eq!(ingress_of(&services.get("web").await?).len(), 1);

    Sketch::new("web")
        .tcp(80)
        .spec("type", json!("ClusterIP"))
        .apply(&client)
        .await?;
    stage
        .until("the finalizer is off", async || {
            Ok(services.get("web").await?.finalizers().is_empty())
        })
        .await?;
    assert_eq!(our_load_balancers(&stage), Vec::<String>::new());
    let service = services.get("web").await?;
    assert_eq!(ingress_of(&service), Vec::<String>::new());
    assert!(
        !service
            .labels()
            .contains_key("service.k8s.alibaba/loadbalancer-id"),
        "{service:#?}"
    );
    let reasons: Vec<String> = events_of(&stage, "web")
        .await?
        .into_iter()
        .map(|(_, reason, _)| reason)
        .collect();
    for reason in ["EnsuredLoadBalancer", "TypeChanged", "CleanLoadBalancer"] {
        assert!(
            reasons.iter().any(|said| said == reason),
            "no event {reason} among {reasons:?}"
        );
    }

    Sketch::new("web").tcp(80).apply(&client).await?;
    stage.converged(1).await?;
    let address = load_balancer_of(&stage, &uid)["Address"].clone();
    assert_eq!(json!(ingress_of(&services.get("web").await?)), json!([address]));
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_type_on_kube_sim() -> anyhow::Result<()> {
    another_type(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_type_on_a_real_api() -> anyhow::Result<()> {
    another_type(Api::Real).await
}

/// A Service that is made again under its name the moment the old one is gone gets a CLB of its own, and the old one's is gone.
async fn made_again(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let services = service_api(&stage);
    let sketch = Sketch::new("web").tcp(80);
    let old = uid_of(&sketch.apply(&client).await?);
    stage.converged(1).await?;
    services.delete("web", &DeleteParams::default()).await?;
    stage
        .until("the name is free and taken again", async || {
            let object = serde_json::from_value(sketch.object().clone())?;
            Ok(services.create(&Default::default(), &object).await.is_ok())
        })
        .await?;
    let new = uid_of(&services.get("web").await?);
    assert_ne!(new, old);
    stage
        .until("the new Service has its CLB", async || {
            Ok(stage.service("web").await?.uid == new)
        })
        .await?;
    stage.converged(1).await?;

    assert!(
        find_load_balancer(&stage, &old).is_none(),
        "the old Service's CLB is gone"
    );
    let load_balancer = load_balancer_of(&stage, &new);
    assert_eq!(
        json!(ingress_of(&services.get("web").await?)),
        json!([load_balancer["Address"]])
    );
    assert_eq!(our_load_balancers(&stage).len(), 1);
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn made_again_on_kube_sim() -> anyhow::Result<()> {
    made_again(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn made_again_on_a_real_api() -> anyhow::Result<()> {
    made_again(Api::Real).await
}

/// The same where somebody takes the finalizer off by hand while the cloud is still deleting: the clean-up of the old Service does not
/// touch the new one's CLB.
async fn made_again_during_the_clean_up(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let services = service_api(&stage);
    let sketch = Sketch::new("web").tcp(80);
    let old = uid_of(&sketch.apply(&client).await?);
    stage.converged(1).await?;

    let cloud = stage.world.cloud.cloud().clone();
    cloud.order_fault(Fault::next(FaultKind::Hold).of("DeleteLoadBalancer"));
    services.delete("web", &DeleteParams::default()).await?;
    stage
        .until("the deletion of the CLB has begun", async || {
            Ok(cloud.pending_faults().is_empty())
        })
        .await?;
    let no_finalizer = json!({"metadata": {"finalizers": null}});
    services
        .patch("web", &PatchParams::default(), &Patch::Merge(no_finalizer))
        .await?;
    let new = uid_of(&sketch.apply(&client).await?);
    assert_ne!(new, old);
    cloud.clear_faults();
    stage
        .until("the old CLB is gone and the new one is there", async || {
            Ok(find_load_balancer(&stage, &old).is_none() && find_load_balancer(&stage, &new).is_some())
        })
        .await?;
    stage.converged(1).await?;
    let load_balancer = load_balancer_of(&stage, &new);
    assert_eq!(
        json!(ingress_of(&services.get("web").await?)),
        json!([load_balancer["Address"]])
    );
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn made_again_during_the_clean_up_on_kube_sim() -> anyhow::Result<()> {
    made_again_during_the_clean_up(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn made_again_during_the_clean_up_on_a_real_api() -> anyhow::Result<()> {
    made_again_during_the_clean_up(Api::Real).await
}
