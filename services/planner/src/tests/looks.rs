//! Another look at a CLB that holds a Service up: before anybody is told, when the Service changes, and now and then.

use std::time::Duration;

use clb_model::directive::DirectiveOutcome;
use clb_model::marks;

use super::bench::Bench;
use super::fake_actuator::load_balancer;
use super::fake_core::IN_DOUBT;
use super::fake_watcher::{annotated, service, with_finalizer};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_person_is_told_after_another_look_and_endpoints_ask_for_none() {
    let bench = Bench::start();
    let web = with_finalizer(service("web"));
    bench
        .actuator
        .put(load_balancer("lb-1", "web", &marks::default_name(&web.uid)));
    let mut watcher = bench.watcher().await;
    let doubtful = |text: &str| annotated(web.clone(), IN_DOUBT, text);
    watcher.snapshot(&[doubtful("one")]).await;
    watcher.hears_no_directive_for(Duration::from_secs(1)).await;
    assert_eq!(bench.actuator.looks(), 1);
    bench.actuator.looked();
    let told = watcher.directive().await;
    assert_eq!(told.writes.events[0].message, "one");
    watcher.answer(&told, DirectiveOutcome::Done).await;

    // What changes without the user is no reason for another look.
    let mut other = doubtful("one");
    other.endpoints.clear();
    other.resource_version.push('1');
    watcher.upsert(&other).await;
    let at_once = watcher.directive().await;
    assert_eq!(at_once.writes.events[0].message, "one");
    watcher.answer(&at_once, DirectiveOutcome::Done).await;
    assert_eq!(bench.actuator.looks(), 1);

    // The user's change is; where no look comes it is told all the same.
    watcher.upsert(&doubtful("two")).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(watcher.directive().await.writes.events[0].message, "two");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(bench.actuator.looks(), 2);
}

#[tokio::test(start_paused = true)]
async fn looks_come_later_and_later_and_end_with_the_trouble() {
    let bench = Bench::start();
    let web = with_finalizer(service("web"));
    bench
        .actuator
        .put(load_balancer("lb-1", "web", &marks::default_name(&web.uid)));
    let mut watcher = bench.watcher().await;
    watcher.snapshot(&[annotated(web.clone(), IN_DOUBT, "yes")]).await;
    let mut looks = Vec::new();
    for _ in 0..40 {
        for _ in 0..3 {
            watcher.heartbeat(Duration::ZERO).await;
            tokio::time::sleep(MINUTE / 12).await;
        }
        looks.push(bench.actuator.looks());
    }
    // Ten minutes: 5, 10, 20 … 300 s apart, each up to a half shorter.
    let (first, last) = (looks[3], looks[39]);
    assert!((3..=5).contains(&first), "{looks:?}");
    assert!((7..=10).contains(&last), "{looks:?}");
    watcher.upsert(&web).await;
    for _ in 0..20 {
        watcher.heartbeat(Duration::ZERO).await;
        tokio::time::sleep(MINUTE / 4).await;
    }
    assert_eq!(bench.actuator.looks(), last);
}
