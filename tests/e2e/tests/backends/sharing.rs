//! One CLB, two clusters: `vgroup-port` and `weight`.

use clb_e2e::{Api, Sketch, text};
use clb_envtest::ControlPlane;
use clb_sandbox::world::KubeApi;
use kube::api::DeleteParams;
use serde_json::Value;

use crate::lab::{Lab, by_hand, on_both_apis, pod, written};

on_both_apis!(each_cluster_touches_only_its_own_backends);

const USERS: &str = "i-mine=50";

fn shared(weight: &str) -> Sketch {
    by_hand("web")
        .tcp(80)
        .annotated("id", "lb-reuse-04")
        .annotated("vgroup-port", "rsp-user-04:80")
        .annotated("weight", weight)
}

fn group(lab: &Lab) -> Value {
    let load_balancer = lab.account.load_balancer("lb-reuse-04").unwrap_or_default();
    load_balancer["vgroups"]["users-04"].clone()
}

async fn are(lab: &Lab, wanted: &[&str]) -> anyhow::Result<()> {
    let what = format!("the group holds {wanted:?}");
    let reached = lab.stage.until(&what, async || {
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        Ok(written(&group(lab)) == wanted)
    });
    reached
        .await
        .map_err(|error| error.context(format!("it holds {:?}", written(&group(lab)))))
}

/// Namespace and name are equal in both clusters. Weights are parts of each Service's own; the user's backend stays as it is; the cluster
/// that leaves takes only its own backends.
async fn each_cluster_touches_only_its_own_backends(api: Api) -> anyhow::Result<()> {
    // The second cluster is as real as the first.
    let other = match api {
        Api::Simulated => None,
        Api::Real => ControlPlane::start().await?,
    };
    let second = other
        .as_ref()
        .map_or(KubeApi::Simulated, |api| KubeApi::Given(api.kubeconfig()));
    let two = |options: &mut clb_sandbox::world::Options| options.apis.push(second);
    let Some(lab) = Lab::start_with(api, two).await? else {
        return Ok(());
    };
    let clusters = &lab.stage.world.clusters;
    let second = clusters[1].client.clone();
    assert_eq!(written(&group(&lab)), [USERS]);
    lab.slice("web", &[pod(0)]).await?;
    lab.apply(&shared("60")).await?;
    let of_first = ["i-n1=20", "i-n2=20", "i-n3=20"];
    are(&lab, &[&of_first[..], &[USERS]].concat()).await?;
    shared("30").apply(&second).await?;
    let of_second = ["i-c2-n1=10", "i-c2-n2=10", "i-c2-n3=10"];
    are(&lab, &[&of_first[..], &of_second, &[USERS]].concat()).await?;
    for server in group(&lab)["servers"].as_array().into_iter().flatten() {
        let id = text(server, "ServerId");
        let cluster = if id.starts_with("i-c2-") {
            "/web/default/sandbox-2"
        } else {
            "/web/default/sandbox-1"
        };
        let is_users = id == "i-mine";
        assert!(
            is_users || text(server, "Description").ends_with(cluster),
            "{server:#}"
        );
    }

    // The first cluster's share goes to 0, then to less than one each, which is one each.
    lab.apply(&shared("0")).await?;
    are(
        &lab,
        &[&["i-n1=0", "i-n2=0", "i-n3=0"][..], &of_second, &[USERS]].concat(),
    )
    .await?;
    lab.apply(&shared("2")).await?;
    let least = ["i-n1=1", "i-n2=1", "i-n3=1"];
    are(&lab, &[&least[..], &of_second, &[USERS]].concat()).await?;

    let services: kube::Api<k8s_openapi::api::core::v1::Service> = kube::Api::namespaced(second, "default");
    services.delete("web", &DeleteParams::default()).await?;
    are(&lab, &[&least[..], &[USERS]].concat()).await?;
    lab.delete("web").await?;
    are(&lab, &[USERS]).await?;
    let load_balancer = lab.account.load_balancer("lb-reuse-04").unwrap_or_default();
    assert_eq!(
        clb_e2e::listeners(&load_balancer),
        ["tcp/9000"],
        "no listener was looked at"
    );
    lab.stage.end().await;
    Ok(())
}
