//! The access control list for source ranges: filled in calls of 50, used by its name, found again, deleted with or without a CLB.

use std::collections::BTreeSet;

use clb_model::attribute::{ListenerAttribute, ListenerAttributes};
use clb_model::cloud::IpVersion;
use clb_model::marks;
use clb_model::operation::{Change, Outcome};
use clb_model::{LoadBalancerId, ServiceUid};
use cloud_sim::{Call, Fault, FaultKind};
use ipnet::IpNet;
use serde_json::Value;

use crate::lab::{Lab, assert_succeeded, based_on, created, group, listener};

fn ranges(from: u8, count: u8) -> Vec<IpNet> {
    let range = |number: u8| format!("10.0.{number}.0/24").parse().unwrap();
    (from..from + count).map(range).collect()
}

fn fill(entries: Vec<IpNet>) -> Change {
    Change::FillAccessList {
        ip_version: IpVersion::V4,
        entries,
    }
}

/// Attributes of a listener that only those in the Service's list may use.
fn listed(uid: &str) -> ListenerAttributes {
    ListenerAttributes::new()
        .with(ListenerAttribute::AclStatus, true)
        .with(ListenerAttribute::AclType, "white")
        .with(
            ListenerAttribute::AclId,
            marks::access_list_name(&ServiceUid::new(uid).unwrap()),
        )
}

/// The Service's lists in the cloud, with their ids.
fn lists(lab: &Lab, uid: &str) -> Vec<(String, Value)> {
    let name = marks::access_list_name(&ServiceUid::new(uid).unwrap());
    let state = lab.account.state();
    let lists = state["acls"].as_object().unwrap().iter();
    lists
        .filter(|(_, list)| list["AclName"] == name.as_str())
        .map(|(id, list)| (id.clone(), list.clone()))
        .collect()
}

fn count(list: &Value) -> usize {
    list["AclEntrys"].as_array().unwrap().len()
}

/// A CLB with a listener tcp:80 that only a list of 120 entries may use.
async fn restricted(lab: &Lab) -> (LoadBalancerId, String) {
    let (id, _) = lab.create("uid-1").await;
    let change = Change::ChangeListener {
        listener: "tcp:80".parse().unwrap(),
        vgroup: None,
        attributes: listed("uid-1"),
    };
    let results = lab
        .execute(&lab.batch_on("uid-1", &id, vec![fill(ranges(0, 120)), change]))
        .await;
    assert_succeeded(&results);
    (id, created(&results[0]))
}

#[tokio::test]
async fn a_list_is_filled_in_calls_of_50_before_listeners_use_it_by_its_name() {
    let lab = Lab::start().await;
    let (id, list_id) = restricted(&lab).await;
    assert_eq!(lab.calls("AddAccessControlListEntry"), 3);
    let lists = lists(&lab, "uid-1");
    assert_eq!((lists.len(), &lists[0].0, count(&lists[0].1)), (1, &list_id, 120));
    let mut new = listener("tcp:81", 1);
    new.attributes.merge(&listed("uid-1"));
    let changes = vec![
        group("k8s/30081/nginx/default/c-lab", Vec::new()),
        Change::CreateListener(new),
    ];
    assert_succeeded(&lab.execute(&lab.batch_on("uid-1", &id, changes)).await);
    let state = lab.account.load_balancer(id.as_str()).unwrap();
    for key in ["tcp/80", "tcp/81"] {
        let listener = &state["listeners"][key];
        assert_eq!(listener["AclId"], list_id.as_str(), "{listener:#}");
        assert_eq!(
            (&listener["AclStatus"], &listener["AclType"]),
            (&"on".into(), &"white".into())
        );
    }
    let seen = lab.seen(&id, |seen| seen.access_lists.len() == 1).await;
    assert_eq!(seen.access_lists[&list_id].entries.len(), 120);
}

#[tokio::test]
async fn a_listener_whose_list_is_not_there_is_not_made() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let mut new = listener("tcp:81", 1);
    new.attributes.merge(&listed("uid-1"));
    let changes = vec![
        group("k8s/30081/nginx/default/c-lab", Vec::new()),
        Change::CreateListener(new),
    ];
    let results = lab.execute(&lab.batch_on("uid-1", &id, changes)).await;
    assert!(
        matches!(results[1].outcome, Outcome::Skipped { .. }),
        "{results:?}"
    );
    assert_eq!(lab.calls("CreateLoadBalancerTCPListener"), 1, "that of tcp:80");
}

#[tokio::test]
async fn entries_go_and_an_old_plan_takes_none_away() {
    let lab = Lab::start().await;
    let (id, list_id) = restricted(&lab).await;
    let seen = lab.seen(&id, |seen| seen.access_lists.len() == 1).await;
    let version = seen.access_lists[&list_id].version;
    let trim = || {
        vec![Change::TrimAccessList {
            access_list: list_id.clone(),
            entries: ranges(20, 100),
        }]
    };
    let batch = based_on(lab.batch_on("uid-1", &id, trim()), version);
    assert_succeeded(&lab.execute(&batch).await);
    assert_eq!(lab.calls("RemoveAccessControlListEntry"), 2);
    assert_eq!(count(&lists(&lab, "uid-1")[0].1), 20);

    assert_succeeded(
        &lab.execute(&lab.batch_on("uid-1", &id, vec![fill(ranges(0, 30))]))
            .await,
    );
    let outdated = based_on(lab.batch_on("uid-1", &id, trim()), version);
    let results = lab.execute(&outdated).await;
    assert!(matches!(results[0].outcome, Outcome::Stale { .. }), "{results:?}");
    assert_eq!(count(&lists(&lab, "uid-1")[0].1), 30);
}

