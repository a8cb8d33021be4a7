//! Two Services that want the same listener of one CLB: the first keeps it, the second is told which Service has it. Never a fight.

use clb_e2e::{Api, Stage};
use clb_sandbox::apply::apply;
use clb_sandbox::manifests::Manifest;
use clb_sandbox::world::KubeApi;
use k8s_openapi::api::core::v1::{Event, Service};
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};

use crate::lab::{self, account, condition, last_call, service, written_since};
use crate::shown::settled;

const USERS: &str = "lb-reuse-05";

fn wanting(name: &str, ports: &[&str]) -> Manifest {
    service(
        name,
        ports,
        &[("id", USERS), ("force-override-listeners", "true")],
    )
}

fn listener(stage: &Stage) -> Value {
    settled(
        &account(stage).load_balancer(USERS).unwrap_or_default()["listeners"]["tcp/443"],
        &[],
    )
}

async fn get(client: &kube::Client, name: &str) -> anyhow::Result<Service> {
    let api: kube::Api<Service> = kube::Api::namespaced(client.clone(), "default");
    Ok(api.get(name).await?)
}

/// The Warning events about a Service in a cluster.
async fn warnings(client: &kube::Client, name: &str) -> anyhow::Result<Vec<String>> {
    let api: kube::Api<Event> = kube::Api::namespaced(client.clone(), "default");
    let events = api.list(&ListParams::default()).await?;
    let about = |event: &Event| event.involved_object.name.as_deref() == Some(name);
    Ok(events
        .into_iter()
        .filter(|event| about(event) && event.type_.as_deref() == Some("Warning"))
        .filter_map(|event| event.message)
        .collect())
}

