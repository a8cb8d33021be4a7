//! Batches to the actuator and what follows from their results.

use std::time::Duration;

use clb_model::marks;
use clb_model::operation::{Change, Outcome};
use clb_proto::planner::v1::ServiceState;

use super::bench::Bench;
use super::fake_actuator::load_balancer;
use super::fake_core::{CERTIFICATE, WANTED_NAME};
use super::fake_watcher::{annotated, deleting, service, uid, with_finalizer};
use clb_model::directive::{DirectiveOutcome, FinalizerAction};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_service_gets_its_finalizer_then_its_clb_then_its_address() {
    let mut bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[service("web")]).await;
    let finalizer = watcher.directive().await;
    assert_eq!(finalizer.writes.finalizer, FinalizerAction::Present);
    watcher.answer(&finalizer, DirectiveOutcome::Done).await;
    bench.gives_no_batch_for(MINUTE / 4).await;

    watcher.upsert(&with_finalizer(service("web"))).await;
    let execution = bench.batch().await;
    assert_eq!(execution.batch.service, uid("web"));
    assert_eq!(execution.batch.plan.fencing.lease_created_ms, 1_700_000_000_000);
    assert!(matches!(
        execution.batch.operations[0].change,
        Change::CreateLoadBalancer(_)
    ));
    execution.succeed().await;
    let status = watcher.directive().await;
    assert_eq!(
        status.writes.ingress.unwrap()[0].ip.as_deref(),
        Some("203.0.113.7")
    );
    bench.reaches(ServiceState::Converged).await;
    assert_eq!(bench.describe().await.services[0].load_balancer_id, "lb-1");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_goes_loses_its_clb_before_its_finalizer() {
    let mut bench = Bench::start();
    let web = with_finalizer(service("web"));
    bench
        .actuator
        .put(load_balancer("lb-1", "web", &marks::default_name(&web.uid)));
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[deleting(web.clone())]).await;
    let execution = bench.batch().await;
    assert!(matches!(
        execution.batch.operations[0].change,
        Change::DeleteLoadBalancer
    ));
    execution.succeed().await;
    assert_eq!(
        watcher.directive().await.writes.finalizer,
        FinalizerAction::Absent
    );
    watcher.delete(&web).await;
    watcher.acknowledged().await;
    assert!(bench.describe().await.services.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_service_has_one_batch_under_way_and_then_gets_its_newest_state() {
    let mut bench = Bench::start();
    let web = with_finalizer(service("web"));
    bench
        .actuator
        .put(load_balancer("lb-1", "web", &marks::default_name(&web.uid)));
    let mut watcher = bench.watcher().await;
    let named = |name: &str| annotated(web.clone(), WANTED_NAME, name);
    watcher.snapshot(&[named("one")]).await;
    let first = bench.batch().await;
    for name in ["two", "three"] {
        watcher.upsert(&named(name)).await;
        watcher.acknowledged().await;
    }
    bench.gives_no_batch_for(Duration::from_secs(1)).await;
    let plan = first.batch.plan;
    first.succeed().await;
    let second = bench.batch().await;
    assert!(second.batch.plan > plan);
    let wanted = format!("{:?}", second.batch.operations[0].change);
    assert!(wanted.contains("three"), "{wanted}");
}

#[tokio::test(start_paused = true)]
async fn a_newer_plan_takes_the_place_of_a_batch_that_takes_long() {
    let mut bench = Bench::start();
    let web = with_finalizer(service("web"));
    bench
        .actuator
        .put(load_balancer("lb-1", "web", &marks::default_name(&web.uid)));
    let mut watcher = bench.watcher().await;
    let named = |name: &str| annotated(web.clone(), WANTED_NAME, name);
    watcher.snapshot(&[named("one")]).await;
    let first = bench.batch().await;
    // The same wish again is no reason.
    watcher.upsert(&annotated(named("one"), "touched", "yes")).await;
    bench.gives_no_batch_for(Duration::from_secs(10)).await;
    watcher.upsert(&named("two")).await;
    let second = bench.batch().await;
    assert!(second.batch.plan > first.batch.plan);
    first.end_with(Outcome::Superseded).await;
    bench.gives_no_batch_for(Duration::from_secs(10)).await;
    second.succeed().await;
    bench.reaches(ServiceState::Converged).await;
    bench.gives_no_batch_for(MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_waits_is_renewed_in_time_unless_the_cluster_is_frozen() {
    let mut bench = Bench::start();
    let web = with_finalizer(service("web"));
    bench
        .actuator
        .put(load_balancer("lb-1", "web", &marks::default_name(&web.uid)));
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[deleting(web)]).await;
    let first = bench.batch().await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    watcher.heartbeat(Duration::ZERO).await;
    // Good for 30 s, so renewed before.
    let second = bench.batch().await;
    assert!(second.batch.plan > first.batch.plan);
    assert_eq!(second.batch.operations, first.batch.operations);
    let second_operations = second.batch.operations.clone();
    first.end_with(Outcome::Superseded).await;
    // Nothing was heard since the 15th second, so from the 45th on it may run out.
    let third = bench.batch().await;
    second.end_with(Outcome::Superseded).await;
    assert_eq!(third.batch.operations, second_operations);
    bench.gives_no_batch_for(MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_planned_twice_while_the_mirror_lags_behind_the_results() {
    let mut bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[with_finalizer(service("web"))]).await;
    let execution = bench.batch().await;
    bench.actuator.be_silent(true);
    execution.succeed().await;
    bench.gives_no_batch_for(Duration::from_secs(5)).await;
    bench.actuator.be_silent(false);
    assert!(watcher.directive().await.writes.ingress.is_some());
    bench.gives_no_batch_for(MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_looked_up_in_the_mirror() {
    let mut bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[with_finalizer(service("web"))]).await;
    bench.batch().await.succeed_in_silence().await;
    // It was made, and the mirror says so: no second one.
    assert!(watcher.directive().await.writes.ingress.is_some());
    bench.gives_no_batch_for(MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn outcomes_that_are_no_success_are_planned_again_after_a_growing_wait() {
    let mut bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[with_finalizer(service("web"))]).await;
    let mut waits = Vec::new();
    for _ in 0..6 {
        let begun = tokio::time::Instant::now();
        let stale = Outcome::Stale {
            part: "instance".to_owned(),
        };
        bench.batch().await.end_with(stale).await;
        waits.push(begun.elapsed());
    }
    assert!(waits[5] > waits[1], "{waits:?}");
    let retry_after = Duration::from_secs(90);
    bench
        .batch()
        .await
        .end_with(Outcome::Throttled { retry_after })
        .await;
    bench.gives_no_batch_for(Duration::from_secs(89)).await;
    bench.batch().await.succeed().await;
    assert!(watcher.directive().await.writes.ingress.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_success_does_not_wait_for_earlier_failures() {
    for failures in [4, 12] {
        let mut bench = Bench::start();
        let web = with_finalizer(service("web"));
        bench
            .actuator
            .put(load_balancer("lb-1", "web", &marks::default_name(&web.uid)));
        let mut watcher = bench.watcher().await;
        watcher
            .snapshot(&[annotated(web.clone(), WANTED_NAME, "other")])
            .await;
        for _ in 0..failures {
            let stale = Outcome::Stale {
                part: "instance".to_owned(),
            };
            // A cluster that is heard of all the time: one that comes back plans everything anew.
            let execution = loop {
                tokio::select! {
                    execution = bench.batch() => break execution,
                    () = tokio::time::sleep(MINUTE / 6) => watcher.heartbeat(Duration::ZERO).await,
                }
            };
            execution.end_with(stale).await;
        }
        watcher.upsert(&deleting(web)).await;
        bench.batch().await.succeed().await;
        let deleted = tokio::time::Instant::now();
        assert_eq!(
            watcher.directive().await.writes.finalizer,
            FinalizerAction::Absent
        );
        // The next wait would be a second at least.
        assert!(deleted.elapsed() < MINUTE / 120, "{:?}", deleted.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_batches_are_under_way_than_configured_and_all_get_their_turn() {
    let mut bench = Bench::with_room_for(2);
    let services: Vec<_> = (0..7)
        .map(|number| with_finalizer(service(&format!("web-{number}"))))
        .collect();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&services).await;
    let mut under_way = vec![bench.batch().await, bench.batch().await];
    let mut served = std::collections::BTreeSet::new();
    while let Some(execution) = under_way.pop() {
        bench.gives_no_batch_for(Duration::from_secs(1)).await;
        served.insert(execution.batch.service.clone());
        execution.succeed().await;
        if served.len() + under_way.len() < services.len() {
            under_way.push(bench.batch().await);
        }
    }
    assert_eq!(served.len(), services.len());
}

#[tokio::test(start_paused = true)]
async fn a_question_is_asked_once_for_all_and_again_when_its_answer_is_old() {
    let mut bench = Bench::start();
    bench.actuator.put_certificate("cert-1");
    let asking = |name: &str| annotated(with_finalizer(service(name)), CERTIFICATE, "cert-1");
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[asking("a"), asking("b")]).await;
    bench.batch().await.succeed().await;
    bench.batch().await.succeed().await;
    assert_eq!(bench.actuator.inspections(), 1);
    tokio::time::sleep(2 * MINUTE).await;
    watcher.upsert(&annotated(asking("a"), "touched", "yes")).await;
    watcher.acknowledged().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.actuator.inspections(), 2);
}
