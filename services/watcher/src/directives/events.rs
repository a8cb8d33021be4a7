//! Events on Services, through `events.k8s.io/v1`, where `kubectl describe` and alerts find them.
//!
//! An event's name is made from what it says, so saying the same again (a directive that came twice, a failure that lasts) does not
//! make a second object but raises the first one's count. kube's own recorder joins by reason alone and would keep the first text.

use std::borrow::Cow;
use std::collections::HashMap;

use clb_model::directive::{Event, Severity};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1 as api;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use parking_lot::Mutex;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::api_error::is_conflict;
use crate::slim::Service;

/// `reportingController` of our events.
const CONTROLLER: &str = "clb-controller";

/// The API's limit for `note`, in bytes.
const NOTE_LIMIT: usize = 1024;
/// What stands between the entries of a message that lists several.
const BETWEEN: &str = "; ";
/// The end of a message that is too long.
const MORE: &str = " … and more, which the Service's conditions list";

/// Counts of events are forgotten beyond this many; only their count begins anew then.
const COUNTS: usize = 4096;

/// Sends events.
#[derive(Debug)]
pub(crate) struct EventSender {
    instance: String,
    counts: Mutex<HashMap<String, i32>>,
}

impl EventSender {
    /// `instance` is this process's name.
    pub(crate) fn new(instance: &str) -> Self {
        Self {
            // The API's limit.
            instance: instance.chars().take(128).collect(),
            counts: Mutex::new(HashMap::new()),
        }
    }

    /// Sends one event on a Service.
    ///
    /// # Errors
    /// The API server's.
    pub(super) async fn send(&self, client: &Client, service: &Service, event: &Event) -> kube::Result<()> {
        let object = self.object(service, event, Timestamp::now());
        let name = object.metadata.name.clone().unwrap_or_default();
        let namespace = object.metadata.namespace.clone().unwrap_or_default();
        let events: Api<api::Event> = Api::namespaced(client.clone(), &namespace);
        let count = self.count(&name);
        if count == 1 {
            match events.create(&PostParams::default(), &object).await {
                // Said by the process before this one.
                Err(error) if is_conflict(&error) => {}
                other => return other.map(drop),
            }
        }
        let series = json!({ "series": { "count": count.max(2), "lastObservedTime": object.event_time } });
        match events
            .patch(&name, &PatchParams::default(), &Patch::Merge(series))
            .await
        {
            // Events live for an hour; this one is over, so it begins anew.
            Err(error) if crate::api_error::is_not_found(&error) => {
                self.counts.lock().insert(name, 1);
                events.create(&PostParams::default(), &object).await.map(drop)
            }
            other => other.map(drop),
        }
    }

    fn count(&self, name: &str) -> i32 {
        let mut counts = self.counts.lock();
        if counts.len() >= COUNTS {
            counts.clear();
        }
        let count = counts.entry(name.to_owned()).or_insert(0);
        *count = count.saturating_add(1);
        *count
    }

    fn object(&self, service: &Service, event: &Event, now: Timestamp) -> api::Event {
        let metadata = &service.metadata;
        let kind = match event.severity {
            Severity::Normal => "Normal",
            Severity::Warning => "Warning",
        };
        let note = shortened(&event.message);
        let uid = metadata.uid.as_deref().unwrap_or_default();
        let said = Sha256::digest([uid, kind, &event.reason, &note].join("\n"));
        let digest: String = said.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = metadata.name.as_deref().unwrap_or_default();
        api::Event {
            metadata: ObjectMeta {
                name: Some(format!("{name}.{digest}")),
                namespace: metadata.namespace.clone(),
                ..ObjectMeta::default()
            },
            regarding: Some(ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Service".to_owned()),
                name: metadata.name.clone(),
                namespace: metadata.namespace.clone(),
                uid: metadata.uid.clone(),
                resource_version: metadata.resource_version.clone(),
                ..ObjectReference::default()
            }),
            type_: Some(kind.to_owned()),
            reason: Some(event.reason.to_string()),
            note: Some(note.into_owned()),
            action: Some("EnsureLoadBalancer".to_owned()),
            event_time: Some(MicroTime(now)),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            ..api::Event::default()
        }
    }
}

/// As much as an event can hold: of a list whole entries where that is possible, and a word that there was more.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= NOTE_LIMIT {
        return Cow::Borrowed(text);
    }
    let mut end = NOTE_LIMIT - MORE.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let fits = text.get(..end).unwrap_or_default();
    let kept = fits
        .rfind(BETWEEN)
        .and_then(|end| fits.get(..end))
        .unwrap_or(fits);
    Cow::Owned(format!("{kept}{MORE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_says_that_there_is_more() {
        assert_eq!(shortened("short"), "short");
        let long = "ü".repeat(600);
        for text in [long.clone(), format!("x{long}")] {
            let short = shortened(&text);
            assert!(short.len() <= NOTE_LIMIT && short.ends_with(MORE), "{short}");
        }
    }

    #[test]
    fn a_long_list_ends_after_an_entry() {
        let entries: Vec<String> = (1..=30)
            .map(|number| format!("entry {number:02} {}", "x".repeat(50)))
            .collect();
        let short = shortened(&entries.join(BETWEEN)).into_owned();
        let kept = short.strip_suffix(MORE).unwrap();
        assert_eq!(kept, entries[..kept.split(BETWEEN).count()].join(BETWEEN));
        assert!(kept.len() > 900, "{short}");
    }
}
