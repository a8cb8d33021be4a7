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
