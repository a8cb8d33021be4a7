use clb_settings::from_yaml;

use super::*;

const ACTION: &str = "CreateVServerGroup";

fn limits(entry: &str, queue: usize) -> Arc<Limits> {
    let text = format!(
        "insecure: true\nlimit_share_percent: 100\nclusters: [{{id: c, region: r, vpc_ids: [vpc-1]}}]\nlimits: [{entry}]\n"
    );
    let settings = from_yaml(&text).unwrap();
    let metrics = ActuatorMetrics::new(&clb_telemetry::Metrics::new("actuator")).unwrap();
    Limits::new(
        "r",
        Table::new(&settings),
        queue,
        metrics,
        TaskTracker::new(),
        CancellationToken::new(),
    )
}

fn asker(cluster: &str, priority: Priority) -> Asker {
    Asker {
        cluster: cluster.to_owned(),
        priority,
    }
}

fn in_seconds(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_limit_wait_for_the_window() {
    let limits = limits(
        "{action: CreateVServerGroup, calls: 2, window: 10s, burst: 2}",
        10,
    );
    let asker = asker("a", Priority::Normal);
    let start = Instant::now();
    for _ in 0..2 {
        limits
            .acquire(ACTION, &asker, in_seconds(60))
            .await
            .unwrap()
            .spend();
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    limits
        .acquire(ACTION, &asker, in_seconds(60))
        .await
        .unwrap()
        .spend();
    assert!(
        start.elapsed() >= Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_not_spent_goes_to_the_next() {
    let limits = limits("{action: CreateVServerGroup, calls: 1, window: 1h, burst: 1}", 10);
    let asker = asker("a", Priority::Normal);
    let permit = limits.acquire(ACTION, &asker, in_seconds(1)).await.unwrap();
    let waiting = tokio::spawn({
        let (limits, asker) = (Arc::clone(&limits), asker.clone());
        async move { limits.acquire(ACTION, &asker, in_seconds(60)).await }
    });
    tokio::task::yield_now().await;
    drop(permit);
    waiting.await.unwrap().unwrap().spend();
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_wait_and_says_when_to_come_back() {
    let limits = limits(
        "{action: CreateVServerGroup, calls: 1, window: 100s, burst: 1}",
        10,
    );
    let asker = asker("a", Priority::Normal);
    limits
        .acquire(ACTION, &asker, in_seconds(1))
        .await
        .unwrap()
        .spend();
    let refused = limits.acquire(ACTION, &asker, in_seconds(5)).await.unwrap_err();
    assert!(matches!(refused, NoPermit::TooLate { .. }), "{refused}");
    assert!(refused.retry_after() > Duration::from_secs(90), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn the_queue_has_a_bound() {
    let limits = limits(
        "{action: CreateVServerGroup, calls: 1, window: 100s, burst: 1}",
        1,
    );
    let asker = asker("a", Priority::Normal);
    limits
        .acquire(ACTION, &asker, in_seconds(1))
        .await
        .unwrap()
        .spend();
    let waiting = tokio::spawn({
        let (limits, asker) = (Arc::clone(&limits), asker.clone());
        async move {
            limits
                .acquire(ACTION, &asker, in_seconds(500))
                .await
                .map(Permit::spend)
        }
    });
    tokio::task::yield_now().await;
    let refused = limits.acquire(ACTION, &asker, in_seconds(500)).await.unwrap_err();
    assert!(
        matches!(refused, NoPermit::QueueFull { length: 1, .. }),
        "{refused}"
    );
    waiting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn those_who_have_gone_away_take_no_place() {
    let limits = limits("{action: CreateVServerGroup, calls: 1, window: 10s, burst: 1}", 3);
    let asker = asker("a", Priority::Normal);
    let deadline = in_seconds(1000);
    limits.acquire(ACTION, &asker, deadline).await.unwrap().spend();
    for _ in 0..50 {
        // As a batch does that a newer plan has superseded.
        let gone = tokio::time::timeout(Duration::ZERO, limits.acquire(ACTION, &asker, deadline)).await;
        assert!(gone.is_err());
        assert_eq!(limits.bucket(ACTION).state.lock().queue.len(), 0);
    }
    let start = Instant::now();
    limits.acquire(ACTION, &asker, deadline).await.unwrap().spend();
    assert!(
        start.elapsed() <= Duration::from_secs(11),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn throttling_of_the_cloud_pauses_the_action() {
    let limits = limits(
        "{action: CreateVServerGroup, calls: 100, window: 1s, burst: 100}",
        10,
    );
    let asker = asker("a", Priority::Normal);
    limits.throttled(ACTION);
    let start = Instant::now();
    limits
        .acquire(ACTION, &asker, in_seconds(60))
        .await
        .unwrap()
        .spend();
    assert!(start.elapsed() >= THROTTLED_PAUSE);
}

#[tokio::test(start_paused = true)]
async fn an_urgent_call_overtakes_waiting_ones() {
    let limits = limits(
        "{action: CreateVServerGroup, calls: 1, window: 10s, burst: 1}",
        10,
    );
    limits
        .acquire(ACTION, &asker("a", Priority::Normal), in_seconds(1))
        .await
        .unwrap()
        .spend();
    let start = Instant::now();
    let wait = |priority| {
        let limits = Arc::clone(&limits);
        tokio::spawn(async move {
            let permit = limits
                .acquire(ACTION, &asker("a", priority), in_seconds(100))
                .await;
            permit.unwrap().spend();
            start.elapsed()
        })
    };
    let normal = wait(Priority::Normal);
    tokio::task::yield_now().await;
    let urgent = wait(Priority::Urgent);
    assert!(urgent.await.unwrap() < normal.await.unwrap());
}
