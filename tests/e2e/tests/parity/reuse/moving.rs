//! A Service that names another of the user's CLBs before it ever had an address.

use clb_e2e::{Api, Stage, delete_all_services, ingress_of, service_api};
use clb_sandbox::manifests::Manifest;
use serde_json::{Value, json};

use crate::lab::{self, account, apply_all, at_rest, condition, last_call, service, told, written_since};
use crate::shown::{differences, settled};

fn on(name: &str, id: &str) -> Manifest {
    service(
        name,
        &["443/TCP"],
        &[("id", id), ("force-override-listeners", "true")],
    )
}

fn clb(stage: &Stage, id: &str) -> Value {
    settled(&account(stage).load_balancer(id).unwrap_or_default(), &[])
}

/// It got no listener on the first, where its group is. A mistake in the new name changes nothing; a right one moves it, and nothing of it
/// is left on the first, though everything is restarted on the way.
async fn nothing_is_left_on_the_first(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(&stage, &[on("first", "lb-reuse-05")]).await?;
    stage.converged(1).await?;
    let (without, other) = (clb(&stage, "lb-reuse-05"), clb(&stage, "lb-reuse-04"));
    apply_all(&stage, &[on("second", "lb-reuse-05")]).await?;
    told(&stage, "second", &["default/first"]).await?;
    stage
        .until("the second's group is there", async || {
            Ok(clb(&stage, "lb-reuse-05")
                .to_string()
                .contains("/second/default/"))
        })
        .await?;

    let last = last_call(&stage);
    apply_all(&stage, &[on("second", "lb-nowhere")]).await?;
    told(&stage, "second", &["lb-nowhere", "does not exist"]).await?;
    assert_eq!(written_since(&stage, last), Vec::<String>::new());

    apply_all(&stage, &[on("second", "lb-reuse-04")]).await?;
    stage.world.services.restart().await?;
    stage.converged(2).await?;
    at_rest(&stage).await?;
    assert_eq!(
        differences(&clb(&stage, "lb-reuse-05"), &without),
        Vec::<String>::new()
    );
    let moved = service_api(&stage).get("second").await?;
    let on_other = account(&stage).load_balancer("lb-reuse-04").unwrap_or_default();
    assert_eq!(json!(ingress_of(&moved)), json!([on_other["Address"]]));
    assert_eq!(
        on_other["listeners"]["tcp/443"]["Description"],
        "k8s/443/second/default/sandbox-1"
    );
    assert_eq!(condition(&moved, "service.k8s.alibaba/Moving").0, "False");
    assert_eq!(condition(&moved, "service.k8s.alibaba/Programmed").0, "True");

    delete_all_services(&stage).await?;
    let mut after = clb(&stage, "lb-reuse-04");
    after["tags"] = other["tags"].clone();
    assert_eq!(differences(&after, &other), Vec::<String>::new());
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_on_the_first_on_kube_sim() -> anyhow::Result<()> {
    nothing_is_left_on_the_first(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_on_the_first_on_a_real_api() -> anyhow::Result<()> {
    nothing_is_left_on_the_first(Api::Real).await
}
