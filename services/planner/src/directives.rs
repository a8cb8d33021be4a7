//! Directives on their way to a cluster's watcher: the latest per Service waits, at most one per Service is out, what failed goes again.
//!
//! The cluster's task puts writes in ([`Outbox::offer`]), the newest session takes directives out ([`Outbox::take`]) and brings the results
//! ([`Outbox::settle`]). Memory follows the number of Services, however slow the stream is.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use clb_model::cluster::{PodRef, Service};
use clb_model::directive::{Directive, DirectiveOutcome, DirectiveResult, Event, FinalizerAction, Writes};
use clb_model::version::Tenure;
use clb_model::{ServiceKey, ServiceUid};
use clb_telemetry::TraceContext;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::backoff::Backoff;

/// A directive that failed goes again.
const RESEND: Backoff = Backoff {
    first: Duration::from_millis(500),
    most: Duration::from_secs(60),
};

/// A directive without a result by then goes again: the watcher has lost it.
const RESULT_DEADLINE: Duration = Duration::from_secs(60);

/// Events that wait for one Service; the oldest go first.
const EVENTS_KEPT: usize = 32;

/// The directives of one cluster.
#[derive(Debug)]
pub(crate) struct Outbox {
    fencing: Tenure,
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// The only stream that may take directives.
    stream: Option<u64>,
    last_id: u64,
    services: HashMap<ServiceUid, Entry>,
    ready: VecDeque<ServiceUid>,
    /// Resends and the deadlines of results. An entry may be out of date: it is looked at when it is due.
    timers: BTreeSet<(Instant, ServiceUid)>,
}

#[derive(Debug, Default)]
struct Entry {
    waiting: Option<Draft>,
    /// In `ready`.
    queued: bool,
    not_before: Option<Instant>,
    sent: Option<Sent>,
    expected: Option<Expected>,
    failures: u32,
}

/// What the Service has to show once it is newer than this.
#[derive(Debug)]
struct Expected {
    /// The resource version that all of it was made from.
    since: String,
    /// Without events.
    writes: Writes,
    /// Of the pass that wanted the last of it.
    trace: TraceContext,
}

#[derive(Debug, Clone)]
struct Draft {
    service: ServiceKey,
    /// The state of the Service that the writes were made from.
    resource_version: String,
    writes: Writes,
    trace: TraceContext,
}

#[derive(Debug)]
struct Sent {
    id: u64,
    draft: Draft,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No result yet; taken for lost at this time.
    Out { deadline: Instant },
    /// The watcher has written it, or found it written.
    Done,
}

/// What a session is to do next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Send this one.
    Send(Box<Directive>, TraceContext),
    /// Nothing until then, or until the outbox changes.
    Wait(Option<Instant>),
    /// Another stream has taken over.
    Replaced,
}

