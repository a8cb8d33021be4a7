//! The tags of the CLB: ours, and those that the annotation `additional-resource-tags` names.

use std::collections::BTreeMap;

use clb_model::cloud::LoadBalancer;
use clb_model::marks::{self, CLUSTER_TAG, OWNER_TAG, REUSED_TAG};
use clb_model::operation::{Change, LoadBalancerChange};

use super::PlanContext;
use super::draft::{Draft, Proposal};
use crate::annotations::instance::ADDITIONAL_TAGS;
use crate::desired::{Desired, Source};

/// Tags that belong to the cloud's own products; nobody may change them.
const SYSTEM_PREFIX: &str = "acs:";

/// Sets our tags where they are missing (a crash between creation and tagging by another controller) and, while the annotation is
/// there, makes the others exactly those that it names.
pub(super) fn plan(draft: &mut Draft, context: PlanContext<'_>, desired: &Desired, observed: &LoadBalancer) {
    let ours = own_tags(context, &desired.source);
    let missing = missing_of(&ours, observed);
    if !missing.is_empty() {
        let keys = missing.keys().cloned().collect::<Vec<_>>().join(", ");
        let why = match desired.source {
            Source::Own => "by which it is found again",
            Source::Reused { .. } => "which says that a Service uses it",
        };
        set(
            draft,
            observed,
            missing,
            format!("the CLB lacks the tag {keys}, {why}"),
        );
    }
    let Some(wanted) = &desired.named.additional_tags else {
        return;
    };
    let wanted: BTreeMap<String, String> = wanted
        .iter()
        .filter(|(key, _)| !is_reserved(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    // Removed first: a CLB has room for 20 tags only.
    let superfluous: Vec<String> = observed
        .tags
        .keys()
        .filter(|key| !is_reserved(key) && !wanted.contains_key(*key))
        .cloned()
        .collect();
    if !superfluous.is_empty() {
        let reason = format!(
            "annotation {} does not name {}",
            context.name_of(&ADDITIONAL_TAGS),
            superfluous.join(", ")
        );
        draft.add(
            Proposal::new(
                Change::ChangeLoadBalancer(LoadBalancerChange::RemoveTags(superfluous)),
                reason,
            )
            .based_on(observed.version)
            .taking_away(),
        );
    }
    let missing = missing_of(&wanted, observed);
    if !missing.is_empty() {
        let pairs: Vec<String> = missing
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let reason = format!(
            "annotation {} asks for {}",
            context.name_of(&ADDITIONAL_TAGS),
            pairs.join(",")
        );
        set(draft, observed, missing, reason);
    }
}

/// In what the CLB's tags differ from the wanted additional ones, in words, ordered; empty when they are as wanted.
pub(crate) fn other_tags(wanted: &BTreeMap<String, String>, observed: &LoadBalancer) -> Vec<String> {
    let present = observed.tags.iter();
    let mut others: Vec<String> = present
        .filter(|(key, value)| !is_reserved(key) && wanted.get(*key) != Some(value))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let lacking = wanted
        .keys()
        .filter(|key| !is_reserved(key) && !observed.tags.contains_key(*key));
    others.extend(lacking.map(|key| format!("no {key}")));
    others
}

/// The tags that mark the CLB as ours, or as a user's that a Service uses.
fn own_tags(context: PlanContext<'_>, source: &Source) -> BTreeMap<String, String> {
    match source {
        Source::Own => BTreeMap::from([
            (OWNER_TAG.to_owned(), marks::default_name(&context.service.uid)),
            (CLUSTER_TAG.to_owned(), context.cluster.id.to_string()),
        ]),
        Source::Reused { .. } => BTreeMap::from([(REUSED_TAG.to_owned(), "true".to_owned())]),
    }
}

fn is_reserved(key: &str) -> bool {
    key == OWNER_TAG || key == CLUSTER_TAG || key == REUSED_TAG || key.starts_with(SYSTEM_PREFIX)
}

fn missing_of(wanted: &BTreeMap<String, String>, observed: &LoadBalancer) -> BTreeMap<String, String> {
    wanted
        .iter()
        .filter(|(key, value)| observed.tags.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn set(draft: &mut Draft, observed: &LoadBalancer, tags: BTreeMap<String, String>, reason: String) {
    draft.add_harmless(
        Proposal::new(
            Change::ChangeLoadBalancer(LoadBalancerChange::SetTags(tags)),
            reason,
        )
        .based_on(observed.version),
    );
}
