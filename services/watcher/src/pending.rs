//! What has changed and has not been sent yet: a set of keys with a time for each, so that memory follows the size of the cluster
//! and not how often things change. The state itself stays in the stores; when its time has come, a key is sent with what the
//! stores hold then.

use std::collections::HashMap;
use std::time::Duration;

use clb_wire::records::ObjectKey;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::Span;

/// How long changes are collected before they are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Debounce {
    /// A Service's endpoints.
    pub(crate) endpoints: Duration,
    /// A Service itself.
    pub(crate) services: Duration,
    /// Nodes that leave or stop being backends.
    pub(crate) nodes_leaving: Duration,
    /// Nodes that come, until none has come for this long …
    pub(crate) nodes_joining_quiet: Duration,
    /// … but no longer than this after the first.
    pub(crate) nodes_joining_max: Duration,
}

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Endpoints of a Service.
    Endpoints,
    /// A Service.
    Service,
    /// A Node that leaves or stops being a backend.
    NodeLeaves,
    /// A Node that comes, or changes in another way. An early Add is paid for twice, so these wait for each other.
    NodeJoins,
}

#[derive(Debug)]
struct Entry {
    urgency: Urgency,
    /// None: together with the joining nodes.
    due: Option<Instant>,
    span: Span,
}

#[derive(Debug, Clone, Copy)]
struct Joining {
    first: Instant,
    last: Instant,
}

/// A key whose time has come.
#[derive(Debug)]
pub(crate) struct Due {
    /// What changed.
    pub(crate) key: ObjectKey,
    /// The change's span; it ends when this is dropped.
    pub(crate) span: Span,
    urgency: Urgency,
}

/// The set. Time is passed in.
#[derive(Debug)]
pub(crate) struct DirtySet {
    debounce: Debounce,
    entries: HashMap<ObjectKey, Entry>,
    joining: Option<Joining>,
    /// The earliest time of an entry that has one.
    earliest: Option<Instant>,
}

impl DirtySet {
    /// Empty.
    pub(crate) fn new(debounce: Debounce) -> Self {
        Self {
            debounce,
            entries: HashMap::new(),
            joining: None,
            earliest: None,
        }
    }

    /// Notes a change. `span` is made only for a key that was clean: what comes on top belongs to the same change.
    pub(crate) fn mark(
        &mut self,
        key: ObjectKey,
        urgency: Urgency,
        now: Instant,
        span: impl FnOnce() -> Span,
    ) {
        let due = match urgency {
            Urgency::Endpoints => Some(now + self.debounce.endpoints),
            Urgency::Service => Some(now + self.debounce.services),
            Urgency::NodeLeaves => Some(now + self.debounce.nodes_leaving),
            Urgency::NodeJoins => {
                let first = self.joining.map_or(now, |joining| joining.first);
                self.joining = Some(Joining { first, last: now });
                None
            }
        };
        let entry = self.entries.entry(key).or_insert_with(|| Entry {
            urgency,
            due,
            span: span(),
        });
        // The first change's time stays, or changes that keep coming would never be sent.
        entry.due = [entry.due, due].into_iter().flatten().min();
        entry.urgency = entry.urgency.min(urgency);
        self.earliest = [self.earliest, entry.due].into_iter().flatten().min();
    }

    /// When the next key's time comes.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        [self.earliest, self.joining_due()].into_iter().flatten().min()
    }

    fn joining_due(&self) -> Option<Instant> {
        self.joining.map(|joining| {
            (joining.last + self.debounce.nodes_joining_quiet)
                .min(joining.first + self.debounce.nodes_joining_max)
        })
    }

    /// Takes every key whose time has come, the most urgent first.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<Due> {
        let joins = self.joining_due().is_some_and(|due| due <= now);
        if joins {
            self.joining = None;
        }
        // The first Node that leaves takes the others along: a removal of its own for each would have to be paid for.
        let leave = self
            .entries
            .values()
            .any(|entry| entry.urgency == Urgency::NodeLeaves && entry.due.is_some_and(|due| due <= now));
        let is_due = |entry: &Entry| {
            entry.due.map_or(joins, |due| due <= now) || leave && entry.urgency == Urgency::NodeLeaves
        };
        let mut taken: Vec<Due> = self
            .entries
            .extract_if(|_, entry| is_due(entry))
            .map(|(key, entry)| Due {
                key,
                span: entry.span,
                urgency: entry.urgency,
            })
            .collect();
        taken.sort_unstable_by(|a, b| (a.urgency, &a.key).cmp(&(b.urgency, &b.key)));
        self.earliest = self.entries.values().filter_map(|entry| entry.due).min();
        taken
    }

    /// Puts keys back for which there was no room; they are due at once.
    pub(crate) fn put_back(&mut self, left: impl IntoIterator<Item = Due>, now: Instant) {
        for due in left {
            self.entries.insert(
                due.key,
                Entry {
                    urgency: due.urgency,
                    due: Some(now),
                    span: due.span,
                },
            );
            self.earliest = Some(self.earliest.map_or(now, |earliest| earliest.min(now)));
        }
    }

    /// How many keys wait.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.joining = None;
        self.earliest = None;
    }
}

