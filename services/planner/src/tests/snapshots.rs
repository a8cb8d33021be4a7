//! What watchers say: admission, snapshots, deltas, freshness.

use std::time::Duration;

use clb_model::directive::FinalizerAction;
use clb_proto::snapshot::v1;
use clb_proto::snapshot::v1::sync_request::Message as Up;
use clb_wire::snapshot::ResumePoint;
use tonic::Code;

use super::bench::{Bench, CLUSTER};
use super::fake_actuator::load_balancer;
use super::fake_watcher::{FakeWatcher, annotated, deleting, hello, service, uid, with_finalizer};
use clb_model::marks;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_snapshot_counts_only_after_its_commit() {
    let bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.stage(&[service("web")]).await;
    watcher.hears_no_directive_for(MINUTE).await;
    assert!(bench.actuator.interests().is_empty());
    let before = bench.describe().await;
    assert!(before.cluster.connected && !before.cluster.committed && before.services.is_empty());

    watcher.commit().await;
    let directive = watcher.directive().await;
    assert_eq!(directive.uid, uid("web"));
    assert_eq!(directive.writes.finalizer, FinalizerAction::Present);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_with_another_digest_or_count_is_asked_for_again() {
    let bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.stage(&[service("web")]).await;
    watcher
        .say(Up::Commit(v1::SnapshotCommit {
            count: 1,
            digest: vec![0; 32],
        }))
        .await;
    assert!(watcher.resync().await.contains("digest"));

    watcher.stage(&[service("web")]).await;
    watcher
        .say(Up::Commit(v1::SnapshotCommit {
            count: 2,
            digest: vec![0; 32],
        }))
        .await;
    assert!(watcher.resync().await.contains("2 objects"));
    assert!(bench.describe().await.services.is_empty());

    watcher.snapshot(&[service("web")]).await;
    assert_eq!(bench.describe().await.services.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_gap_between_deltas_is_asked_about_and_changes_nothing() {
    let bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[]).await;
    let mut lost = watcher.delta(Vec::new(), Vec::new());
    lost.sequence += 1;
    watcher.say(Up::Delta(lost)).await;
    assert!(watcher.resync().await.contains("delta 3 came where 2"));
    // What was on its way before the watcher heard is not looked at.
    watcher.upsert(&service("web")).await;
    watcher.hears_no_directive_for(MINUTE).await;
    assert!(bench.describe().await.services.is_empty());

    watcher.snapshot(&[service("web")]).await;
    assert_eq!(bench.describe().await.services.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delta_with_another_digest_is_not_taken_over() {
    let bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[service("web")]).await;
    let mut spoilt = watcher.delta(Vec::new(), Vec::new());
    spoilt.digest = vec![1; 32];
    watcher.say(Up::Delta(spoilt)).await;
    assert!(watcher.resync().await.contains("digest"));
}

#[tokio::test(start_paused = true)]
async fn the_deletion_of_a_service_of_the_same_name_leaves_the_new_one() {
    let bench = Bench::start();
    let mut watcher = bench.watcher().await;
    let mut again = service("web");
    again.uid = uid("web-again");
    watcher.snapshot(&[again]).await;
    let before = watcher.sequence();
    // An old deletion is replayed. The watcher itself still holds the new Service.
    let deletion = v1::ObjectDeletion {
        kind: v1::ObjectKind::Service.into(),
        key: "default/web".to_owned(),
        uid: uid("web").to_string(),
        trace: None,
    };
    let delta = watcher.delta(Vec::new(), vec![deletion]);
    watcher.say(Up::Delta(delta)).await;
    assert_eq!(watcher.acknowledged().await, before + 1);
    let services = bench.describe().await.services;
    assert_eq!(services[0].uid, uid("web-again").to_string());
}

#[tokio::test(start_paused = true)]
async fn an_older_epoch_is_refused_and_a_newer_one_takes_over() {
    let bench = Bench::start();
    let mut current = bench.open(CLUSTER, 5).await.unwrap();
    current.welcome().await;
    current.snapshot(&[service("web")]).await;

    let mut old = bench.open(CLUSTER, 4).await.unwrap();
    let refusal = old.hear().await.unwrap_err();
    assert_eq!(refusal.code(), Code::FailedPrecondition);
    assert!(refusal.message().contains("older"), "{refusal}");
    current.upsert(&annotated(service("web"), "a", "b")).await;
    current.acknowledged().await;

    let mut new = bench.open(CLUSTER, 6).await.unwrap();
    new.welcome().await;
    let ended = loop {
        match current.hear().await {
            Err(status) => break status,
            Ok(Some(_)) => {}
            Ok(None) => panic!("the old stream ended without a reason"),
        }
    };
    assert_eq!(ended.code(), Code::Aborted);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_cluster_and_a_nameless_one_are_refused() {
    let bench = Bench::start();
    let refusal = bench.open("c-other", 1).await.unwrap_err();
    assert_eq!(refusal.code(), Code::NotFound);
    assert!(refusal.message().contains("c-other"), "{refusal}");
    let refusal = bench.open("no valid id", 1).await.unwrap_err();
    assert_eq!(refusal.code(), Code::Unauthenticated);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_of_another_protocol_is_told_what_is_spoken() {
    let bench = Bench::start();
    let mut newer = hello(1);
    newer.protocols = 7..=9;
    let mut watcher = FakeWatcher::open(bench.channel(), CLUSTER, &newer).await.unwrap();
    let refusal = watcher.hear().await.unwrap_err();
    assert_eq!(refusal.code(), Code::FailedPrecondition);
    assert!(refusal.message().contains("7 to 9"), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn a_watcher_goes_on_from_where_it_was_acknowledged() {
    let bench = Bench::start();
    let mut first = bench.watcher().await;
    first.snapshot(&[service("web")]).await;
    let mut resuming = hello(1);
    resuming.resume = Some(ResumePoint {
        epoch: resuming.epoch,
        sequence: first.sequence(),
    });
    let held = first.end();
    bench.is_disconnected().await;

    let mut second = FakeWatcher::open(bench.channel(), CLUSTER, &resuming)
        .await
        .unwrap();
    let welcome = second.welcome().await;
    assert!(!welcome.full_snapshot);
    assert_eq!(
        Some(welcome.sequence),
        resuming.resume.map(|point| point.sequence)
    );
    second.go_on_from(held);
    second.upsert(&service("api")).await;
    second.acknowledged().await;
    let description = bench.describe().await;
    assert_eq!(description.services.len(), 2);
    assert_eq!(description.cluster.frozen, "");
}

#[tokio::test(start_paused = true)]
async fn nobody_goes_on_while_the_old_stream_may_still_speak() {
    let bench = Bench::start();
    let mut first = bench.watcher().await;
    first.snapshot(&[service("web")]).await;
    let mut resuming = hello(1);
    resuming.resume = Some(ResumePoint {
        epoch: resuming.epoch,
        sequence: first.sequence(),
    });
    let mut second = FakeWatcher::open(bench.channel(), CLUSTER, &resuming)
        .await
        .unwrap();
    assert!(second.welcome().await.full_snapshot);
    let frozen = bench.describe().await.cluster.frozen;
    assert!(frozen.contains("full snapshot"), "{frozen}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_cluster_is_frozen_and_removes_nothing_until_it_is_heard_again() {
    let mut bench = Bench::start();
    let web = with_finalizer(service("web"));
    bench
        .actuator
        .put(load_balancer("lb-1", "web", &marks::default_name(&web.uid)));
    let mut watcher = bench.watcher().await;
    watcher.snapshot(std::slice::from_ref(&web)).await;
    watcher.directive().await;

    // The watcher speaks, but its own watches are old.
    watcher.heartbeat(Duration::from_secs(40)).await;
    watcher.upsert(&deleting(web)).await;
    bench.gives_no_batch_for(Duration::from_secs(20)).await;
    let frozen = bench.describe().await.cluster.frozen;
    assert!(frozen.contains("stale"), "{frozen}");
    assert!(bench.health.is_ready());
    assert!(
        bench.health.report().contains("stale"),
        "{}",
        bench.health.report()
    );

    watcher.heartbeat(Duration::ZERO).await;
    bench.batch().await.succeed().await;
    assert_eq!(bench.describe().await.cluster.frozen, "");
    assert_eq!(
        watcher.directive().await.writes.finalizer,
        FinalizerAction::Absent
    );
}

#[tokio::test(start_paused = true)]
async fn a_disconnected_cluster_is_frozen() {
    let bench = Bench::start();
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[service("web")]).await;
    drop(watcher);
    bench.is_disconnected().await;
    let frozen = bench.describe().await.cluster.frozen;
    assert!(frozen.contains("no watcher"), "{frozen}");
    // Another watcher may be about to take over; after a while it is worth a warning.
    assert!(bench.health.report().contains("[+]cluster ok"));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let report = bench.health.report();
    assert!(report.contains("[-]cluster failed: no watcher"), "{report}");
    assert_eq!(bench.describe().await.services.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn absence_from_a_snapshot_forgets_and_deletes_nothing() {
    let mut bench = Bench::start();
    let web = with_finalizer(service("web"));
    bench
        .actuator
        .put(load_balancer("lb-1", "web", &marks::default_name(&web.uid)));
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[web]).await;
    watcher.directive().await;
    assert_eq!(bench.actuator.interests(), [uid("web").to_string()]);
    watcher.snapshot(&[]).await;
    bench.gives_no_batch_for(MINUTE).await;
    assert!(bench.describe().await.services.is_empty());
    assert!(bench.actuator.interests().is_empty());
}
