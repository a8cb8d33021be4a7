//! Backends that the cloud cannot use, as a person is told of them: each by name, and many with one reason together.

use std::collections::BTreeMap;

use clb_model::directive::Severity;
use clb_model::events;

use super::pass::Pass;
use crate::conditions::Subject;

/// More with one reason are told in one event.
const EACH: usize = 5;
/// How many such an event names before it only counts.
const NAMED: usize = 20;

/// Says which backends were left out, and why.
pub(super) fn say_unusable(pass: &mut Pass<'_>) {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (key, left) in &pass.memory.left_out {
        by_reason
            .entry(left.reason.trim_end_matches('.'))
            .or_default()
            .push(format!("{}:{}", key.server, key.port));
    }
    let mut say = |message: &str, detail: Option<&str>| {
        pass.notifications.say(
            Subject::Notice,
            Severity::Warning,
            events::reason::SKIP_SYNC_BACKENDS,
            message,
            detail,
        );
    };
    for (reason, mut backends) in by_reason {
        if backends.len() <= EACH {
            for backend in backends {
                say(
                    &format!(
                        "backend {backend} cannot be used: {reason}. The others are not held up; it is tried again"
                    ),
                    None,
                );
            }
            continue;
        }
        // Which ones they are does not make it another event: they may recover one by one.
        let more = backends.len().saturating_sub(NAMED);
        backends.truncate(NAMED);
        if more > 0 {
            backends.push(format!("and {more} more"));
        }
        say(
            &format!(
                "several backends cannot be used: {reason}. The others are not held up; these are tried again"
            ),
            Some(&backends.join(", ")),
        );
    }
}
