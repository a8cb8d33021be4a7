//! Additional tags on a user's CLB that somebody else, as a second Service on it, changes again and again: after a while they are left as
//! they are, since two who never stop would use up the account's request limit.

use std::borrow::Cow;
use std::collections::BTreeMap;

use clb_model::cloud::LoadBalancer;
use clb_model::cluster::ConditionStatus;
use clb_model::directive::Severity;

use super::pass::Pass;
use super::said::FAILED;
use crate::annotations::instance::ADDITIONAL_TAGS;
use crate::conditions::{self, Subject, TAGS_LEFT, reason};
use crate::desired::{Desired, Source};
use crate::plan::other_tags;

/// How often what was set may be changed by somebody else before it is left to them.
const MOST_FLIPS: u32 = 2;

/// Within how long after our own write a change is part of a contest, milliseconds. Controllers answer each other at once, but where they
/// share no actuator the answer is seen by the audit only, every 10 minutes by default; a person who sets a tag today and another next month
/// is put right each time.
const CONTEST_MS: u64 = 60 * 60_000;

/// What became of the tags that the annotation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagContest {
    wanted: BTreeMap<String, String>,
    in_place: bool,
    /// When they were last to be set.
    set_at_ms: Option<u64>,
    flips: u32,
}

/// What is wanted, without the additional tags where they are left to somebody else; this is said.
pub(super) fn settle<'d>(
    pass: &mut Pass<'_>,
    desired: &'d Desired,
    observed: &LoadBalancer,
) -> Cow<'d, Desired> {
    let (Source::Reused { .. }, Some(wanted)) = (&desired.source, &desired.named.additional_tags) else {
        pass.memory.tag_contest = None;
        forget(pass);
        return Cow::Borrowed(desired);
    };
    let text = text_of(wanted);
    let was_left = conditions::find(pass.inputs.service, TAGS_LEFT)
        .is_some_and(|left| left.status == ConditionStatus::True && left.message == text);
    let others = other_tags(wanted, observed);
    let known = pass.memory.tag_contest.take();
    let mut contest = known
        .filter(|known| known.wanted == *wanted)
        .unwrap_or_else(|| TagContest {
            wanted: wanted.clone(),
            in_place: false,
            set_at_ms: None,
            flips: 0,
        });
    let now_ms = pass.inputs.now_ms;
    if !others.is_empty() && contest.in_place {
        let is_answer = |at_ms| now_ms.saturating_sub(at_ms) < CONTEST_MS;
        contest.flips = if contest.set_at_ms.is_some_and(is_answer) {
            contest.flips.saturating_add(1)
        } else {
            0
        };
    }
    contest.in_place = others.is_empty();
    if !contest.in_place {
        contest.set_at_ms = Some(now_ms);
    }
    let is_left = was_left || contest.flips >= MOST_FLIPS;
    let in_place = contest.in_place;
    pass.memory.tag_contest = Some(contest);
    if !is_left {
        forget(pass);
        return Cow::Borrowed(desired);
    }
    // A restart forgets how often they changed, and may not begin the contest again.
    pass.conditions.set(TAGS_LEFT, true, reason::CONTESTED, text);
    if in_place {
        return Cow::Borrowed(desired);
    }
    pass.notifications.say(
        Subject::Notice,
        Severity::Warning,
        FAILED,
        &format!(
            "annotation {}: somebody else, such as another Service on CLB {}, changes its tags again and again ({}): they are left as they are until the annotation is changed. Let only one Service name tags, or \
             all of them the same",
            ADDITIONAL_TAGS.name_in(&pass.inputs.service.annotations),
            observed.id,
            others.join(", ")
        ),
        None,
    );
    let mut without = desired.clone();
    without.named.additional_tags = None;
    Cow::Owned(without)
}

fn forget(pass: &mut Pass<'_>) {
    pass.conditions.correct(
        TAGS_LEFT,
        false,
        reason::UNCONTESTED,
        "no tags are left to somebody else",
    );
}

/// Tags as the annotation writes them.
fn text_of(tags: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}