impl Outbox {
    /// Empty; every directive carries this fencing token.
    pub(crate) fn new(fencing: Tenure) -> Self {
        Self {
            fencing,
            inner: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// The latest writes for a Service, as of the state of it that they were made from. They replace what waits, whose events stay; what is
    /// already so or already sent is not sent again. Returns whether something waits now.
    pub(crate) fn offer(&self, service: &Service, mut writes: Writes, trace: TraceContext) -> bool {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        let entry = match inner.services.get_mut(&service.uid) {
            Some(entry) => entry,
            None if already_so(&writes, service) => return false,
            None => inner.services.entry(service.uid.clone()).or_default(),
        };
        if let Some(sent) = &mut entry.sent {
            // A gate that does not wait any more was set; it is sent again should it wait again, which the Service itself does not show.
            let gates = &mut sent.draft.writes.readiness_gates;
            gates.retain(|pod| writes.readiness_gates.contains(pod));
        }
        let sent = entry
            .sent
            .as_ref()
            .filter(|sent| sent.draft.resource_version == service.resource_version);
        if let Some(sent) = sent {
            // The cluster has not shown yet what was sent: the same pass would say it again.
            let said = &sent.draft.writes.events;
            writes.events.retain(|event| !said.contains(event));
        }
        let repeats =
            sent.is_some_and(|sent| writes.events.is_empty() && same_but_events(&writes, &sent.draft.writes));
        let events_waiting = entry
            .waiting
            .take()
            .map(|draft| draft.writes.events)
            .unwrap_or_default();
        if events_waiting.is_empty() && (repeats || already_so(&writes, service)) {
            return false;
        }
        writes.events = merged(events_waiting, writes.events);
        entry.waiting = Some(Draft {
            service: service.key.clone(),
            resource_version: service.resource_version.clone(),
            writes,
            trace,
        });
        inner.queue(&service.uid);
        self.changed.notify_waiters();
        true
    }

    /// Whether something for the Service waits, is out without a result, or is written and not shown by this state of it.
    pub(crate) fn is_directing(&self, service: &Service) -> bool {
        let inner = self.inner.lock();
        let Some(entry) = inner.services.get(&service.uid) else {
            return false;
        };
        let unshown = entry.expected.as_ref().is_some_and(|expected| {
            expected.since == service.resource_version && !fields_already_so(&expected.writes, service)
        });
        unshown || entry.waiting.is_some() || entry.is_out()
    }

    /// Where this state of the Service is the first that shows what was written: the trace of the pass that wanted it.
    pub(crate) fn echo(&self, service: &Service) -> Option<TraceContext> {
        let mut inner = self.inner.lock();
        let entry = inner.services.get_mut(&service.uid)?;
        let shown = |expected: &mut Expected| {
            expected.since != service.resource_version && fields_already_so(&expected.writes, service)
        };
        entry.expected.take_if(shown).map(|expected| expected.trace)
    }

    /// Forgets a Service that is gone.
    pub(crate) fn forget(&self, uid: &ServiceUid) {
        self.inner.lock().services.remove(uid);
    }

    /// A new stream: only it may take directives from now on, and what has no result yet goes again.
    pub(crate) fn attach(&self, stream: u64) {
        let mut inner = self.inner.lock();
        inner.stream = Some(stream);
        let out: Vec<_> = inner
            .services
            .iter()
            .filter(|(_, entry)| entry.is_out())
            .map(|(uid, _)| uid.clone())
            .collect();
        for uid in out {
            inner.send_again(&uid, None);
        }
        drop(inner);
        self.changed.notify_waiters();
    }

    /// What the session of this stream is to do next.
    pub(crate) fn take(&self, stream: u64, now: Instant) -> Next {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        if inner.stream != Some(stream) {
            return Next::Replaced;
        }
        inner.ring(now);
        while let Some(uid) = inner.ready.pop_front() {
            let Some(entry) = inner.services.get_mut(&uid) else {
                continue;
            };
            entry.queued = false;
            let Some(draft) = entry.waiting.take() else {
                continue;
            };
            inner.last_id += 1;
            let deadline = now + RESULT_DEADLINE;
            let directive = Directive {
                id: inner.last_id,
                service: draft.service.clone(),
                uid: uid.clone(),
                fencing: self.fencing,
                writes: draft.writes.clone(),
            };
            let trace = draft.trace.clone();
            entry.expect(&draft);
            entry.sent = Some(Sent {
                id: directive.id,
                draft,
                stage: Stage::Out { deadline },
            });
            inner.timers.insert((deadline, uid));
            return Next::Send(Box::new(directive), trace);
        }
        Next::Wait(inner.timers.first().map(|(due, _)| *due))
    }

    /// Takes in a result. Returns the Service's name when it is that of the directive which is out.
    pub(crate) fn settle(&self, result: &DirectiveResult, now: Instant) -> Option<ServiceKey> {
        let mut inner = self.inner.lock();
        let entry = inner.services.get_mut(&result.uid)?;
        let sent = entry.sent.as_mut().filter(|sent| sent.id == result.id)?;
        let key = sent.draft.service.clone();
        match &result.outcome {
            DirectiveOutcome::Done => {
                sent.stage = Stage::Done;
                entry.failures = 0;
                inner.queue(&result.uid);
            }
            DirectiveOutcome::Gone => {
                inner.services.remove(&result.uid);
            }
            DirectiveOutcome::Failed { .. } => {
                entry.failures = entry.failures.saturating_add(1);
                let delay = RESEND.delay(entry.failures);
                inner.send_again(&result.uid, Some(now + delay));
            }
            // Another planner directs this cluster. It will not last if ours is the newer one; asking often would not help.
            DirectiveOutcome::Fenced => inner.send_again(&result.uid, Some(now + RESEND.most)),
        }
        drop(inner);
        self.changed.notify_waiters();
        Some(key)
    }

    /// Resolves when something has changed since it was first polled.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }
}

impl Inner {
    /// Puts a Service in line, unless it is, has nothing to send, waits for a result or for its time.
    fn queue(&mut self, uid: &ServiceUid) {
        let Some(entry) = self.services.get_mut(uid) else {
            return;
        };
        if entry.queued || entry.waiting.is_none() || entry.is_out() || entry.not_before.is_some() {
            return;
        }
        entry.queued = true;
        self.ready.push_back(uid.clone());
    }

    /// What was sent and not done waits again, under what has come since.
    fn send_again(&mut self, uid: &ServiceUid, not_before: Option<Instant>) {
        let Some(entry) = self.services.get_mut(uid) else {
            return;
        };
        let Some(sent) = entry.sent.take() else {
            return;
        };
        let newest = match entry.waiting.take() {
            Some(mut newer) => {
                newer.writes.events = merged(sent.draft.writes.events, newer.writes.events);
                newer
            }
            None => sent.draft,
        };
        entry.waiting = Some(newest);
        entry.not_before = not_before;
        if let Some(due) = not_before {
            self.timers.insert((due, uid.clone()));
        }
        self.queue(uid);
    }

    /// Looks at the timers that are due.
    fn ring(&mut self, now: Instant) {
        while self.timers.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, uid)) = self.timers.pop_first() else {
                return;
            };
            let Some(entry) = self.services.get_mut(&uid) else {
                continue;
            };
            if entry.not_before.is_some_and(|due| due <= now) {
                entry.not_before = None;
            }
            let overdue = matches!(
                entry.sent,
                Some(Sent { stage: Stage::Out { deadline }, .. }) if deadline <= now
            );
            if overdue {
                tracing::warn!(service.uid = %uid, "no result for a directive: it goes again");
                self.send_again(&uid, None);
            } else {
                self.queue(&uid);
            }
        }
    }
}

