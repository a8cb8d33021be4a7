//! AddTags, RemoveTags and DescribeTags: the older actions, which take JSON and know load balancers only.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::check;
use crate::account::Tags;
use crate::errors::{self, Answer, ApiError};
use crate::scope::Scope;

/// Most tags in `Tags`.
const MOST: usize = 10;

/// One entry of a `Tags` list. The documentation of one action writes the names with a small letter.
#[derive(Debug, Deserialize)]
pub(crate) struct TagFilter {
    #[serde(rename = "TagKey", alias = "tagKey")]
    key: String,
    #[serde(rename = "TagValue", alias = "tagValue")]
    value: Option<String>,
}

impl TagFilter {
    /// Whether a resource with these tags has it.
    pub(crate) fn is_on(&self, tags: &Tags) -> bool {
        tags.get(&self.key)
            .is_some_and(|found| self.value.as_ref().is_none_or(|value| value == found))
    }
}

/// Parses the JSON in `Tags`.
pub(crate) fn parse_filter(text: &str) -> Result<Vec<TagFilter>, ApiError> {
    serde_json::from_str(text).map_err(|_| errors::INVALID_TAG.into())
}

fn parse_change(text: &str) -> Result<Vec<TagFilter>, ApiError> {
    let list = parse_filter(text)?;
    if list.is_empty() || list.len() > MOST {
        return Err(errors::INVALID_TAG.into());
    }
    Ok(list)
}

/// AddTags.
pub(crate) fn add_tags(scope: &mut Scope<'_>) -> Answer {
    let list = parse_change(scope.input.text_or_empty("Tags"))?;
    for tag in &list {
        let checked = check(&tag.key, tag.value.as_deref().unwrap_or_default());
        checked.map_err(|_| ApiError::from(errors::INVALID_TAG))?;
    }
    let mut tags = scope.load_balancer()?.tags.clone();
    tags.extend(
        list.into_iter()
            .map(|tag| (tag.key, tag.value.unwrap_or_default())),
    );
    if tags.len() > scope.quotas.tags {
        return Err(errors::TAG_COUNT_QUOTA.into());
    }
    replace(scope, tags)
}

/// RemoveTags.
pub(crate) fn remove_tags(scope: &mut Scope<'_>) -> Answer {
    let list = parse_change(scope.input.text_or_empty("Tags"))?;
    let mut tags = scope.load_balancer()?.tags.clone();
    for tag in list {
        if tag.is_on(&tags) {
            tags.remove(&tag.key);
        }
    }
    replace(scope, tags)
}

fn replace(scope: &mut Scope<'_>, tags: Tags) -> Answer {
    let id = scope.load_balancer()?.load_balancer_id.clone();
    if let Some(lb) = scope.account.load_balancers.get_mut(&id) {
        lb.tags = tags;
    }
    Ok(json!({}))
}

/// DescribeTags: how many load balancers have each tag, or each key.
pub(crate) fn describe_tags(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let region = input.text_or_empty("RegionId");
    let wanted = input
        .filled("Tags")
        .map(parse_filter)
        .transpose()?
        .unwrap_or_default();
    let by_key = input.is_true("DistinctKey");
    let only = match input.filled("LoadBalancerId") {
        Some(id) => Some(scope.load_balancer_by_id(id)?.load_balancer_id.clone()),
        None => None,
    };
    let mut users: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let chosen = scope
        .account
        .load_balancers
        .values()
        .filter(|lb| lb.region_id == region && only.as_ref().is_none_or(|id| *id == lb.load_balancer_id));
    for lb in chosen {
        for (key, value) in &lb.tags {
            let named = wanted
                .iter()
                .any(|tag| tag.key == *key && tag.value.as_ref().is_none_or(|wanted| wanted == value));
            if wanted.is_empty() || named {
                let value = if by_key { "" } else { value.as_str() };
                users
                    .entry((key, value))
                    .or_default()
                    .insert(&lb.load_balancer_id);
            }
        }
    }
    let (page, size) = (input.number("PageNumber"), input.number("PageSize"));
    let total = users.len();
    let sets: Vec<Value> = users
        .into_iter()
        .skip((page - 1) * size)
        .take(size)
        .map(|((key, value), users)| {
            let mut set = json!({ "TagKey": key, "InstanceCount": users.len() });
            if !by_key {
                set["TagValue"] = json!(value);
            }
            set
        })
        .collect();
    Ok(json!({ "TagSets": { "TagSet": sets }, "PageNumber": page, "PageSize": size, "TotalCount": total }))
}