/// The first Service lives in the first cluster, the second in `clients[1]`, which may be the same.
async fn the_first_keeps_it(stage: Stage, second: usize) -> anyhow::Result<()> {
    let clients: Vec<_> = stage
        .world
        .clusters
        .iter()
        .map(|cluster| cluster.client.clone())
        .collect();
    let (first, second) = (&clients[0], &clients[second]);
    apply(first, &wanting("first", &["443/TCP"])).await?;
    stage.converged(1).await?;
    let before = listener(&stage);
    assert_eq!(before["Description"], "k8s/443/first/default/sandbox-1");

    // It also wants a port that nobody has: that one it gets.
    apply(second, &wanting("second", &["443/TCP", "8080/TCP"])).await?;
    let names_the_first = |text: &str| text.contains("default/first") && text.contains("sandbox-1");
    stage
        .until("the second is told of the first", async || {
            Ok(warnings(second, "second")
                .await?
                .iter()
                .any(|text| names_the_first(text)))
        })
        .await?;
    lab::shows(
        &stage,
        USERS,
        &[("/listeners/tcp~18080/Status", json!("running"))],
    )
    .await?;
    let said = condition(&get(second, "second").await?, "service.k8s.alibaba/Programmed");
    assert_eq!(
        (said.0.as_str(), said.1.as_str()),
        ("False", "ListenerConflict"),
        "{said:?}"
    );
    assert!(names_the_first(&said.2), "{said:?}");
    assert_eq!(listener(&stage), before);

    // It stays so: nobody writes, and nothing is said again.
    let last = last_call(&stage);
    for (client, name) in [(first, "first"), (second, "second")] {
        let mut again = if name == "first" {
            wanting(name, &["443/TCP"])
        } else {
            wanting(name, &["443/TCP", "8080/TCP"])
        };
        again.object["metadata"]["labels"] = json!({"touched": "yes"});
        apply(client, &again).await?;
    }
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(written_since(&stage, last), Vec::<String>::new());
    assert_eq!(listener(&stage), before);
    assert_eq!(warnings(second, "second").await?.len(), 1);
    assert_eq!(warnings(first, "first").await?, Vec::<String>::new());

    // When the first goes the second gets it.
    let api: kube::Api<Service> = kube::Api::namespaced(first.clone(), "default");
    api.delete("first", &DeleteParams::default()).await?;
    let mark = if std::ptr::eq(first, second) {
        "sandbox-1"
    } else {
        "sandbox-2"
    };
    lab::shows(
        &stage,
        USERS,
        &[
            (
                "/listeners/tcp~1443/Description",
                json!(format!("k8s/443/second/default/{mark}")),
            ),
            ("/listeners/tcp~1443/Status", json!("running")),
        ],
    )
    .await?;
    stage.converged(1).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_keeps_it_in_one_cluster_on_kube_sim() -> anyhow::Result<()> {
    match lab::start(Api::Simulated).await? {
        Some(stage) => the_first_keeps_it(stage, 0).await,
        None => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_keeps_it_in_one_cluster_on_a_real_api() -> anyhow::Result<()> {
    match lab::start(Api::Real).await? {
        Some(stage) => the_first_keeps_it(stage, 0).await,
        None => Ok(()),
    }
}

/// With a second cluster, which is always simulated.
async fn two_clusters(api: Api) -> anyhow::Result<Option<Stage>> {
    Stage::start_with(api, |options| options.apis.push(KubeApi::Simulated)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_keeps_it_from_another_cluster_on_kube_sim() -> anyhow::Result<()> {
    match two_clusters(Api::Simulated).await? {
        Some(stage) => the_first_keeps_it(stage, 1).await,
        None => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_keeps_it_from_another_cluster_on_a_real_api() -> anyhow::Result<()> {
    match two_clusters(Api::Real).await? {
        Some(stage) => the_first_keeps_it(stage, 1).await,
        None => Ok(()),
    }
}

/// Several Services that want it at the same moment: one gets it, and it is never taken away again, nor after a restart of everything.
async fn nobody_fights(mut stage: Stage) -> anyhow::Result<()> {
    let clients: Vec<_> = stage
        .world
        .clusters
        .iter()
        .map(|cluster| cluster.client.clone())
        .collect();
    let names = ["one", "two", "three", "four"];
    for name in names {
        for client in &clients {
            apply(client, &wanting(name, &["443/TCP"])).await?;
        }
    }
    let told = async || -> anyhow::Result<usize> {
        let mut told = 0;
        for name in names {
            for client in &clients {
                told += usize::from(!warnings(client, name).await?.is_empty());
            }
        }
        Ok(told)
    };
    let losers = names.len() * clients.len() - 1;
    stage
        .until("all but one are told", async || {
            Ok(told().await? == losers && listener(&stage)["Status"] == "running")
        })
        .await?;
    let last = last_call(&stage);
    let owner = listener(&stage)["Description"].clone();
    for restarts in 0..2 {
        if restarts > 0 {
            stage.world.services.restart().await?;
        }
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        assert_eq!(written_since(&stage, last), Vec::<String>::new());
        let mut said = Vec::new();
        for name in names {
            for client in &clients {
                said.extend(warnings(client, name).await?);
            }
        }
        assert_eq!(said.len(), losers, "each was told once: {said:#?}");
    }
    assert_eq!(listener(&stage)["Description"], owner);
    let calls = stage.world.cloud.cloud().calls();
    let of_listener = |action: &str| {
        calls
            .iter()
            .filter(|call| call.applied && call.action.starts_with(action))
            .count()
    };
    assert_eq!(of_listener("CreateLoadBalancerTCPListener"), 1);
    assert_eq!(of_listener("DeleteLoadBalancerListener"), 0);
    assert_eq!(of_listener("SetLoadBalancerTCPListenerAttribute"), 0);
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_fights_on_kube_sim() -> anyhow::Result<()> {
    match two_clusters(Api::Simulated).await? {
        Some(stage) => nobody_fights(stage).await,
        None => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_fights_on_a_real_api() -> anyhow::Result<()> {
    match two_clusters(Api::Real).await? {
        Some(stage) => nobody_fights(stage).await,
        None => Ok(()),
    }
}