/// The set that the stores write to and the stream to the planner reads from. While nothing could be made of it, because the next
/// stream begins with a full snapshot anyway, nothing is collected.
#[derive(Debug)]
pub(crate) struct Feed {
    set: Mutex<DirtySet>,
    changed: Notify,
    listening: std::sync::atomic::AtomicBool,
}

impl Feed {
    /// Nobody listens yet.
    pub(crate) fn new(debounce: Debounce) -> Self {
        Self {
            set: Mutex::new(DirtySet::new(debounce)),
            changed: Notify::new(),
            listening: std::sync::atomic::AtomicBool::new(false),
        }
    }

    /// Forgets what has changed and collects from now on. Call it before the stores are read for a full snapshot.
    pub(crate) fn begin(&self) {
        let mut set = self.set.lock();
        set.clear();
        self.listening.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Stops collecting.
    pub(crate) fn end(&self) {
        let mut set = self.set.lock();
        set.clear();
        self.listening.store(false, std::sync::atomic::Ordering::Relaxed);
    }

    /// See [`DirtySet::mark`].
    pub(crate) fn mark(&self, key: ObjectKey, urgency: Urgency, span: impl FnOnce() -> Span) {
        let mut set = self.set.lock();
        if !self.listening.load(std::sync::atomic::Ordering::Relaxed) {
            return;
        }
        set.mark(key, urgency, Instant::now(), span);
        drop(set);
        self.changed.notify_one();
    }

    /// Waits until the time of at least one key has come.
    pub(crate) async fn wait_due(&self) {
        loop {
            let next = self.set.lock().next_due();
            match next {
                None => self.changed.notified().await,
                Some(due) => tokio::select! {
                    () = tokio::time::sleep_until(due) => return,
                    () = self.changed.notified() => {}
                },
            }
        }
    }

    /// See [`DirtySet::take_due`].
    pub(crate) fn take_due(&self) -> Vec<Due> {
        self.set.lock().take_due(Instant::now())
    }

    /// See [`DirtySet::put_back`].
    pub(crate) fn put_back(&self, left: impl IntoIterator<Item = Due>) {
        self.set.lock().put_back(left, Instant::now());
        self.changed.notify_one();
    }

    /// How many keys wait.
    pub(crate) fn len(&self) -> usize {
        self.set.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clb_model::ServiceKey;

    use super::*;

    const DEBOUNCE: Debounce = Debounce {
        endpoints: Duration::from_millis(100),
        services: Duration::from_millis(500),
        nodes_leaving: Duration::from_secs(2),
        nodes_joining_quiet: Duration::from_secs(2),
        nodes_joining_max: Duration::from_secs(15),
    };

    fn service(name: &str) -> ObjectKey {
        ObjectKey::Service(ServiceKey::new("default", name))
    }

    fn node(name: &str) -> ObjectKey {
        ObjectKey::Node(name.to_owned())
    }

    struct Bench {
        set: DirtySet,
        start: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                set: DirtySet::new(DEBOUNCE),
                start: Instant::now(),
            }
        }

        fn at(&self, milliseconds: u64) -> Instant {
            self.start + Duration::from_millis(milliseconds)
        }

        fn mark(&mut self, milliseconds: u64, key: ObjectKey, urgency: Urgency) {
            let now = self.at(milliseconds);
            self.set.mark(key, urgency, now, Span::none);
        }

        fn due_ms(&self) -> Option<u128> {
            self.set.next_due().map(|due| (due - self.start).as_millis())
        }

        fn take(&mut self, milliseconds: u64) -> Vec<ObjectKey> {
            let now = self.at(milliseconds);
            self.set.take_due(now).into_iter().map(|due| due.key).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn endpoints_do_not_wait_behind_the_others() {
        let mut bench = Bench::new();
        bench.mark(0, node("n1"), Urgency::NodeLeaves);
        bench.mark(0, service("slow"), Urgency::Service);
        bench.mark(50, service("fast"), Urgency::Endpoints);
        assert_eq!(bench.due_ms(), Some(150));
        assert_eq!(bench.take(150), [service("fast")]);
        assert_eq!(bench.due_ms(), Some(500));
        assert_eq!(bench.take(2000), [service("slow"), node("n1")]);
        assert_eq!(bench.due_ms(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn changes_that_keep_coming_put_nothing_off() {
        let mut bench = Bench::new();
        for milliseconds in [0, 40, 80] {
            bench.mark(milliseconds, service("a"), Urgency::Endpoints);
        }
        assert_eq!(bench.due_ms(), Some(100));
        assert_eq!(bench.take(100), [service("a")]);
        assert_eq!(bench.set.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn endpoints_speed_up_a_service_that_waits() {
        let mut bench = Bench::new();
        bench.mark(0, service("a"), Urgency::Service);
        bench.mark(10, service("a"), Urgency::Endpoints);
        bench.mark(20, service("a"), Urgency::Service);
        assert_eq!(bench.due_ms(), Some(110));
    }

    #[tokio::test(start_paused = true)]
    async fn joining_nodes_wait_for_each_other_but_not_for_ever() {
        let mut bench = Bench::new();
        bench.mark(0, node("n0"), Urgency::NodeJoins);
        bench.mark(1500, node("n1"), Urgency::NodeJoins);
        assert_eq!(bench.due_ms(), Some(3500));
        for n in 2..12 {
            bench.mark(n * 1500, node(&format!("n{n}")), Urgency::NodeJoins);
        }
        assert_eq!(bench.due_ms(), Some(15_000));
        assert_eq!(bench.take(14_999), []);
        assert_eq!(bench.take(15_000).len(), 12);
        assert_eq!(bench.due_ms(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_joined_and_leaves_again_does_not_wait_with_those_that_join() {
        let mut bench = Bench::new();
        bench.mark(0, node("n1"), Urgency::NodeJoins);
        bench.mark(1900, node("n2"), Urgency::NodeJoins);
        bench.mark(1950, node("n1"), Urgency::NodeLeaves);
        assert_eq!(bench.take(3900), [node("n2")]);
        assert_eq!(bench.take(3950), [node("n1")]);
    }

    #[tokio::test(start_paused = true)]
    async fn nodes_that_leave_go_with_the_first_of_them() {
        let mut bench = Bench::new();
        for n in 0..10 {
            bench.mark(n * 10, node(&format!("n{n}")), Urgency::NodeLeaves);
        }
        bench.mark(50, service("a"), Urgency::Service);
        assert_eq!(bench.take(550), [service("a")]);
        assert_eq!(bench.take(1999), []);
        assert_eq!(bench.take(2000).len(), 10);
        assert_eq!(bench.due_ms(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_put_back_is_due_at_once() {
        let mut bench = Bench::new();
        bench.mark(0, service("a"), Urgency::Endpoints);
        let now = bench.at(100);
        let due = bench.set.take_due(now);
        bench.set.put_back(due, now);
        assert_eq!(bench.due_ms(), Some(100));
        assert_eq!(bench.take(100), [service("a")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_feed_wakes_its_reader_when_the_first_time_has_come() {
        let feed = Arc::new(Feed::new(DEBOUNCE));
        feed.mark(service("before"), Urgency::Endpoints, Span::none);
        feed.begin();
        assert_eq!(feed.len(), 0, "nobody listened");
        let start = Instant::now();
        let waiting = tokio::spawn({
            let feed = feed.clone();
            async move {
                feed.wait_due().await;
                start.elapsed()
            }
        });
        tokio::task::yield_now().await;
        feed.mark(service("a"), Urgency::Service, Span::none);
        feed.mark(service("b"), Urgency::Endpoints, Span::none);
        assert_eq!(waiting.await.unwrap().as_millis(), 100);
        assert_eq!(feed.take_due().len(), 1);
    }
}
