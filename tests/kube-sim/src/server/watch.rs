//! Watches: initial events, changes, bookmarks, time-outs, and `410 Gone` as an event.
//!
//! A watcher has a place in the history ring of its table and reads on from there; it keeps nothing of its own, so a slow
//! one costs no memory and learns by a 410 that the ring has overtaken it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, header};
use bytes::{BufMut, Bytes, BytesMut};
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::representation::Representation;
use super::request::{Query, Target};
use super::{App, list_options};
use crate::errors::ApiError;

use crate::resources::Resource;
use crate::storage::selector::Selectors;
use crate::storage::{Change, ChangeKind, Stored};

/// Events that are put into one chunk.
const BATCH: usize = 500;
/// How long a watch lasts if its client does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Marks the bookmark after the initial events of a streaming list.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

pub(super) fn watch(
    app: &App,
    target: &Target,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let representation = Representation::negotiate(headers, query)?;
    let resource = target.resource;
    let mut selectors = query.selectors(resource)?;
    if let Some(name) = &target.name {
        selectors = Selectors::parse(
            resource,
            query.text("labelSelector"),
            &format!("metadata.name={name}"),
        )?;
    }
    list_options::check(query)?;
    let initial = initial_events(query);
    let revision = query.revision().map_err(|why| ApiError::new(500, "", why))?;
    let timeout = query
        .number("timeoutSeconds")?
        .filter(|seconds| *seconds > 0)
        .map_or(DEFAULT_TIMEOUT, Duration::from_secs);
    let mut changed = app.registry.storage.subscribe(resource.stored_as());
    changed.mark_unchanged();
    let mut dropped = app.faults.watches();
    dropped.mark_unchanged();
    let mut watcher = Watcher {
        app: app.clone(),
        resource,
        namespace: target.namespace.clone(),
        selectors,
        revision,
        bookmarks: query.flag("allowWatchBookmarks"),
        ends: Instant::now() + timeout,
        next_bookmark: Instant::now() + app.bookmark_interval,
        changed,
        dropped,
        opening: None,
        is_over: false,
        representation,
        has_begun: false,
    };
    watcher.opening = Some(watcher.open(initial));
    let events = stream::unfold(watcher, |mut watcher| async move {
        let chunk = watcher.next().await?;
        Some((Ok::<Bytes, std::io::Error>(chunk), watcher))
    });
    let mut response = Response::new(Body::from_stream(events));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Whether a watch begins with the present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Initial {
    /// Not asked for; a watch from "any" version begins with it nevertheless.
    Legacy,
    /// `sendInitialEvents=false`.
    None,
    /// `sendInitialEvents=true`: ends with a marked bookmark.
    Streaming,
}

fn initial_events(query: &Query) -> Initial {
    match query.text("sendInitialEvents") {
        "" => Initial::Legacy,
        "true" | "1" => Initial::Streaming,
        _ => Initial::None,
    }
}

/// One open watch.
struct Watcher {
    app: App,
    resource: &'static Resource,
    namespace: String,
    selectors: Selectors,
    /// Everything up to here has been sent.
    revision: u64,
    bookmarks: bool,
    ends: Instant,
    next_bookmark: Instant,
    changed: watch::Receiver<u64>,
    dropped: watch::Receiver<u64>,
    /// The first chunk, made when the watch was opened.
    opening: Option<Bytes>,
    is_over: bool,
    representation: Representation,
    /// An object has been sent.
    has_begun: bool,
}

impl Watcher {
    /// The initial events, where the client wants or gets them.
    fn open(&mut self, initial: Initial) -> Bytes {
        let starts_with_state = match initial {
            Initial::Streaming => true,
            Initial::Legacy => self.revision == 0,
            Initial::None => false,
        };
        if !starts_with_state {
            if self.revision == 0 {
                self.revision = self.app.registry.storage.read().revision;
            }
            return Bytes::new();
        }
        let (objects, revision) = {
            let state = self.app.registry.storage.read();
            let table = state.table(self.resource.stored_as());
            let objects: Vec<Arc<Stored>> = table
                .scan(&self.namespace)
                .map(|(_, stored)| Arc::clone(stored))
                .collect();
            (objects, state.revision)
        };
        self.revision = revision;
        let mut chunk = BytesMut::new();
        for stored in &objects {
            if !self.selectors.matches(&stored.value) {
                continue;
            }
            self.put_object(&mut chunk, ChangeKind::Added, stored);
        }
        if initial == Initial::Streaming && self.bookmarks {
            self.put_bookmark(&mut chunk, true);
        }
        chunk.freeze()
    }

    /// The next chunk; `None` ends the watch. Cancel-safe: the place moves only when a chunk is returned.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        self.app.faults.wait_while_stalled().await;
        if let Some(opening) = self.opening.take().filter(|opening| !opening.is_empty()) {
            return Some(opening);
        }
        loop {
            match self.read_on() {
                Ok(chunk) if !chunk.is_empty() => return Some(chunk),
                Ok(_) => {}
                Err(last_words) => {
                    self.is_over = true;
                    return Some(last_words);
                }
            }
            tokio::select! {
                changed = self.changed.changed() => {
                    changed.ok()?;
                    self.app.faults.wait_while_stalled().await;
                }
                _dropped = self.dropped.changed() => return None,
                () = self.app.stopping.cancelled() => return None,
                () = tokio::time::sleep_until(self.ends) => return None,
                () = tokio::time::sleep_until(self.next_bookmark), if self.bookmarks => {
                    self.app.faults.wait_while_stalled().await;
                    if let Some(bookmark) = self.bookmark_if_idle() {
                        return Some(bookmark);
                    }
                }
            }
        }
    }

    /// Changes since the last chunk; the error is the event with which the watch ends.
    fn read_on(&mut self) -> Result<Bytes, Bytes> {
        let changes = {
            let state = self.app.registry.storage.read();
            let read = state
                .table(self.resource.stored_as())
                .history
                .after(self.revision, BATCH);
            read.map_err(|gone| expired_event(self.revision, gone.oldest))?
        };
        let mut chunk = BytesMut::new();
        for change in &changes {
            self.put_change(&mut chunk, change);
            self.revision = change.object.revision;
        }
        Ok(chunk.freeze())
    }

    fn put_object(&mut self, chunk: &mut BytesMut, kind: ChangeKind, stored: &Stored) {
        let object = self
            .representation
            .event_object(self.resource, stored, !self.has_begun);
        self.has_begun = true;
        put_event(chunk, kind.event(), &object);
    }

    /// An object that starts or stops being selected is added or deleted for this watcher.
    fn put_change(&mut self, chunk: &mut BytesMut, change: &Change) {
        if !self.namespace.is_empty() && change.key.namespace != self.namespace {
            return;
        }
        let selects = |stored: &Stored| self.selectors.matches(&stored.value);
        let is_selected = change.kind != ChangeKind::Deleted && selects(&change.object);
        let was_selected = change.previous.as_deref().is_some_and(selects);
        let kind = match (was_selected, is_selected) {
            (false, false) => return,
            (false, true) => ChangeKind::Added,
            (true, true) => ChangeKind::Modified,
            (true, false) => ChangeKind::Deleted,
        };
        if let (ChangeKind::Modified, ChangeKind::Deleted, Some(previous)) =
            (change.kind, kind, &change.previous)
        {
            let last = Stored::new(previous.value.clone(), change.object.revision);
            self.put_object(chunk, kind, &last);
        } else {
            self.put_object(chunk, kind, &change.object);
        }
    }

    /// A bookmark with the present revision, unless there are changes to send first.
    fn bookmark_if_idle(&mut self) -> Option<Bytes> {
        self.next_bookmark = Instant::now() + self.app.bookmark_interval;
        {
            let state = self.app.registry.storage.read();
            let pending = state
                .table(self.resource.stored_as())
                .history
                .after(self.revision, 1);
            if pending.is_ok_and(|changes| changes.is_empty()) {
                self.revision = state.revision;
            } else {
                return None;
            }
        }
        let mut chunk = BytesMut::new();
        self.put_bookmark(&mut chunk, false);
        Some(chunk.freeze())
    }

    fn put_bookmark(&self, chunk: &mut BytesMut, ends_initial_events: bool) {
        let mut metadata = json!({"resourceVersion": self.revision.to_string()});
        if ends_initial_events {
            metadata["annotations"] = json!({INITIAL_EVENTS_END: "true"});
        }
        let object = self.representation.bookmark(self.resource, &metadata);
        put_event(chunk, "BOOKMARK", object.to_string().as_bytes());
    }
}

fn put_event(chunk: &mut BytesMut, kind: &str, object: &[u8]) {
    chunk.put_slice(b"{\"type\":\"");
    chunk.put_slice(kind.as_bytes());
    chunk.put_slice(b"\",\"object\":");
    chunk.put_slice(object);
    chunk.put_slice(b"}\n");
}

fn expired_event(wanted: u64, oldest: u64) -> Bytes {
    let status: Value = ApiError::expired(format!("too old resource version: {wanted} ({oldest})")).status();
    let mut chunk = BytesMut::new();
    put_event(&mut chunk, "ERROR", status.to_string().as_bytes());
    chunk.freeze()
}
