//! Calls that fail in every way: the end is the same, and there is never a second CLB.

use clb_model::operation::{Change, LoadBalancerChange, Outcome};
use clb_wire::actuator::MirrorUpdate;
use cloud_sim::{Fault, FaultKind};

use crate::lab::{Lab, UNLIMITED, assert_succeeded, creation, new_load_balancer};

fn reset_after() -> FaultKind {
    FaultKind::ResetAfter
}

fn error(status: u16, code: &str) -> FaultKind {
    FaultKind::Error {
        status,
        code: code.to_owned(),
        message: "on order".to_owned(),
    }
}

/// CLBs that the lab did not bring.
fn own(lab: &Lab) -> usize {
    lab.account.load_balancer_ids().len() - cloud_sim::lab::REUSED.len()
}

async fn creation_survives(kind: FaultKind, action: &str) {
    let lab = match kind {
        FaultKind::StallAnswer { .. } => Lab::with(&format!("call_timeout: 1s\n{UNLIMITED}"), |_| {}).await,
        _ => Lab::start().await,
    };
    lab.sim.cloud().order_fault(Fault::next(kind.clone()).of(action));
    let results = lab.execute(&lab.batch("uid-1", creation("uid-1"))).await;
    assert_succeeded(&results);
    assert!(
        lab.sim.cloud().pending_faults().is_empty(),
        "{kind:?} of {action} was not used"
    );
    assert_eq!(own(&lab), 1, "{kind:?} of {action}");
    let id = lab
        .account
        .load_balancer_ids()
        .into_iter()
        .find(|id| !id.starts_with("lb-reuse"));
    let state = lab.account.load_balancer(&id.unwrap()).unwrap();
    assert_eq!(
        state["listeners"]["tcp/80"]["Status"], "running",
        "{kind:?} of {action}"
    );
    assert_eq!(
        state["vgroups"].as_object().unwrap().len(),
        1,
        "{kind:?} of {action}: {state:#}"
    );
}

#[tokio::test]
async fn every_call_of_a_creation_survives_every_fault() {
    let actions = [
        "CreateLoadBalancer",
        "CreateVServerGroup",
        "CreateLoadBalancerTCPListener",
        "StartLoadBalancerListener",
    ];
    let kinds = [
        reset_after(),
        FaultKind::ResetBefore,
        error(503, "ServiceUnavailable"),
        error(500, "InternalError"),
        error(449, "SystemBusy"),
        error(400, "ServiceIsConfiguring"),
        FaultKind::StallAnswer { milliseconds: 1500 },
    ];
    let runs = actions
        .iter()
        .flat_map(|action| kinds.iter().map(|kind| creation_survives(kind.clone(), action)));
    futures::future::join_all(runs).await;
}

#[tokio::test]
async fn a_throttled_action_slows_down_and_goes_on() {
    creation_survives(FaultKind::Throttle, "CreateVServerGroup").await;
}

#[tokio::test]
async fn a_creation_that_nobody_knows_of_is_sent_again_by_the_next_batch_as_it_was() {
    let lab = Lab::start().await;
    // Applied, never answered, and the tag search finds nothing yet: only the token prevents a second CLB.
    let cloud = lab.sim.cloud();
    cloud.order_fault(Fault::next(reset_after()).of("CreateLoadBalancer").always());
    let mut batch = lab.batch(
        "uid-1",
        vec![Change::CreateLoadBalancer(Box::new(new_load_balancer("uid-1")))],
    );
    batch.deadline = std::time::Duration::from_secs(5);
    let results = lab.execute(&batch).await;
    assert!(
        matches!(results[0].outcome, Outcome::Unknown { .. }),
        "{results:?}"
    );
    cloud.clear_faults();
    assert_eq!(own(&lab), 1);

    let mut renamed = new_load_balancer("uid-1");
    renamed.name = "another-name".to_owned();
    let results = lab
        .execute(&lab.batch("uid-1", vec![Change::CreateLoadBalancer(Box::new(renamed))]))
        .await;
    assert!(
        matches!(results[0].outcome, Outcome::Unchanged { .. }),
        "{results:?}"
    );
    assert_eq!(own(&lab), 1);
}

