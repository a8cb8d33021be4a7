//! The actuator's Watch stream: breaks, reconnects, what is planned meanwhile.

use std::time::Duration;

use clb_model::marks;
use clb_proto::planner::v1::ServiceState;

use super::bench::Bench;
use super::fake_actuator::load_balancer;
use super::fake_core::WANTED_NAME;
use super::fake_watcher::{annotated, service, uid, with_finalizer};

#[tokio::test(start_paused = true)]
async fn a_broken_stream_is_opened_again_with_all_interests() {
    let mut bench = Bench::start();
    let web = with_finalizer(service("web"));
    bench
        .actuator
        .put(load_balancer("lb-1", "web", &marks::default_name(&web.uid)));
    let mut watcher = bench.watcher().await;
    watcher.snapshot(std::slice::from_ref(&web)).await;
    bench.reaches(ServiceState::Converged).await;

    bench.actuator.break_streams();
    watcher.upsert(&annotated(web, WANTED_NAME, "renamed")).await;
    // Only a stream that shows the CLB again allows a plan.
    let execution = bench.batch().await;
    assert_eq!(bench.actuator.watch_streams(), 2);
    assert_eq!(bench.actuator.interests(), [uid("web").to_string()]);
    execution.succeed().await;
    bench.reaches(ServiceState::Converged).await;
}

#[tokio::test(start_paused = true)]
async fn an_actuator_that_is_away_is_shown_and_does_not_make_the_planner_unready() {
    let bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(
        bench.health.report().contains("[+]actuator ok"),
        "{}",
        bench.health.report()
    );
    bench.actuator.break_streams();
    let shown = async {
        while !bench.health.report().contains("[-]actuator failed") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), shown).await.unwrap();
    assert!(bench.health.is_ready());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(
        bench.health.report().contains("[+]actuator ok"),
        "{}",
        bench.health.report()
    );
}

#[tokio::test(start_paused = true)]
async fn a_clb_that_is_taken_away_by_hand_is_noticed() {
    let mut bench = Bench::start();
    let web = with_finalizer(service("web"));
    let found = load_balancer("lb-9", "web", &marks::default_name(&web.uid));
    let id = found.id.clone();
    bench.actuator.put(found);
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[web]).await;
    bench.reaches(ServiceState::Converged).await;
    bench.actuator.remove(&id);
    assert_eq!(bench.batch().await.batch.load_balancer, None);
}
