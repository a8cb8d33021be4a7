//! What a planner sees of the cloud.

use std::collections::BTreeSet;

use clb_model::LoadBalancerId;
use clb_model::marks::CLUSTER_TAG;
use clb_model::operation::Change;
use clb_wire::actuator::MirrorUpdate;

use crate::lab::{CLUSTER, Lab, creation};

/// Creates a CLB in the console.
fn by_hand(lab: &Lab) -> LoadBalancerId {
    let created = lab
        .account
        .call(
            "CreateLoadBalancer",
            &[("RegionId", "cn-hangzhou"), ("LoadBalancerSpec", "slb.s1.small")],
        )
        .unwrap();
    created["LoadBalancerId"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_empty_cloud_is_synced_at_once() {
    let lab = Lab::start().await;
    let mut watch = lab.watch().await;
    assert_eq!(watch.next().await, MirrorUpdate::Synced);
}

#[tokio::test]
async fn the_clusters_own_clbs_come_whole_before_synced() {
    let lab = Lab::start().await;
    let (id, vgroup) = lab.create("uid-1").await;
    let mut watch = lab.watch().await;
    let MirrorUpdate::LoadBalancer(seen) = watch.next().await else {
        panic!("the CLB comes first");
    };
    assert_eq!(seen.id, id);
    assert!(seen.vgroups.contains_key(&vgroup));
    assert_eq!(watch.next().await, MirrorUpdate::Synced);
}

#[tokio::test]
async fn a_users_clb_is_found_by_the_id_that_a_service_names() {
    let lab = Lab::start().await;
    let mut watch = lab.watch().await;
    watch.interested_in("uid-1", Some("lb-reuse-04")).await;
    let (seen, found) = watch.resolved().await;
    assert_eq!(found, ["lb-reuse-04".parse().unwrap()]);
    assert_eq!(seen[0].listeners.len(), 1);
    assert_eq!(seen[0].vgroups.values().next().unwrap().backends.len(), 1);

    watch.no_longer_interested_in("uid-1").await;
    assert_eq!(
        watch.next().await,
        MirrorUpdate::Gone("lb-reuse-04".parse().unwrap())
    );
}

#[tokio::test]
async fn an_id_that_does_not_exist_is_resolved_to_nothing() {
    let lab = Lab::start().await;
    let mut watch = lab.watch().await;
    watch.interested_in("uid-1", Some("lb-none")).await;
    let (seen, found) = watch.resolved().await;
    assert!(seen.is_empty() && found.is_empty());
}

#[tokio::test]
async fn a_clb_that_appears_by_hand_is_found_by_its_id() {
    let lab = Lab::start().await;
    let mut watch = lab.watch().await;
    // The mirror is full before it appears.
    assert_eq!(watch.next().await, MirrorUpdate::Synced);
    let id = by_hand(&lab);
    watch.interested_in("uid-1", Some(id.as_str())).await;
    let (_, found) = watch.resolved().await;
    assert_eq!(found, [id]);
}

#[tokio::test]
async fn a_creation_resolves_the_interest_anew_and_a_deletion_empties_it() {
    let lab = Lab::start().await;
    let mut watch = lab.watch().await;
    watch.interested_in("uid-1", None).await;
    assert_eq!(watch.resolved().await.1, []);

    let (id, _) = lab.create("uid-1").await;
    let (seen, found) = watch.resolved().await;
    assert_eq!(found, std::slice::from_ref(&id));
    assert_eq!(seen[0].id, id);

    lab.execute(&lab.batch_on("uid-1", &id, vec![Change::DeleteLoadBalancer]))
        .await;
    let mut gone = false;
    loop {
        match watch.next().await {
            MirrorUpdate::Gone(_) => gone = true,
            MirrorUpdate::Resolved { load_balancers, .. } if load_balancers.is_empty() => break,
            _ => {}
        }
    }
    assert!(gone, "the CLB leaves before the interest is empty");
}

#[tokio::test]
async fn what_was_changed_by_hand_is_found_by_the_audit() {
    let lab = Lab::with("audit_interval: 1s\naudit_rate: 100", |_| {}).await;
    let (id, vgroup) = lab.create("uid-1").await;
    lab.seen(&id, |seen| !seen.master_zone_id.is_empty()).await;
    let region = ("RegionId", "cn-hangzhou");
    let call = |action: &str, parameters: &[(&str, &str)]| {
        let answer = lab.account.call(action, parameters);
        assert!(answer.is_ok(), "{action} by hand");
    };
    call(
        "SetLoadBalancerName",
        &[
            region,
            ("LoadBalancerId", id.as_str()),
            ("LoadBalancerName", "by-hand"),
        ],
    );
    call(
        "SetVServerGroupAttribute",
        &[
            region,
            ("VServerGroupId", vgroup.as_str()),
            ("VServerGroupName", "by-hand-too"),
        ],
    );
    let seen = lab
        .seen(&id, |seen| {
            seen.name == "by-hand" && seen.vgroups[&vgroup].name == "by-hand-too"
        })
        .await;
    assert_eq!(seen.listeners.len(), 1);
}

#[tokio::test]
async fn trouble_is_said_once_and_taken_back() {
    let lab = Lab::with("", |sim| {
        let outage = cloud_sim::FaultKind::Error {
            status: 403,
            code: "Forbidden.RAM".to_owned(),
            message: "User not authorized to operate on the specified resource.".to_owned(),
        };
        sim.cloud().order_fault(
            cloud_sim::Fault::next(outage)
                .of("DescribeLoadBalancers")
                .always(),
        );
    })
    .await;
    let mut watch = lab.watch().await;
    let MirrorUpdate::Trouble { reason } = watch.next().await else {
        panic!("trouble comes first");
    };
    assert!(reason.contains("Forbidden.RAM"), "{reason}");
    lab.sim.cloud().clear_faults();
    assert_eq!(watch.next().await, MirrorUpdate::Synced);
}

#[tokio::test]
async fn many_services_cost_few_reads() {
    let lab = Lab::start().await;
    let uids: Vec<String> = (0..50).map(|number| format!("uid-{number}")).collect();
    let batches: Vec<_> = uids.iter().map(|uid| lab.batch(uid, creation(uid))).collect();
    let results = futures::future::join_all(batches.iter().map(|batch| lab.execute(batch))).await;
    for results in &results {
        crate::lab::assert_succeeded(results);
    }
    lab.sim.cloud().clear_journal();
    let mut watch = lab.watch().await;
    let mut seen = 0;
    while !matches!(watch.next().await, MirrorUpdate::Synced) {
        seen += 1;
    }
    assert_eq!(seen, 50);
    // Groups and backends of own creations are known without a read.
    assert_eq!(
        lab.calls("DescribeVServerGroups") + lab.calls("DescribeVServerGroupAttribute"),
        0
    );
}

/// A CLB that was just made may be unknown to one call and known to another.
#[tokio::test]
async fn a_clb_that_one_call_does_not_know_is_shown_once_all_know_it() {
    for action in ["DescribeLoadBalancerListeners", "DescribeVServerGroups"] {
        let lab = Lab::with("", |sim| {
            let account = sim.cloud().account(cloud_sim::DEFAULT_ACCOUNT);
            let tag = |key: &str, value: &str| {
                let parameters = [
                    ("RegionId", "cn-hangzhou"),
                    ("ResourceType", "instance"),
                    ("ResourceId.1", "lb-reuse-04"),
                    ("Tag.1.Key", key),
                    ("Tag.1.Value", value),
                ];
                account.call("TagResources", &parameters).unwrap();
            };
            tag(CLUSTER_TAG, CLUSTER);
            let unknown = cloud_sim::FaultKind::Error {
                status: 404,
                code: "InvalidLoadBalancerId.NotFound".to_owned(),
                message: "The specified LoadBalancerId does not exist.".to_owned(),
            };
            let fault = cloud_sim::Fault::next(unknown).of(action);
            sim.cloud().order_fault(fault.on("lb-reuse-04"));
        })
        .await;
        let mut watch = lab.watch().await;
        let MirrorUpdate::LoadBalancer(seen) = watch.next().await else {
            panic!("{action}: the CLB comes first");
        };
        assert_eq!((seen.listeners.len(), seen.vgroups.len()), (1, 1), "{action}");
        assert_eq!(watch.next().await, MirrorUpdate::Synced);
    }
}

/// Ten CLBs are read together, so that the cloud's refusal of one is the answer about its neighbours too.
#[tokio::test]
async fn a_clb_that_must_not_be_read_hides_no_other() {
    for action in ["DescribeVServerGroups", "DescribeLoadBalancerListeners"] {
        let denied = cloud_sim::FaultKind::Error {
            status: 403,
            code: "Forbidden.RAM".to_owned(),
            message: "User not authorized to operate on the specified resource.".to_owned(),
        };
        let lab = Lab::start().await;
        let mut watch = lab.watch().await;
        assert_eq!(watch.next().await, MirrorUpdate::Synced);
        let ids: Vec<LoadBalancerId> = (0..10).map(|_| by_hand(&lab)).collect();
        let fault = cloud_sim::Fault::next(denied)
            .of(action)
            .on(ids[4].as_str())
            .always();
        lab.sim.cloud().order_fault(fault);
        for (number, id) in ids.iter().enumerate() {
            watch
                .interested_in(&format!("uid-{number}"), Some(id.as_str()))
                .await;
        }
        let mut resolved = BTreeSet::new();
        while resolved.len() < 9 {
            resolved.extend(watch.resolved().await.1);
        }
        assert!(!resolved.contains(&ids[4]), "{action}");
        // It is shown soon after it may be read.
        lab.sim.cloud().clear_faults();
        assert_eq!(watch.resolved().await.1, [ids[4].clone()], "{action}");
    }
}

#[tokio::test]
async fn what_went_by_hand_is_seen_when_a_planner_asks_for_another_look() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let mut watch = lab.watch().await;
    while watch.next().await != MirrorUpdate::Synced {}
    let listener = [("LoadBalancerId", id.as_str()), ("ListenerPort", "80")];
    lab.account.call("DeleteLoadBalancerListener", &listener).unwrap();
    watch.look_again(id.as_str()).await;
    let mut seen = None;
    loop {
        match watch.next().await {
            MirrorUpdate::LoadBalancer(load_balancer) => seen = Some(load_balancer),
            MirrorUpdate::Looked(looked) => {
                assert_eq!(looked, id);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(seen.unwrap().listeners.is_empty());

    let reads = lab.calls("DescribeLoadBalancerListeners");
    for id in [id.as_str(), "lb-of-nobody"] {
        watch.look_again(id).await;
        assert_eq!(watch.next().await, MirrorUpdate::Looked(id.parse().unwrap()));
    }
    assert_eq!(lab.calls("DescribeLoadBalancerListeners"), reads);
}
