//! A CLB that Alibaba's controller made, which ignores source ranges and session affinity: they start only where configuration says so.

use clb_e2e::{Api, events_of, listener, load_balancer_of, service_api};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::lab::{Lab, by_hand, on_both_apis};
use crate::source_ranges::lists;

on_both_apis!(until_configuration_says_so_an_event_says_what_would_change);

const WOULD_RESTRICT: &str = "listener tcp:80 would let in only 10.0.0.0/8";
const WOULD_KEEP: &str = "listener tcp:80 would keep a client with its backend for 3600 s";

/// How often each of the two was said.
async fn said(lab: &Lab) -> anyhow::Result<[usize; 2]> {
    let events = events_of(&lab.stage, "web").await?;
    let count = |text: &str| {
        events
            .iter()
            .filter(|(_, _, message)| message.contains(text))
            .count()
    };
    Ok([WOULD_RESTRICT, WOULD_KEEP].map(count))
}

/// The Service had an address before any condition of ours. Nothing changes and it is said once, after a restart too; with the setting
/// both fields are in force; without it again nothing is opened.
async fn until_configuration_says_so_an_event_says_what_would_change(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let uid = lab.apply(&by_hand("web").tcp(80)).await?;
    lab.stage.converged(1).await?;
    lab.stage.world.services.stop().await;
    let as_the_other_leaves_it = json!({"status": {"conditions": null}});
    service_api(&lab.stage)
        .patch_status(
            "web",
            &PatchParams::default(),
            &Patch::Merge(as_the_other_leaves_it),
        )
        .await?;
    let asking = by_hand("web")
        .tcp(80)
        .spec("loadBalancerSourceRanges", json!(["10.0.0.0/8"]))
        .spec("sessionAffinity", json!("ClientIP"));
    lab.apply(&asking).await?;
    let before = lab.now();
    lab.stage.world.services.restart().await?;
    lab.says("web", WOULD_RESTRICT).await?;
    lab.says("web", WOULD_KEEP).await?;
    let is_adopted = async |lab: &Lab| -> anyhow::Result<bool> {
        let condition = lab.condition("web", "service.k8s.alibaba/Adopted").await?;
        Ok(condition["status"] == "True")
    };
    lab.stage
        .until("that is remembered", async || is_adopted(&lab).await)
        .await?;
    lab.stage.world.services.restart().await?;
    lab.stage.converged(1).await?;
    assert_eq!(lab.writes_on(&uid, before), Vec::<String>::new());
    assert_eq!(lists(&lab), []);
    assert_eq!(said(&lab).await?, [1, 1], "said once, whoever starts again");

    let configure = |lab: &mut Lab, in_force: bool| {
        lab.stage
            .world
            .services
            .change_planner(|settings| settings.clusters[0].standard_fields_on_adopted = in_force);
    };
    configure(&mut lab, true);
    lab.stage.world.services.restart().await?;
    let in_force = async |lab: &Lab| {
        let state = load_balancer_of(&lab.stage, &uid);
        let listener = listener(&state, "tcp/80");
        let lists = lists(lab);
        let only_list = lists.first().map(|(id, ranges)| (json!(id), ranges.clone()));
        listener["PersistenceTimeout"] == 3600
            && listener["AclStatus"] == "on"
            && only_list == Some((listener["AclId"].clone(), vec!["10.0.0.0/8".to_owned()]))
    };
    lab.stage
        .until("both are in force", async || Ok(in_force(&lab).await))
        .await?;
    lab.stage.converged(1).await?;

    configure(&mut lab, false);
    let before = lab.now();
    lab.stage.world.services.restart().await?;
    lab.stage.converged(1).await?;
    assert_eq!(lab.writes_on(&uid, before), Vec::<String>::new());
    assert!(in_force(&lab).await, "nothing is opened");
    assert!(is_adopted(&lab).await?);
    lab.stage.end().await;
    Ok(())
}