impl Entry {
    /// Several directives may be made from one state of the Service; the last word on each field counts.
    fn expect(&mut self, draft: &Draft) {
        let mut writes = match self.expected.take() {
            Some(expected) if expected.since == draft.resource_version => expected.writes,
            _ => Writes::default(),
        };
        let newer = draft.writes.clone();
        if newer.finalizer != FinalizerAction::Keep {
            writes.finalizer = newer.finalizer;
        }
        writes.ingress = newer.ingress.or(writes.ingress);
        writes.labels.extend(newer.labels);
        writes
            .conditions
            .retain(|old| newer.conditions.iter().all(|new| new.kind != old.kind));
        writes.conditions.extend(newer.conditions);
        self.expected = (!writes.is_empty()).then(|| Expected {
            since: draft.resource_version.clone(),
            writes,
            trace: draft.trace.clone(),
        });
    }

    fn is_out(&self) -> bool {
        matches!(
            self.sent,
            Some(Sent {
                stage: Stage::Out { .. },
                ..
            })
        )
    }
}

/// Whether the Service already is as the writes want it and there is nothing to say.
fn already_so(writes: &Writes, service: &Service) -> bool {
    writes.events.is_empty() && fields_already_so(writes, service)
}

fn fields_already_so(writes: &Writes, service: &Service) -> bool {
    let finalizer = match writes.finalizer {
        FinalizerAction::Keep => true,
        FinalizerAction::Present => service.finalizer,
        FinalizerAction::Absent => !service.finalizer,
    };
    finalizer
        && writes
            .ingress
            .as_ref()
            .is_none_or(|ingress| *ingress == service.ingress)
        && writes
            .labels
            .iter()
            .all(|(name, value)| service.labels.get(name) == value.as_ref())
        && writes
            .conditions
            .iter()
            .all(|condition| service.conditions.contains(condition))
        && writes
            .readiness_gates
            .iter()
            .all(|pod| !awaits_gate(service, pod))
}

fn awaits_gate(service: &Service, pod: &PodRef) -> bool {
    let mut endpoints = service.endpoints.iter().flat_map(|set| &set.endpoints);
    endpoints.any(|endpoint| endpoint.awaits_readiness_gate && endpoint.pod.as_ref() == Some(pod))
}

fn same_but_events(one: &Writes, other: &Writes) -> bool {
    one.finalizer == other.finalizer
        && one.ingress == other.ingress
        && one.labels == other.labels
        && one.conditions == other.conditions
        && one.readiness_gates == other.readiness_gates
}

fn merged(mut earlier: Vec<Event>, later: Vec<Event>) -> Vec<Event> {
    for event in later {
        if !earlier.contains(&event) {
            earlier.push(event);
        }
    }
    let surplus = earlier.len().saturating_sub(EVENTS_KEPT);
    earlier.drain(..surplus);
    earlier
}
