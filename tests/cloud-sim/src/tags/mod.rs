//! Tags: what may be one, how filters match, and the actions.

mod actions;
mod legacy;

use serde_json::{Value, json};

use crate::account::Tags;
use crate::errors::{self, ApiError};
use crate::input::SentTag;

pub(crate) use actions::{list_tag_resources, tag_resources, untag_resources};
pub(crate) use legacy::{add_tags, describe_tags, parse_filter, remove_tags};

/// Most tags in one call.
pub(crate) const MOST_PER_CALL: usize = 20;

/// What can be tagged.
pub(crate) const RESOURCE_TYPES: &[&str] = &[
    "instance",
    "certificate",
    "acl",
    "listener",
    "vservergroup",
    "masterslaveservergroup",
];

/// Checks a key and a value.
///
/// # Errors
/// Too long, or beginning with what is the cloud's own.
pub(crate) fn check(key: &str, value: &str) -> Result<(), ApiError> {
    let reserved = |text: &str| {
        let lower = text.to_lowercase();
        lower.starts_with("aliyun")
            || lower.starts_with("acs:")
            || lower.contains("http://")
            || lower.contains("https://")
    };
    if key.is_empty() || key.chars().count() > 64 || reserved(key) {
        return Err(errors::TAG_KEY_INVALID.into());
    }
    if value.chars().count() > 128 || reserved(value) {
        return Err(errors::TAG_VALUE_INVALID.into());
    }
    Ok(())
}

/// As Describe shows tags.
pub(crate) fn rendered(tags: &Tags) -> Vec<Value> {
    tags.iter()
        .map(|(key, value)| json!({ "TagKey": key, "TagValue": value }))
        .collect()
}

/// Whether every wanted tag is there; one without a value matches any.
pub(crate) fn match_all(wanted: &[SentTag], tags: &Tags) -> bool {
    wanted.iter().all(|(key, value)| {
        let found = key.as_ref().and_then(|key| tags.get(key));
        found.is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
    })
}
