//! Manifests become load balancers, and nothing is left when they go.

use clb_e2e::{
    Api, Stage, delete_all_services, ingress_of, listener, load_balancer_of, manifest, our_load_balancers,
    repository, service_api,
};
use kube::ResourceExt;

/// Every manifest of `deploy/examples` gets its CLB; when all Services are deleted nothing is left.
async fn examples_come_and_go(api: Api) -> anyhow::Result<()> {
    let Some(stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let manifests = manifest(&stage, &repository("deploy/examples")).await?;
    stage.converged(manifests.len()).await?;

    let services = service_api(&stage);
    for manifest in &manifests {
        let service = services.get(&manifest.name).await?;
        let load_balancer = load_balancer_of(&stage, &service.uid().unwrap_or_default());
        assert_eq!(
            ingress_of(&service),
            [load_balancer["Address"].as_str().unwrap_or_default()],
            "{}",
            manifest.name
        );
        assert_eq!(
            service.finalizers(),
            ["service.k8s.alibaba/resources"],
            "{}",
            manifest.name
        );
        assert_eq!(load_balancer["LoadBalancerStatus"], "active", "{}", manifest.name);
    }
    let dns = load_balancer_of(&stage, &services.get("dns").await?.uid().unwrap_or_default());
    assert_eq!(listener(&dns, "tcp/53")["Status"], "running");
    assert_eq!(listener(&dns, "udp/53")["Status"], "running");
    let checkout = load_balancer_of(&stage, &services.get("checkout").await?.uid().unwrap_or_default());
    assert_eq!(listener(&checkout, "https/443")["ServerCertificateId"], "cert-a");
    assert_eq!(listener(&checkout, "http/80")["Scheduler"], "rr");

    delete_all_services(&stage).await?;
    assert_eq!(our_load_balancers(&stage), Vec::<String>::new());
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_come_and_go_on_kube_sim() -> anyhow::Result<()> {
    examples_come_and_go(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_come_and_go_on_a_real_api() -> anyhow::Result<()> {
    examples_come_and_go(Api::Real).await
}

/// Services that start against a cluster and a cloud that already agree cause no write, neither there nor in the cluster.
async fn a_restart_writes_nothing(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let manifests = manifest(&stage, &repository("deploy/examples")).await?;
    stage.converged(manifests.len()).await?;
    let services = service_api(&stage);
    let versions = async || -> anyhow::Result<Vec<Option<String>>> {
        Ok(services
            .list(&Default::default())
            .await?
            .iter()
            .map(ResourceExt::resource_version)
            .collect())
    };
    let (writes, before) = (stage.writes(), versions().await?);

    stage.world.services.restart().await?;
    stage.converged(manifests.len()).await?;

    assert_eq!(stage.writes(), writes, "writes to the cloud");
    assert_eq!(versions().await?, before, "writes to the cluster");
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_writes_nothing_on_kube_sim() -> anyhow::Result<()> {
    a_restart_writes_nothing(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_writes_nothing_on_a_real_api() -> anyhow::Result<()> {
    a_restart_writes_nothing(Api::Real).await
}
