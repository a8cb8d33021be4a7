//! An open watch, read event by event.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::Api;

/// How long an event may take; only a broken watch takes that long.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Watch<'a> {
    api: &'a Api,
    answer: reqwest::Response,
    rest: Vec<u8>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(api: &'a Api, answer: reqwest::Response) -> Self {
        Self {
            api,
            answer,
            rest: Vec::new(),
        }
    }

    /// The next event; `None` when the server ends the watch.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).expect("an event per line"));
            }
            let chunk = timeout(PATIENCE, self.answer.chunk())
                .await
                .expect("an event in time")
                .expect("a chunk");
            self.rest.extend_from_slice(&chunk?);
        }
    }

    /// Writes the next events into the transcript.
    pub(crate) async fn show(&mut self, count: usize) {
        for _ in 0..count {
            let event = self.next().await.expect("an event");
            self.api.event(&event);
        }
    }

    /// Type and name of the next events.
    pub(crate) async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        while names.len() < count {
            let event = self.next().await.expect("an event");
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            names.push(format!(
                "{} {}",
                text(&event["type"]),
                text(&event["object"]["metadata"]["name"])
            ));
        }
        names
    }
}
