//! The end: calls in flight finish, streams end, nothing new begins.

use std::sync::Arc;
use std::time::Duration;

use clb_model::operation::{Change, LoadBalancerChange, Outcome};
use clb_tls::PeerIdentity;
use clb_wire::actuator::MirrorUpdate;
use cloud_sim::{Fault, FaultKind};
use tokio::sync::Notify;

use crate::lab::Lab;

fn rename(name: &str) -> Change {
    Change::ChangeLoadBalancer(LoadBalancerChange::Name(name.to_owned()))
}

#[tokio::test]
async fn the_current_operation_finishes_and_the_others_are_skipped() {
    let lab = Lab::start().await;
    let (id, _) = lab.create("uid-1").await;
    let hold = Fault::next(FaultKind::Hold).of("SetLoadBalancerName");
    lab.sim.cloud().order_fault(hold);
    let mut watch = lab.watch().await;
    let batch = lab.batch_on("uid-1", &id, vec![rename("one"), rename("two")]);
    let stop = async {
        lab.faults_have_come().await;
        lab.shut_down();
        lab.sim.cloud().clear_faults();
    };
    let (results, ()) = tokio::join!(lab.execute(&batch), stop);
    assert!(
        matches!(results[0].outcome, Outcome::Applied { .. }),
        "{results:?}"
    );
    let Outcome::Skipped { by } = &results[1].outcome else {
        panic!("{results:?}");
    };
    assert!(by.contains("shutting down"), "{by}");
    let status = watch.end().await;
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
    lab.ended().await;
    assert!(
        lab.try_execute(&lab.batch_on("uid-1", &id, vec![]))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_planner_that_never_says_for_which_cluster_is_told_of_the_end() {
    let lab = Lab::start().await;
    // The connection is there; a request that is on its way on it is still served.
    lab.inspect_as(Some(&PeerIdentity::Planner)).await.unwrap();
    let sent = Arc::new(Notify::new());
    let stop = async {
        sent.notified().await;
        lab.shut_down();
    };
    let (status, ()) = tokio::join!(lab.watch_in_silence(Arc::clone(&sent)), stop);
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
    assert!(status.message().contains("shutting down"), "{status}");
    lab.ended().await;
}

#[tokio::test]
async fn a_planner_that_does_not_read_holds_up_no_end() {
    let lab = Lab::with(
        "shutdown_grace: 1s\nlimits: [{action: '*', calls: 1000000, burst: 100000}]",
        |_| {},
    )
    .await;
    let mut watch = lab.watch().await;
    while watch.next().await != MirrorUpdate::Synced {}
    watch.interested_in_many(50_000).await;
    // Until the answers fill everything between.
    tokio::time::sleep(Duration::from_secs(2)).await;
    lab.shut_down();
    lab.ended().await;
    drop(watch);
}
