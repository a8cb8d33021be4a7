//! What was called: every call with its parameters and its outcome, and how many reads and writes there were.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;

use crate::input::Input;

/// Parameters whose value must not be kept.
const SECRET: &[&str] = &["PrivateKey", "ServerCertificate", "CACertificate", "ClientToken"];

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum Outcome {
    /// Carried out and answered.
    Ok,
    /// Refused.
    Error {
        /// HTTP status.
        status: u16,
        /// Value of `Code`.
        code: String,
    },
    /// The connection was broken on order.
    Reset {
        /// Whether the call was carried out before that.
        applied: bool,
    },
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Its place among all calls, from 1.
    pub number: u64,
    /// When it came.
    pub time: Timestamp,
    /// The account of its key; empty if the key was refused.
    pub account: String,
    /// The action.
    pub action: String,
    /// Its parameters, without those of the protocol and without secrets.
    pub parameters: BTreeMap<String, String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The request id of the answer.
    pub request_id: String,
    /// Whether its action changes something.
    pub write: bool,
    /// Whether it changed something: a write that was carried out.
    pub applied: bool,
    /// The id of the vServer group that it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_vgroup: Option<String>,
}

/// How many calls there were since the start or the last `clear`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Calls of actions that change something.
    pub writes: u64,
    /// Those of them that were carried out.
    pub writes_applied: u64,
    /// Calls of actions that read.
    pub reads: u64,
    /// Calls that were answered with an error.
    pub errors: u64,
    /// Calls by action.
    pub by_action: BTreeMap<String, u64>,
}

/// The calls, oldest first.
#[derive(Debug)]
pub(crate) struct Journal {
    calls: VecDeque<Call>,
    counters: Counters,
    size: usize,
    number: u64,
}

impl Journal {
    pub(crate) fn new(size: usize) -> Self {
        Journal {
            calls: VecDeque::new(),
            counters: Counters::default(),
            size,
            number: 0,
        }
    }

    pub(crate) fn push(&mut self, mut call: Call) {
        self.number += 1;
        call.number = self.number;
        *if call.write {
            &mut self.counters.writes
        } else {
            &mut self.counters.reads
        } += 1;
        self.counters.writes_applied += u64::from(call.applied);
        self.counters.errors += u64::from(matches!(call.outcome, Outcome::Error { .. }));
        *self.counters.by_action.entry(call.action.clone()).or_default() += 1;
        if self.calls.len() == self.size {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    /// The calls with a higher number than `after`.
    pub(crate) fn since(&self, after: u64) -> Vec<Call> {
        let start = self.calls.partition_point(|call| call.number <= after);
        self.calls.range(start..).cloned().collect()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters.clone()
    }

    /// Forgets the calls and the counts; numbers go on.
    pub(crate) fn clear(&mut self) {
        self.calls.clear();
        self.counters = Counters::default();
    }
}

/// The parameters that a journal entry shows.
pub(crate) fn without_secrets(input: &Input) -> BTreeMap<String, String> {
    let shown = |(name, value): (&str, &str)| {
        let value = if SECRET.contains(&name) {
            "(not kept)"
        } else {
            value
        };
        (name.to_owned(), value.to_owned())
    };
    input.iter().map(shown).collect()
}
