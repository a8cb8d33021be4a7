//! Clusters that share a planner, an actuator and an account.

use clb_e2e::{
    Api, Sketch, Stage, find_load_balancer, listener, load_balancer_of, our_load_balancers, uid_of,
};
use clb_sandbox::world::{Component, KubeApi};
use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt as _;
use kube::api::DeleteParams;

/// Two clusters: the first as asked for, the second simulated.
async fn two(api: Api) -> anyhow::Result<Option<Stage>> {
    Stage::start_with(api, |options| options.apis.push(KubeApi::Simulated)).await
}

fn services(stage: &Stage, cluster: usize) -> kube::Api<Service> {
    kube::Api::namespaced(stage.world.clusters[cluster].client.clone(), "default")
}

/// The same namespace and name in both clusters: each gets its own CLB with its own nodes, and deletion in one leaves the other's alone.
async fn same_name(api: Api) -> anyhow::Result<()> {
    let Some(stage) = two(api).await? else {
        return Ok(());
    };
    let sketch = Sketch::new("web").tcp(80);
    let first = uid_of(&sketch.apply(&stage.world.clusters[0].client).await?);
    let second = uid_of(&sketch.apply(&stage.world.clusters[1].client).await?);
    stage.converged(2).await?;
    let (one, other) = (
        load_balancer_of(&stage, &first),
        load_balancer_of(&stage, &second),
    );
    assert_ne!(one["LoadBalancerId"], other["LoadBalancerId"]);
    assert_eq!(one["tags"]["ack.aliyun.com"], "sandbox-1");
    assert_eq!(other["tags"]["ack.aliyun.com"], "sandbox-2");
    let backends = |load_balancer: &serde_json::Value| clb_e2e::backend_instances(load_balancer).join(" ");
    assert_eq!(backends(&one), "i-n1 i-n2 i-n3");
    assert_eq!(backends(&other), "i-c2-n1 i-c2-n2 i-c2-n3");

    services(&stage, 0)
        .delete("web", &DeleteParams::default())
        .await?;
    stage
        .until("the first cluster's CLB is gone", async || {
            Ok(find_load_balancer(&stage, &first).is_none())
        })
        .await?;
    stage.converged(1).await?;
    assert_eq!(
        load_balancer_of(&stage, &second),
        other,
        "the other one is left alone"
    );
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn same_name_on_kube_sim() -> anyhow::Result<()> {
    same_name(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn same_name_on_a_real_api() -> anyhow::Result<()> {
    same_name(Api::Real).await
}

/// One cluster's watcher is away: its CLBs stay as they are, even for a Service that is deleted meanwhile, and the other cluster goes on.
/// When it is back it catches up.
async fn one_watcher_away(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = two(api).await? else {
        return Ok(());
    };
    let mut uids = Vec::new();
    for name in ["stays", "goes"] {
        uids.push(uid_of(
            &Sketch::new(name)
                .tcp(80)
                .apply(&stage.world.clusters[0].client)
                .await?,
        ));
    }
    stage.converged(2).await?;
    let before: Vec<_> = uids.iter().map(|uid| load_balancer_of(&stage, uid)).collect();
    if let Some(watcher) = stage.world.services.watchers[0].take() {
        watcher.stop().await;
    }
    stage
        .until(
            "the planner shows that nobody watches the first cluster",
            async || {
                let clusters = stage.world.view.clusters().await?;
                Ok(!clusters[0].connected && !clusters[0].frozen.is_empty() && clusters[1].frozen.is_empty())
            },
        )
        .await?;
    services(&stage, 0)
        .delete("goes", &DeleteParams::default())
        .await?;

    let other = uid_of(
        &Sketch::new("web")
            .tcp(80)
            .apply(&stage.world.clusters[1].client)
            .await?,
    );
    stage.converged(3).await?;
    Sketch::new("web")
        .tcp(80)
        .annotated("scheduler", "wrr")
        .apply(&stage.world.clusters[1].client)
        .await?;
    stage
        .until("the other cluster's change is made", async || {
            Ok(listener(&load_balancer_of(&stage, &other), "tcp/80")["Scheduler"] == "wrr")
        })
        .await?;
    let now: Vec<_> = uids.iter().map(|uid| load_balancer_of(&stage, uid)).collect();
    assert_eq!(
        now, before,
        "nothing is removed for a cluster that nobody watches"
    );

    stage.world.services.start_watcher(0).await?;
    stage
        .until("the deleted Service is cleaned up", async || {
            let left = services(&stage, 0).list(&Default::default()).await?;
            Ok(left.iter().all(|service| service.name_any() != "goes"))
        })
        .await?;
    stage.converged(2).await?;
    assert_eq!(load_balancer_of(&stage, &uids[0]), before[0]);
    assert_eq!(our_load_balancers(&stage).len(), 2);
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_watcher_away_on_kube_sim() -> anyhow::Result<()> {
    one_watcher_away(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_watcher_away_on_a_real_api() -> anyhow::Result<()> {
    one_watcher_away(Api::Real).await
}

/// A watcher of another cluster under an id that is taken, as after a mistake in its settings: it is refused, so nothing of the first
/// cluster is taken for gone; both services say so until it is set right.
#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_under_the_same_id() -> anyhow::Result<()> {
    let Some(mut stage) = two(Api::Simulated).await? else {
        return Ok(());
    };
    let web = uid_of(
        &Sketch::new("web")
            .tcp(80)
            .apply(&stage.world.clusters[0].client)
            .await?,
    );
    stage.converged(1).await?;
    let before = load_balancer_of(&stage, &web);
    let writes = stage.writes();
    let [first, second] = [0, 1].map(|cluster: usize| stage.world.clusters[cluster].kubeconfig.clone());
    let right = std::fs::read(&first)?;
    let move_to = async |stage: &mut Stage, kubeconfig: &[u8]| -> anyhow::Result<()> {
        if let Some(watcher) = stage.world.services.watchers[0].take() {
            watcher.stop().await;
        }
        std::fs::write(&first, kubeconfig)?;
        stage.world.services.start_watcher(0).await
    };
    move_to(&mut stage, &std::fs::read(second)?).await?;
    let reports = |component: &Option<Component>, words: &[&str]| {
        let report = component.as_ref().map(|component| component.health.report());
        report.is_some_and(|report| {
            report
                .lines()
                .any(|line| words.iter().all(|word| line.contains(word)))
        })
    };
    stage
        .until("both say that it is another cluster", async || {
            let services = &stage.world.services;
            let why = "give each cluster an id of its own";
            Ok(
                reports(&services.planner, &["[-]cluster/sandbox-1/uid failed", why])
                    && reports(&services.watchers[0], &["[-]planner failed", why]),
            )
        })
        .await?;
    assert_eq!(load_balancer_of(&stage, &web), before);
    assert_eq!(stage.writes(), writes);

    move_to(&mut stage, &right).await?;
    Sketch::new("web")
        .tcp(80)
        .annotated("scheduler", "wrr")
        .apply(&stage.world.clusters[0].client)
        .await?;
    stage
        .until("the cluster is followed again", async || {
            Ok(listener(&load_balancer_of(&stage, &web), "tcp/80")["Scheduler"] == "wrr")
        })
        .await?;
    stage.end().await;
    Ok(())
}
