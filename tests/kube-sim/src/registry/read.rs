//! Gets and lists: selectors, pages, and which version of the list is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Registry;
use crate::errors::{ApiError, Cause};
use crate::resources::Resource;
use crate::storage::selector::Selectors;
use crate::storage::{ContinueToken, Key, Stored};

/// `resourceVersionMatch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionMatch {
    Exact,
    NotOlderThan,
}

/// What a list's query says.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListQuery {
    pub(crate) selectors: Selectors,
    /// Zero for no limit.
    pub(crate) limit: usize,
    pub(crate) token: Option<String>,
    /// Zero and absent both mean "any".
    pub(crate) revision: u64,
    pub(crate) version_match: Option<VersionMatch>,
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) revision: u64,
    pub(crate) items: Vec<Arc<Stored>>,
    pub(crate) token: Option<String>,
    /// Objects after this page; unknown where a selector is set.
    pub(crate) remaining: Option<usize>,
}

impl Registry {
    /// One object.
    pub(crate) fn get(&self, resource: &Resource, key: &Key) -> Result<Arc<Stored>, ApiError> {
        let state = self.storage.read();
        state
            .get(resource.stored_as(), key)
            .map(Arc::clone)
            .ok_or_else(|| ApiError::not_found(resource, &key.name))
    }

    /// One page of the objects of a namespace, or of all for an empty name.
    pub(crate) fn list(
        &self,
        resource: &Resource,
        namespace: &str,
        query: &ListQuery,
    ) -> Result<Page, ApiError> {
        let token = query.token.as_deref().map(parse_token).transpose()?;
        let state = self.storage.read();
        if query.revision > state.revision {
            return Err(too_large(query.revision, state.revision));
        }
        let exact = query.version_match == Some(VersionMatch::Exact);
        let wanted = match &token {
            Some(token) => Some(token.revision),
            None if exact => Some(query.revision),
            None => None,
        };
        let table = state.table(resource.stored_as());
        let after = token.map(|token| token.after());
        let Some(revision) = wanted.filter(|wanted| *wanted != state.revision) else {
            return Ok(page(table.scan(namespace), after.as_ref(), state.revision, query));
        };
        let expired = |_gone| {
            let why = if after.is_some() {
                "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.".to_owned()
            } else {
                format!("The resourceVersion for the provided list is too old: {revision}")
            };
            ApiError::expired(why)
        };
        let then: BTreeMap<Key, Arc<Stored>> = table.at(revision).map_err(expired)?;
        drop(state);
        let in_namespace = then
            .iter()
            .filter(|(key, _)| namespace.is_empty() || key.namespace == namespace);
        Ok(page(in_namespace, after.as_ref(), revision, query))
    }
}

fn page<'a>(
    objects: impl Iterator<Item = (&'a Key, &'a Arc<Stored>)>,
    after: Option<&Key>,
    revision: u64,
    query: &ListQuery,
) -> Page {
    let mut selected = objects
        .filter(|(key, _)| after.is_none_or(|after| *key > after))
        .filter(|(_, stored)| query.selectors.matches(&stored.value));
    let limit = if query.limit == 0 { usize::MAX } else { query.limit };
    let mut items = Vec::new();
    let mut last = None;
    for (key, stored) in selected.by_ref().take(limit) {
        items.push(Arc::clone(stored));
        last = Some(key);
    }
    let remaining = selected.count();
    let token = last
        .filter(|_| remaining > 0)
        .map(|last| ContinueToken::new(revision, last).encode());
    let remaining = Some(remaining).filter(|count| *count > 0 && query.selectors.is_empty());
    Page {
        revision,
        items,
        token,
        remaining,
    }
}

fn parse_token(text: &str) -> Result<ContinueToken, ApiError> {
    ContinueToken::decode(text).ok_or_else(|| {
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let position = text.bytes().position(|byte| !is_base64(byte)).unwrap_or(0);
        let why = format!("illegal base64 data at input byte {position}");
        ApiError::bad_request(format!(
            "invalid continue token: continue key is not valid: {why}"
        ))
    })
}

/// The client has seen a version that is not there yet.
fn too_large(wanted: u64, current: u64) -> ApiError {
    let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
    let cause = Cause {
        reason: "ResourceVersionTooLarge".to_owned(),
        message: "Too large resource version".to_owned(),
        field: String::new(),
    };
    ApiError::new(504, "Timeout", message)
        .with_causes(vec![cause])
        .retry_after(1)
}