/// An empty list lets everybody in: what the cloud says yes to is looked at before a listener uses the list.
#[tokio::test]
async fn no_listener_uses_a_list_before_the_cloud_shows_its_entries() {
    for kind in [FaultKind::ApplyNever, FaultKind::ApplyLate { milliseconds: 300 }] {
        let lab = Lab::start().await;
        let fault = Fault::next(kind).of("AddAccessControlListEntry");
        lab.sim.cloud().order_fault(fault);
        let before = lab.sim.cloud().last_call().borrow().to_owned();
        let (id, list_id) = restricted(&lab).await;
        let state = lab.account.load_balancer(id.as_str()).unwrap();
        assert_eq!(state["listeners"]["tcp/80"]["AclId"], list_id.as_str());
        assert_eq!(count(&lists(&lab, "uid-1")[0].1), 120);
        let calls = lab.sim.cloud().calls_since(before);
        let used = calls
            .iter()
            .position(|call| call.action == "SetLoadBalancerTCPListenerAttribute");
        let until_used = &calls[..used.unwrap()];
        let seen = until_used
            .iter()
            .any(|call| call.action == "DescribeAccessControlListAttribute");
        let entries: BTreeSet<String> = until_used.iter().flat_map(added).collect();
        assert!(seen && entries.len() == 120, "{calls:#?}");
    }
}

/// The entries that a call has added.
fn added(call: &Call) -> Vec<String> {
    if call.action != "AddAccessControlListEntry" || !call.applied {
        return Vec::new();
    }
    let entries: Vec<Value> = serde_json::from_str(&call.parameters["AclEntrys"]).unwrap();
    entries.iter().map(|entry| entry["entry"].to_string()).collect()
}

#[tokio::test]
async fn after_an_unknown_outcome_there_is_one_list() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    for kind in [FaultKind::ResetAfter, FaultKind::ResetBefore] {
        lab.sim
            .cloud()
            .order_fault(Fault::next(kind).of("CreateAccessControlList"));
    }
    let results = lab
        .execute(&lab.batch_on("uid-1", &id, vec![fill(ranges(0, 3))]))
        .await;
    assert_succeeded(&results);
    let lists = lists(&lab, "uid-1");
    assert_eq!(lists.len(), 1, "{lists:#?}");
    assert_eq!(count(&lists[0].1), 3);
}

#[tokio::test]
async fn a_list_that_nobody_uses_is_found_again() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let name = marks::access_list_name(&ServiceUid::new("uid-1").unwrap());
    let made = lab
        .account
        .call(
            "CreateAccessControlList",
            &[("RegionId", cloud_sim::lab::REGION), ("AclName", &name)],
        )
        .unwrap();
    let results = lab
        .execute(&lab.batch_on("uid-1", &id, vec![fill(ranges(0, 3))]))
        .await;
    assert_succeeded(&results);
    assert_eq!(created(&results[0]), made["AclId"].as_str().unwrap());
    assert_eq!(lab.calls("CreateAccessControlList"), 0);
    assert_eq!(count(&lists(&lab, "uid-1")[0].1), 3);
}

#[tokio::test]
async fn the_list_goes_with_the_clb_and_without_it() {
    let lab = Lab::start().await;
    let (id, _) = restricted(&lab).await;
    let results = lab
        .execute(&lab.batch_on("uid-1", &id, vec![Change::DeleteAccessList]))
        .await;
    let Outcome::Rejected(error) = &results[0].outcome else {
        panic!("a listener uses it: {results:?}")
    };
    assert_eq!(error.code, "AclInUsed");
    let changes = vec![Change::DeleteLoadBalancer, Change::DeleteAccessList];
    assert_succeeded(&lab.execute(&lab.batch_on("uid-1", &id, changes)).await);
    assert_eq!(lists(&lab, "uid-1"), []);

    let again = lab
        .execute(&lab.batch("uid-1", vec![Change::DeleteAccessList]))
        .await;
    assert!(matches!(again[0].outcome, Outcome::Unchanged { .. }), "{again:?}");
}

/// The cloud's own view lags behind what it said yes to.
#[tokio::test]
async fn a_deleted_list_that_is_still_shown_is_not_deleted_over_and_over() {
    let lab = Lab::start().await;
    let (id, _) = restricted(&lab).await;
    assert_succeeded(
        &lab.execute(&lab.batch_on("uid-1", &id, vec![Change::DeleteLoadBalancer]))
            .await,
    );
    let late = FaultKind::ApplyLate { milliseconds: 1500 };
    lab.sim
        .cloud()
        .order_fault(Fault::next(late).of("DeleteAccessControlList").always());
    let batch = lab.batch("uid-1", vec![Change::DeleteAccessList]);
    assert_succeeded(&lab.execute(&batch).await);
    assert_eq!(lists(&lab, "uid-1"), []);
    let looked = lab.calls("DescribeAccessControlLists");
    assert!(
        looked <= 10,
        "{looked} looks, with pauses of 0.2 s and more between them"
    );
}

#[tokio::test]
async fn a_list_of_another_service_or_of_the_user_is_never_touched() {
    let lab = Lab::start().await;
    restricted(&lab).await;
    assert_succeeded(
        &lab.execute(&lab.batch("uid-2", vec![Change::DeleteAccessList]))
            .await,
    );
    assert_eq!(lists(&lab, "uid-1").len(), 1);
    assert_eq!(lab.account.state()["acls"]["acl-1"]["AclName"], "lab-1");
}