#[tokio::test]
async fn a_new_actuator_finds_the_clb_by_its_tag() {
    let lab = Lab::with("", |sim| {
        sim.cloud().order_fault(
            Fault::next(FaultKind::ResetAfter)
                .of("CreateLoadBalancer")
                .always(),
        );
    })
    .await;
    let create = || vec![Change::CreateLoadBalancer(Box::new(new_load_balancer("uid-1")))];
    let mut batch = lab.batch("uid-1", create());
    batch.deadline = std::time::Duration::from_secs(5);
    lab.execute(&batch).await;
    lab.sim.cloud().clear_faults();

    let results = lab.execute(&lab.batch("uid-1", create())).await;
    assert!(
        matches!(results[0].outcome, Outcome::Unchanged { .. }),
        "{results:?}"
    );
    assert_eq!(own(&lab), 1);
}

#[tokio::test]
async fn a_change_without_an_answer_is_read_back_and_not_sent_twice() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    lab.sim
        .cloud()
        .order_fault(Fault::next(reset_after()).of("SetLoadBalancerName"));
    let rename = Change::ChangeLoadBalancer(LoadBalancerChange::Name("new-name".to_owned()));
    let results = lab.execute(&lab.batch_on("uid-1", &id, vec![rename])).await;
    assert!(
        matches!(results[0].outcome, Outcome::Applied { .. }),
        "{results:?}"
    );
    assert_eq!(lab.calls("SetLoadBalancerName"), 1);
}

/// The deadline comes in a pause or before it, which would have been too long, or in the attempt after it.
fn assert_time_ran_out(outcome: &Outcome) {
    assert!(
        matches!(outcome, Outcome::Busy { .. } | Outcome::Expired),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_busy_clb_is_waited_for_until_the_deadline() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    lab.sim.cloud().order_fault(
        Fault::next(error(400, "OperationBusy"))
            .of("SetLoadBalancerName")
            .always(),
    );
    let rename = Change::ChangeLoadBalancer(LoadBalancerChange::Name("new-name".to_owned()));
    let mut batch = lab.batch_on("uid-1", &id, vec![rename]);
    batch.deadline = std::time::Duration::from_secs(5);
    let results = lab.execute(&batch).await;
    assert_time_ran_out(&results[0].outcome);
    assert!(lab.calls("SetLoadBalancerName") > 1);
}

#[tokio::test]
async fn a_quota_stops_its_operation_and_says_so() {
    let lab = Lab::start().await;
    lab.sim
        .cloud()
        .order_fault(Fault::next(error(400, "ORDER.QUOTA_EXCEEDED")).of("CreateLoadBalancer"));
    let results = lab.execute(&lab.batch("uid-1", creation("uid-1"))).await;
    let Outcome::Rejected(error) = &results[0].outcome else {
        panic!("{results:?}");
    };
    assert_eq!(error.class, clb_model::operation::ErrorClass::Quota);
    assert!(!error.request_id.is_empty());
    assert!(
        matches!(results[1].outcome, Outcome::Skipped { .. }),
        "{results:?}"
    );
    assert_eq!(lab.calls("CreateLoadBalancer"), 1);
}

#[tokio::test]
async fn a_protection_that_stays_on_is_not_hammered() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    lab.sim.cloud().order_fault(
        Fault::next(FaultKind::ApplyNever)
            .of("SetLoadBalancerDeleteProtection")
            .always(),
    );
    let mut batch = lab.batch_on("uid-1", &id, vec![Change::DeleteLoadBalancer]);
    batch.deadline = std::time::Duration::from_secs(5);
    let results = lab.execute(&batch).await;
    assert_time_ran_out(&results[0].outcome);
    // The pauses begin with 200 ms and double: five calls in the time there is, not hundreds.
    let calls = lab.calls("DeleteLoadBalancer");
    assert!((1..=8).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_clb_whose_groups_cannot_be_found_is_read_with_pauses_until_the_deadline() {
    let lab = Lab::start().await;
    lab.sim.cloud().order_fault(
        Fault::next(error(404, "InvalidLoadBalancerId.NotFound"))
            .of("DescribeVServerGroups")
            .always(),
    );
    // Until everything is listed a batch is told to come again.
    let mut watch = lab.watch().await;
    while watch.next().await != MirrorUpdate::Synced {}
    let rename = Change::ChangeLoadBalancer(LoadBalancerChange::Name("new-name".to_owned()));
    let mut batch = lab.batch_on("uid-1", &"lb-reuse-04".parse().unwrap(), vec![rename]);
    batch.deadline = std::time::Duration::from_secs(5);
    let results = lab.execute(&batch).await;
    assert_time_ran_out(&results[0].outcome);
    let calls = lab.calls("DescribeVServerGroups");
    assert!((1..=8).contains(&calls), "{calls}");
    assert_eq!(lab.calls("SetLoadBalancerName"), 0);
}
