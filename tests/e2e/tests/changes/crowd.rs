//! Nodes that become known while many Services are being built.

use clb_e2e::{Api, Sketch, Stage, add_node, assert_settled, backend_instances, load_balancer_of, uid_of};

/// How many Services are built at once.
const SERVICES: usize = 60;

/// Services whose CLBs were begun before there was a node get the nodes all the same.
async fn nodes_come_late(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start_with(api, |options| options.nodes = 1).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    stage.world.cloud.cloud().change_circumstances(|circumstances| {
        circumstances.write_time = std::time::Duration::from_millis(100);
    });
    add_node(&stage, 2).await?;
    let mut uids = Vec::new();
    for number in 0..SERVICES {
        uids.push(uid_of(
            &Sketch::new(&format!("web-{number}"))
                .tcp(80)
                .apply(&client)
                .await?,
        ));
    }
    add_node(&stage, 3).await?;
    stage
        .until("every Service has all nodes", async || {
            let all =
                |uid: &String| backend_instances(&load_balancer_of(&stage, uid)) == ["i-n1", "i-n2", "i-n3"];
            Ok(uids.iter().all(|uid| {
                clb_e2e::find_load_balancer(&stage, uid).is_some_and(|found| {
                    !found["vgroups"]
                        .as_object()
                        .is_none_or(|groups| groups.is_empty())
                }) && all(uid)
            }))
        })
        .await?;
    stage.converged(SERVICES).await?;
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_come_late_on_kube_sim() -> anyhow::Result<()> {
    nodes_come_late(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_come_late_on_a_real_api() -> anyhow::Result<()> {
    nodes_come_late(Api::Real).await
}
