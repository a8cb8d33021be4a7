//! Which CLB is a Service's: `compatibility.md`, "Finding the CLB of a Service".

use clb_e2e::{Api, Stage, delete_all_services, ingress_of, service_api};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::lab::{self, account, apply_all, condition, last_call, service, told, written_since};
use crate::shown::{default_name, id_of};

const PROGRAMMED: &str = "service.k8s.alibaba/Programmed";

fn call(stage: &Stage, action: &str, parameters: &[(&str, &str)]) -> anyhow::Result<()> {
    let mut all = vec![("RegionId", "cn-hangzhou")];
    all.extend(parameters);
    let done = account(stage).call(action, &all);
    done.map(|_| ())
        .map_err(|error| anyhow::anyhow!("{action}: {error:?}"))
}

/// The ids of the CLBs that are not the user's.
fn ids(stage: &Stage) -> Vec<String> {
    let mut ids = account(stage).load_balancer_ids();
    ids.retain(|id| !id.starts_with("lb-reuse-"));
    ids
}

/// A CLB that somebody deleted: no other is made, since people may use the address; what the event says to do gets a new one.
async fn a_clb_that_is_gone_has_a_way_out(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(&stage, &[service("web", &["80/TCP"], &[])]).await?;
    stage.converged(1).await?;
    let gone = id_of(&account(&stage), &service_api(&stage).get("web").await?);
    let address = ingress_of(&service_api(&stage).get("web").await?).remove(0);
    stage.world.services.stop().await;
    for (action, more) in [
        (
            "SetLoadBalancerDeleteProtection",
            Some(("DeleteProtection", "off")),
        ),
        ("DeleteLoadBalancer", None),
    ] {
        let mut parameters = vec![("LoadBalancerId", gone.as_str())];
        parameters.extend(more);
        call(&stage, action, &parameters)?;
    }
    stage.world.services.restart().await?;
    told(&stage, "web", &[&address, &gone, "is gone"]).await?;
    let last = last_call(&stage);
    let said = condition(&service_api(&stage).get("web").await?, PROGRAMMED);
    assert_eq!((said.0.as_str(), said.1.as_str()), ("False", "LoadBalancerGone"));
    assert_eq!(ingress_of(&service_api(&stage).get("web").await?), [address]);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(written_since(&stage, last), Vec::<String>::new());

    // The command of the message, as a person copies it.
    let command = said
        .2
        .split('(')
        .find(|text| text.starts_with("kubectl patch service web -n default"));
    let command = command.unwrap_or_default().to_owned();
    assert!(
        command.contains(" --subresource=status --type=merge "),
        "{said:?}"
    );
    let patch: Value = serde_json::from_str(command.split('\'').nth(1).unwrap_or_default())?;
    service_api(&stage)
        .patch_status("web", &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    stage
        .until("there is a new CLB", async || Ok(ids(&stage).len() == 1))
        .await?;
    stage.converged(1).await?;
    assert_ne!(ids(&stage), [gone]);
    let new = account(&stage).load_balancer(&ids(&stage)[0]).unwrap_or_default();
    assert_eq!(
        json!(ingress_of(&service_api(&stage).get("web").await?)),
        json!([new["Address"]])
    );
    stage.end().await;
    Ok(())
}

/// Several CLBs with a Service's mark: all are named, none is touched, also when the Service goes; a person decides.
async fn several_clbs_are_named(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(&stage, &[service("web", &["80/TCP"], &[])]).await?;
    stage.converged(1).await?;
    let web = service_api(&stage).get("web").await?;
    let first = id_of(&account(&stage), &web);
    let tags = [
        ("Tag.1.Key", "kubernetes.do.not.delete"),
        ("Tag.1.Value", &default_name(&web)),
        ("ResourceType", "instance"),
        ("ResourceId.1", "lb-reuse-04"),
    ];
    stage.world.services.stop().await;
    call(&stage, "TagResources", &tags)?;
    let before = account(&stage).state()["load_balancers"].clone();
    let last = last_call(&stage);
    stage.world.services.restart().await?;
    told(
        &stage,
        "web",
        &[&first, "lb-reuse-04", "kubernetes.do.not.delete"],
    )
    .await?;
    let said = condition(&service_api(&stage).get("web").await?, PROGRAMMED);
    assert_eq!(said.1, "LoadBalancerAmbiguous", "{said:?}");

    service_api(&stage).delete("web", &Default::default()).await?;
    stage
        .until("the clean-up is refused", async || {
            let events = lab::events(&stage).await?;
            Ok(events["web"]
                .iter()
                .any(|said| said.reason == "CleanLoadBalancerFailed" && said.message.contains(&first)))
        })
        .await?;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(written_since(&stage, last), Vec::<String>::new());
    assert_eq!(account(&stage).state()["load_balancers"], before);

    call(
        &stage,
        "UntagResources",
        &[
            ("TagKey.1", "kubernetes.do.not.delete"),
            ("ResourceType", "instance"),
            ("ResourceId.1", "lb-reuse-04"),
        ],
    )?;
    stage.world.services.restart().await?;
    stage
        .until("the Service is gone", async || {
            Ok(service_api(&stage).get_opt("web").await?.is_none())
        })
        .await?;
    assert_eq!(ids(&stage), Vec::<String>::new());
    stage.end().await;
    Ok(())
}

/// A controller that crashed between creation and tagging leaves a CLB of the default name without tags: it is taken up, and no second one
/// is made. A new Service of the same name has nothing to do with it.
async fn an_untagged_clb_is_found_by_its_name(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(&stage, &[service("web", &["80/TCP"], &[])]).await?;
    stage.converged(1).await?;
    let web = service_api(&stage).get("web").await?;
    let id = id_of(&account(&stage), &web);
    stage.world.services.stop().await;
    call(
        &stage,
        "UntagResources",
        &[
            ("TagKey.1", "kubernetes.do.not.delete"),
            ("TagKey.2", "ack.aliyun.com"),
            ("ResourceType", "instance"),
            ("ResourceId.1", &id),
        ],
    )?;
    let forgotten = json!({"metadata": {"labels": {"service.k8s.alibaba/loadbalancer-id": null}}});
    service_api(&stage)
        .patch("web", &PatchParams::default(), &Patch::Merge(forgotten))
        .await?;
    let empty = json!({"status": {"loadBalancer": {"ingress": null}, "conditions": null}});
    service_api(&stage)
        .patch_status("web", &PatchParams::default(), &Patch::Merge(empty))
        .await?;
    stage.world.services.restart().await?;
    stage
        .until("the address is shown again", async || {
            Ok(!ingress_of(&service_api(&stage).get("web").await?).is_empty())
        })
        .await?;
    stage.converged(1).await?;
    assert_eq!(ids(&stage), [id.as_str()]);
    assert_eq!(id_of(&account(&stage), &web), id, "it carries the tags again");

    delete_all_services(&stage).await?;
    assert_eq!(ids(&stage), Vec::<String>::new());
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clb_that_is_gone_has_a_way_out_on_kube_sim() -> anyhow::Result<()> {
    a_clb_that_is_gone_has_a_way_out(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clb_that_is_gone_has_a_way_out_on_a_real_api() -> anyhow::Result<()> {
    a_clb_that_is_gone_has_a_way_out(Api::Real).await
}

#[tokio::test(flavor = "multi_thread")]
async fn several_clbs_are_named_on_kube_sim() -> anyhow::Result<()> {
    several_clbs_are_named(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn several_clbs_are_named_on_a_real_api() -> anyhow::Result<()> {
    several_clbs_are_named(Api::Real).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untagged_clb_is_found_by_its_name_on_kube_sim() -> anyhow::Result<()> {
    an_untagged_clb_is_found_by_its_name(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untagged_clb_is_found_by_its_name_on_a_real_api() -> anyhow::Result<()> {
    an_untagged_clb_is_found_by_its_name(Api::Real).await
}
