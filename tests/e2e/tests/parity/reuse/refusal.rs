//! CLBs that may not be reused: those of Services and clusters, and any other than the one whose address a Service has.

use clb_e2e::{Api, Stage, delete_all_services, service_api};
use clb_sandbox::view::converged;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::lab::{self, account, apply_all, condition, events, last_call, service, told, written_since};

/// Puts a tag on the user's CLB as another controller would.
fn tag(stage: &Stage, id: &str, key: &str, value: &str) -> anyhow::Result<()> {
    let parameters = [
        ("RegionId", "cn-hangzhou"),
        ("ResourceType", "instance"),
        ("ResourceId.1", id),
        ("Tag.1.Key", key),
        ("Tag.1.Value", value),
    ];
    let done = account(stage).call("TagResources", &parameters);
    done.map(|_| ()).map_err(|error| anyhow::anyhow!("{error:?}"))
}

async fn a_clb_that_is_not_the_users_is_refused(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    // Tagged before the services read the cloud for the first time.
    stage.world.services.stop().await;
    tag(
        &stage,
        "lb-reuse-04",
        "kubernetes.do.not.delete",
        "a0123456789abcdef0123456789abcde",
    )?;
    tag(&stage, "lb-reuse-05", "ack.aliyun.com", "c-api-server")?;
    stage.world.services.restart().await?;
    let before: Value = account(&stage).state();
    let over = ("force-override-listeners", "true");
    apply_all(
        &stage,
        &[
            service("of-a-service", &["80/TCP"], &[("id", "lb-reuse-04"), over]),
            service("of-a-cluster", &["80/TCP"], &[("id", "lb-reuse-05"), over]),
            service("of-another", &["80/TCP"], &[]),
        ],
    )
    .await?;
    stage
        .until("one Service has a CLB of its own", async || {
            Ok(converged(&stage.service("of-another").await?))
        })
        .await?;
    // A CLB that was made for another Service is no better than any other.
    let own = stage.service("of-another").await?.load_balancer_id;
    let last = last_call(&stage);
    apply_all(
        &stage,
        &[service("of-a-neighbour", &["81/TCP"], &[("id", &own), over])],
    )
    .await?;

    for (name, tag) in [
        ("of-a-service", "kubernetes.do.not.delete"),
        ("of-a-cluster", "ack.aliyun.com"),
        ("of-a-neighbour", "ack.aliyun.com"),
    ] {
        told(
            &stage,
            name,
            &["alibaba-cloud-loadbalancer-id", tag, ", for example "],
        )
        .await?;
        let services = lab::services(&stage).await?;
        assert_eq!(
            condition(&services[name], "service.k8s.alibaba/Accepted").0,
            "False",
            "{name}"
        );
        assert_eq!(
            condition(&services[name], "service.k8s.alibaba/Programmed").1,
            "ReuseRefused",
            "{name}"
        );
        let warnings = events(&stage).await?[name]
            .iter()
            .filter(|said| said.kind == "Warning")
            .count();
        assert_eq!(warnings, 1, "{name}");
    }
    assert_eq!(written_since(&stage, last), Vec::<String>::new());
    let after = account(&stage).state();
    for id in ["lb-reuse-04", "lb-reuse-05"] {
        assert_eq!(after["load_balancers"][id], before["load_balancers"][id]);
    }
    // They go without a trace.
    delete_all_services(&stage).await?;
    assert_eq!(
        account(&stage).state()["load_balancers"],
        before["load_balancers"]
    );
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clb_that_is_not_the_users_is_refused_on_kube_sim() -> anyhow::Result<()> {
    a_clb_that_is_not_the_users_is_refused(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clb_that_is_not_the_users_is_refused_on_a_real_api() -> anyhow::Result<()> {
    a_clb_that_is_not_the_users_is_refused(Api::Real).await
}

/// A Service that has an address already does not get another.
async fn a_service_with_another_address_is_refused(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    stage.world.services.stop().await;
    let before = account(&stage).state();
    apply_all(&stage, &[service("web", &["80/TCP"], &[("id", "lb-reuse-04")])]).await?;
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "47.1.2.3"}]}}});
    service_api(&stage)
        .patch_status("web", &PatchParams::default(), &Patch::Merge(status))
        .await?;
    stage.world.services.restart().await?;

    told(
        &stage,
        "web",
        &["alibaba-cloud-loadbalancer-id", "lb-reuse-04", "47.1.2.3"],
    )
    .await?;
    let services = lab::services(&stage).await?;
    assert_eq!(clb_e2e::ingress_of(&services["web"]), ["47.1.2.3"]);
    assert_eq!(
        condition(&services["web"], "service.k8s.alibaba/Accepted").0,
        "False"
    );
    assert_eq!(stage.writes(), 0);
    assert_eq!(account(&stage).state(), before);
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_another_address_is_refused_on_kube_sim() -> anyhow::Result<()> {
    a_service_with_another_address_is_refused(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_another_address_is_refused_on_a_real_api() -> anyhow::Result<()> {
    a_service_with_another_address_is_refused(Api::Real).await
}
