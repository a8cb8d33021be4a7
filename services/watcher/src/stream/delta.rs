//! One delta out of the keys whose time has come.

use clb_proto::snapshot::v1;
use clb_telemetry::SpanTraceExt as _;
use clb_wire::digest::ObjectDigest;
use clb_wire::records::ObjectKey;
use prost::Message as _;
use tracing::Span;

use super::ledger::{Held, Ledger};
use crate::pending::Due;
use crate::stores::Stores;

/// Makes a delta of at most `limit` bytes (more only if one object is larger by itself) and enters it into the ledger. Returns it,
/// if anything has changed at all, and the keys for which there was no room.
pub(super) fn make(
    due: Vec<Due>,
    stores: &Stores,
    ledger: &mut Ledger,
    limit: usize,
) -> (Option<v1::Delta>, Vec<Due>) {
    let mut delta = v1::Delta::default();
    let mut size = 0;
    let mut due = due.into_iter();
    let mut left = Vec::new();
    for change in due.by_ref() {
        let Change { upsert, deletion } = change_of(&change, stores, ledger);
        let length = upsert.as_ref().map_or(0, |(record, _)| record.encoded_len());
        if size + length > limit && size > 0 {
            left.push(change);
            break;
        }
        size += length;
        if let Some(deletion) = deletion {
            ledger.remove(&change.key);
            delta.deletions.push(deletion);
        }
        if let Some((record, held)) = upsert {
            ledger.put(change.key, held);
            delta.upserts.push(record);
        }
    }
    left.extend(due);
    if delta.upserts.is_empty() && delta.deletions.is_empty() {
        return (None, left);
    }
    delta.sequence = ledger.next_sequence();
    delta.digest = ledger.digest().to_bytes();
    (Some(delta), left)
}

/// What is to be said about one key; both for an object that was deleted and made anew.
struct Change {
    upsert: Option<(v1::ObjectRecord, Held)>,
    deletion: Option<v1::ObjectDeletion>,
}

fn change_of(change: &Due, stores: &Stores, ledger: &Ledger) -> Change {
    let held = ledger.get(&change.key);
    let now = stores.encode(&change.key).map(|encoded| {
        let held = Held {
            digest: ObjectDigest::of(&encoded.record),
            uid: encoded.uid,
        };
        (encoded.record, held)
    });
    let gone = held.filter(|held| now.as_ref().is_none_or(|(_, now)| now.uid != held.uid));
    let deletion = gone.map(|held| deletion(&change.key, &held.uid, &change.span));
    let upsert = now
        .filter(|(_, now)| held != Some(now))
        .map(|(mut record, held)| {
            record.trace = trace(&change.span);
            (record, held)
        });
    Change { upsert, deletion }
}

fn deletion(key: &ObjectKey, uid: &str, span: &Span) -> v1::ObjectDeletion {
    v1::ObjectDeletion {
        kind: key.kind().into(),
        key: key.to_string(),
        uid: uid.to_owned(),
        trace: trace(span),
    }
}

fn trace(span: &Span) -> Option<v1::TraceContext> {
    let context = span.trace_context();
    (!context.is_empty()).then_some(v1::TraceContext {
        traceparent: context.traceparent,
        tracestate: context.tracestate,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::pending::{Debounce, Feed};
    use crate::slim;
    use crate::stores::Store;

    const AT_ONCE: Debounce = Debounce {
        endpoints: Duration::ZERO,
        services: Duration::ZERO,
        nodes_leaving: Duration::ZERO,
        nodes_joining_quiet: Duration::ZERO,
        nodes_joining_max: Duration::ZERO,
    };

    struct Bench {
        feed: Arc<Feed>,
        stores: Stores,
        ledger: Ledger,
    }

    impl Bench {
        fn new() -> Self {
            let feed = Arc::new(Feed::new(AT_ONCE));
            feed.begin();
            Self {
                stores: Stores::new("c".to_owned(), None, feed.clone()),
                feed,
                ledger: Ledger::default(),
            }
        }

        fn apply_service(&self, name: &str, uid: &str, port: u16) {
            let object = json!({
                "metadata": {"name": name, "namespace": "default", "uid": uid},
                "spec": {"type": "LoadBalancer", "ports": [{"port": port}]},
            });
            let object: slim::Service = serde_json::from_value(object).unwrap();
            self.stores.apply(&object);
        }

        fn remove_service(&self, name: &str) {
            Store::<slim::Service>::remove(&self.stores, &("default".to_owned(), name.to_owned()));
        }

        fn make(&mut self, limit: usize) -> Option<v1::Delta> {
            let (delta, left) = super::make(self.feed.take_due(), &self.stores, &mut self.ledger, limit);
            self.feed.put_back(left);
            delta
        }
    }

    #[test]
    fn what_came_and_went_unseen_is_not_worth_a_message() {
        let mut bench = Bench::new();
        bench.apply_service("web", "u1", 80);
        bench.remove_service("web");
        assert_eq!(bench.feed.len(), 1);
        assert_eq!(bench.make(1000), None);
        assert_eq!(bench.ledger.sequence(), 0);
    }

    #[test]
    fn a_change_that_was_taken_back_is_not_worth_a_message() {
        let mut bench = Bench::new();
        bench.apply_service("web", "u1", 80);
        assert_eq!(bench.make(1000).unwrap().upserts.len(), 1);
        bench.apply_service("web", "u1", 81);
        bench.apply_service("web", "u1", 80);
        assert_eq!(bench.make(1000), None);
    }

    #[test]
    fn a_new_object_of_the_name_comes_with_the_end_of_the_old_one() {
        let mut bench = Bench::new();
        bench.apply_service("web", "u1", 80);
        bench.make(1000).unwrap();
        bench.remove_service("web");
        bench.apply_service("web", "u2", 80);
        let delta = bench.make(1000).unwrap();
        assert_eq!((delta.deletions[0].uid.as_str(), delta.upserts.len()), ("u1", 1));
        bench.remove_service("web");
        let delta = bench.make(1000).unwrap();
        assert_eq!((delta.deletions[0].uid.as_str(), delta.upserts.len()), ("u2", 0));
        assert_eq!(delta.digest, Ledger::default().digest().to_bytes());
    }

    #[test]
    fn what_has_no_room_goes_with_the_next_delta() {
        let mut bench = Bench::new();
        for n in 0..10 {
            bench.apply_service(&format!("web-{n}"), &format!("u{n}"), 80);
        }
        let mut sent = 0;
        let mut sequence = 0;
        while let Some(delta) = bench.make(300) {
            sequence += 1;
            assert_eq!(delta.sequence, sequence);
            let size: usize = delta.upserts.iter().map(prost::Message::encoded_len).sum();
            assert!(size <= 300 || delta.upserts.len() == 1);
            sent += delta.upserts.len();
        }
        assert_eq!(sent, 10);
        assert!(sequence > 2);
        assert_eq!(bench.ledger.count(), 10);
    }
}
