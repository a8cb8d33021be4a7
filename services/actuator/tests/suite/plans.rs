//! The order of plans for one Service.

use std::time::Duration;

use clb_model::operation::{Change, LoadBalancerChange, Outcome};
use cloud_sim::{Fault, FaultKind};

use crate::lab::{Lab, PATIENCE, assert_succeeded};

fn rename(name: &str) -> Change {
    Change::ChangeLoadBalancer(LoadBalancerChange::Name(name.to_owned()))
}

#[tokio::test]
async fn an_old_plan_is_refused() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let old = lab.batch_on("uid-1", &id, vec![rename("old")]);
    let new = lab.batch_on("uid-1", &id, vec![rename("new")]);
    assert_succeeded(&lab.execute(&new).await);
    for repeated in [&old, &new] {
        let status = lab.try_execute(repeated).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::FailedPrecondition, "{status}");
    }
    // Another Service has plans of its own.
    let mut other = old.clone();
    other.service = clb_model::ServiceUid::new("uid-2").unwrap();
    assert_succeeded(&lab.execute(&other).await);
}

#[tokio::test]
async fn a_newer_plan_stops_the_running_one_after_its_operation_and_takes_the_place_of_a_waiting_one() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let hold = Fault::next(FaultKind::Hold).of("SetLoadBalancerName");
    lab.sim.cloud().order_fault(hold);
    let running = lab.batch_on("uid-1", &id, vec![rename("one"), rename("two")]);
    let waiting = lab.batch_on("uid-1", &id, vec![rename("three")]);
    let newest = lab.batch_on("uid-1", &id, vec![rename("four")]);

    let then = async {
        lab.faults_have_come().await;
        // The newest one comes when that is waiting; its place taken, that ends before the running one's call does.
        let newest = async {
            lab.batches_run(2).await;
            lab.execute(&newest).await
        };
        let waiting = async {
            let results = lab.execute(&waiting).await;
            lab.sim.cloud().clear_faults();
            results
        };
        tokio::join!(waiting, newest)
    };
    let (running, (waiting, newest)) = tokio::join!(lab.execute(&running), then);
    assert!(running[0].outcome.succeeded(), "{running:?}");
    assert!(matches!(running[1].outcome, Outcome::Superseded), "{running:?}");
    assert!(matches!(waiting[0].outcome, Outcome::Superseded), "{waiting:?}");
    assert_succeeded(&newest);
    let state = lab.account.load_balancer(id.as_str()).unwrap();
    assert_eq!(state["LoadBalancerName"], "four");
}

#[tokio::test]
async fn a_removal_that_is_no_longer_good_is_dropped() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let listener = "tcp:80".parse().unwrap();
    let mut batch = lab.batch_on("uid-1", &id, vec![Change::DeleteListener { listener }]);
    batch.operations[0].good_for = Some(Duration::ZERO);
    let results = lab.execute(&batch).await;
    assert!(matches!(results[0].outcome, Outcome::Expired), "{results:?}");
    assert_eq!(lab.calls("DeleteLoadBalancerListener"), 0);
}

#[tokio::test]
async fn only_a_planner_may_call() {
    use clb_proto::actuator::v1;
    let lab = Lab::start().await;
    let status = lab.inspect_as(None).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unauthenticated, "{status}");
    let watcher = clb_tls::PeerIdentity::Watcher(clb_model::ClusterId::new("c-lab").unwrap());
    let status = lab.inspect_as(Some(&watcher)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied, "{status}");
    let facts: v1::InspectResponse = lab
        .inspect_as(Some(&clb_tls::PeerIdentity::Planner))
        .await
        .unwrap();
    let certificates: Vec<&str> = facts.certificates.iter().map(|fact| fact.id.as_str()).collect();
    assert_eq!(certificates, ["cert-a"]);
    assert_eq!(facts.acl_ids, ["acl-1"]);
    let vswitches: Vec<&str> = facts.vswitches.iter().map(|fact| fact.id.as_str()).collect();
    assert_eq!(vswitches, ["vsw-k"]);
    let of_ipv6 = facts
        .zone_pairs
        .iter()
        .filter(|pair| pair.ip_version == "ipv6" && pair.master_zone_id == "cn-hangzhou-k");
    let kinds: std::collections::BTreeSet<&str> = of_ipv6.map(|pair| pair.address_type.as_str()).collect();
    assert_eq!(kinds, ["internet"].into());
}

#[tokio::test]
async fn there_is_a_bound_on_batches_and_one_more_is_refused() {
    let lab = Lab::with("batches: 1\ncall_timeout: 1m", |_| {}).await;
    let (id, _) = lab.create("uid-1").await;
    let hold = Fault::next(FaultKind::Hold).of("SetLoadBalancerName");
    lab.sim.cloud().order_fault(hold);
    let running = lab.batch_on("uid-1", &id, vec![rename("one")]);
    let refused = lab.batch_on("uid-2", &id, vec![rename("two")]);
    let then = async {
        lab.faults_have_come().await;
        let status = lab.try_execute(&refused).await.unwrap_err();
        lab.sim.cloud().clear_faults();
        status
    };
    let (running, status) = tokio::join!(lab.execute(&running), then);
    assert_succeeded(&running);
    assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status}");
}

#[tokio::test]
async fn hundreds_that_wait_for_a_limit_hold_up_no_other() {
    let limits = "limits: [{action: '*', calls: 1000000, burst: 100000}, {action: CreateVServerGroup, calls: 2, window: 1h}]";
    let lab = Lab::with(limits, |_| {}).await;
    let (id, _) = lab.create("uid-1").await;
    let wait_for_ever = (0..250).map(|number| {
        let group = crate::lab::group(&format!("k8s/{number}/a/b/c-lab"), Vec::new());
        let mut batch = lab.batch_on(&format!("uid-waits-{number}"), &id, vec![group]);
        batch.deadline = 2 * PATIENCE;
        let lab = &lab;
        async move { lab.try_execute(&batch).await }
    });
    let urgent = async {
        lab.batches_run(250).await;
        lab.execute(&lab.batch_on("uid-1", &id, vec![rename("urgent")]))
            .await
    };
    tokio::select! {
        results = urgent => assert_succeeded(&results),
        _ = futures::future::join_all(wait_for_ever) => panic!("the waiting ones ended first"),
    }
}
