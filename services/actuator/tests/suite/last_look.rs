//! The last look for a CLB before its Service goes: no earlier batch may make one after it.

use std::time::Duration;

use clb_model::operation::{Batch, Change, LoadBalancerChange, Outcome};
use clb_wire::actuator::MirrorUpdate;
use cloud_sim::{Fault, FaultKind};

use crate::lab::{Lab, assert_succeeded, creation, new_load_balancer};

const NOTHING: Outcome = Outcome::Unchanged { found: None };

fn look(lab: &Lab, was_being_made: bool) -> Batch {
    lab.batch("uid-1", vec![Change::FindLoadBalancer { was_being_made }])
}

async fn looked(lab: &Lab, was_being_made: bool) -> Outcome {
    let mut results = lab.execute(&look(lab, was_being_made)).await;
    assert_eq!(results.len(), 1);
    results.remove(0).outcome
}

/// Only the CLB, not what belongs on it.
fn make(lab: &Lab) -> Batch {
    let new = new_load_balancer("uid-1");
    lab.batch("uid-1", vec![Change::CreateLoadBalancer(Box::new(new))])
}

/// CLBs that the lab did not bring.
fn own(lab: &Lab) -> Vec<String> {
    let mut ids = lab.account.load_balancer_ids();
    ids.retain(|id| !id.starts_with("lb-reuse"));
    ids
}

#[tokio::test]
async fn a_creation_that_waits_for_its_limit_is_never_sent() {
    let limits = "limits: [{action: '*', calls: 1000000, burst: 100000}, {action: CreateLoadBalancer, calls: 1, window: 5s}]";
    let lab = Lab::with(limits, |_| {}).await;
    lab.create("uid-other").await;
    let waiting = lab.batch("uid-1", creation("uid-1"));
    let then = async {
        lab.batches_run(1).await;
        looked(&lab, false).await
    };
    let (waiting, found) = tokio::join!(lab.execute(&waiting), then);
    assert!(
        waiting.iter().all(|one| one.outcome == Outcome::Superseded),
        "{waiting:?}"
    );
    assert_eq!(found, NOTHING);
    // The limit has room again: whoever comes next gets it.
    lab.create("uid-next").await;
    assert_eq!(lab.calls("CreateLoadBalancer"), 2);
    assert_eq!(own(&lab).len(), 2);
    // What is older than the look is not even begun.
    let mut late = make(&lab);
    late.plan.counter = 1;
    let status = lab.try_execute(&late).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::FailedPrecondition, "{status}");
}

#[tokio::test]
async fn a_creation_under_way_is_waited_for_and_shown_before_the_answer() {
    let lab = Lab::start().await;
    let mut watch = lab.watch().await;
    watch.interested_in("uid-1", None).await;
    lab.sim
        .cloud()
        .order_fault(Fault::next(FaultKind::Hold).of("CreateLoadBalancer"));
    let begun = make(&lab);
    let then = async {
        lab.faults_have_come().await;
        let release = async {
            lab.batches_run(2).await;
            lab.sim.cloud().clear_faults();
        };
        tokio::join!(looked(&lab, false), release).0
    };
    let (_, found) = tokio::join!(lab.execute(&begun), then);
    let [id] = &own(&lab)[..] else {
        panic!("{:?}", own(&lab));
    };
    assert_eq!(
        found,
        Outcome::Unchanged {
            found: Some(id.clone())
        }
    );
    loop {
        match watch.next().await {
            MirrorUpdate::LoadBalancer(shown) if shown.id.as_str() == id => return,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_creation_that_was_done_and_never_answered_is_found() {
    let lab = Lab::start().await;
    let reset = Fault::next(FaultKind::ResetAfter)
        .of("CreateLoadBalancer")
        .always();
    lab.sim.cloud().order_fault(reset);
    let unanswered = make(&lab);
    let then = async {
        lab.has_called("CreateLoadBalancer").await;
        looked(&lab, false).await
    };
    let (_, found) = tokio::join!(lab.execute(&unanswered), then);
    let [id] = &own(&lab)[..] else {
        panic!("{:?}", own(&lab));
    };
    assert_eq!(
        found,
        Outcome::Unchanged {
            found: Some(id.clone())
        }
    );
}

#[tokio::test]
async fn what_nobody_knows_of_may_appear_later_and_what_was_refused_may_not() {
    let cases = [
        (FaultKind::ResetBefore, true),
        (FaultKind::Throttle, false),
        (
            FaultKind::Error {
                status: 400,
                code: "ORDER.QUOTA_EXCEEDED".to_owned(),
                message: String::new(),
            },
            false,
        ),
    ];
    for (fault, may_appear) in cases {
        let lab = Lab::start().await;
        lab.sim
            .cloud()
            .order_fault(Fault::next(fault.clone()).of("CreateLoadBalancer").always());
        let mut given_up = make(&lab);
        given_up.deadline = Duration::from_secs(5);
        lab.execute(&given_up).await;
        let found = looked(&lab, false).await;
        assert_eq!(
            matches!(found, Outcome::Busy { .. }),
            may_appear,
            "{fault:?}: {found:?}"
        );
        assert!(may_appear || found == NOTHING, "{fault:?}: {found:?}");
        assert_eq!(own(&lab), Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_actuator_that_has_just_started_does_not_know_what_another_sent() {
    let lab = Lab::start().await;
    let found = looked(&lab, true).await;
    assert!(matches!(found, Outcome::Busy { .. }), "{found:?}");
    assert_eq!(looked(&lab, false).await, NOTHING);
}

#[tokio::test]
async fn a_clb_that_has_just_been_made_and_is_gone_or_left_to_its_user_is_not_waited_for() {
    let gone = vec![Change::DeleteLoadBalancer];
    let tags = vec!["kubernetes.do.not.delete".to_owned(), "ack.aliyun.com".to_owned()];
    let left = vec![Change::ChangeLoadBalancer(LoadBalancerChange::RemoveTags(tags))];
    for changes in [gone, left] {
        let lab = Lab::start().await;
        let (id, _) = lab.create("uid-1").await;
        assert_succeeded(&lab.execute(&lab.batch_on("uid-1", &id, changes)).await);
        assert_eq!(looked(&lab, false).await, NOTHING);
    }
}
