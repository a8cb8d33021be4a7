//! What a request is about: resource, namespace, name, verb, and the query in typed form.

use std::collections::HashMap;

use axum::http::{HeaderMap, Method, Uri, header};

use super::list_options;
use crate::errors::ApiError;
use crate::registry::{ListQuery, Part, WriteOptions};
use crate::resources::{self, Resource};
use crate::storage::selector::Selectors;
use crate::validation::FieldError;

/// A request for a resource, its path taken apart.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) resource: &'static Resource,
    /// Empty for cluster-wide resources and for requests over all namespaces.
    pub(crate) namespace: String,
    /// `None` for requests about many objects.
    pub(crate) name: Option<String>,
    pub(crate) part: Part,
}

impl Target {
    /// `/api/v1/…` and `/apis/{group}/{version}/…`; `None` for a path that is not served.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if Self::is_namespaced_rest(group, rest) => {
                (decode(namespace), rest)
            }
            _ => (String::new(), rest),
        };
        let (plural, name, part) = match rest {
            [plural] => (plural, None, Part::Main),
            [plural, name] => (plural, Some(decode(name)), Part::Main),
            [plural, name, "status"] => (plural, Some(decode(name)), Part::Status),
            _ => return None,
        };
        let resource = resources::by_path(group, version, plural)?;
        let is_placed = !namespace.is_empty();
        let fits = (resource.namespaced || !is_placed)
            && (name.is_none() || is_placed == resource.namespaced)
            && (part == Part::Main || resource.status);
        fits.then_some(Self {
            resource,
            namespace,
            name,
            part,
        })
    }

    /// `namespaces/x/status` is a namespace's status, `namespaces/x/services` a list in it.
    fn is_namespaced_rest(group: &str, rest: &[&str]) -> bool {
        !(rest.is_empty() || group.is_empty() && rest == ["status"])
    }
}

fn decode(part: &str) -> String {
    percent_encoding::percent_decode_str(part)
        .decode_utf8_lossy()
        .into_owned()
}

/// The query's parameters.
#[derive(Debug, Default)]
pub(crate) struct Query(HashMap<String, String>);

impl Query {
    pub(crate) fn parse(uri: &Uri) -> Result<Self, ApiError> {
        let parsed = axum::extract::Query::<HashMap<String, String>>::try_from_uri(uri);
        parsed
            .map(|query| Self(query.0))
            .map_err(|error| ApiError::bad_request(error.to_string()))
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.text(key), "true" | "1" | "True" | "TRUE" | "t" | "T")
            || (self.0.contains_key(key) && self.text(key).is_empty())
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>, ApiError> {
        match self.text(key) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_error| {
                ApiError::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"))
            }),
        }
    }

    pub(crate) fn wants_watch(&self) -> bool {
        self.flag("watch")
    }

    /// Whether a parameter is there at all.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// `resourceVersion` as a number, zero for none; the error is the API's text.
    pub(crate) fn revision(&self) -> Result<u64, String> {
        match self.text("resourceVersion") {
            "" => Ok(0),
            text => text.parse().map_err(|_error| {
                let invalid = format!("resourceVersion: Invalid value: \"{text}\"");
                format!("{invalid}: strconv.ParseUint: parsing \"{text}\": invalid syntax")
            }),
        }
    }

    pub(crate) fn selectors(&self, resource: &Resource) -> Result<Selectors, ApiError> {
        Selectors::parse(resource, self.text("labelSelector"), self.text("fieldSelector"))
    }

    pub(crate) fn list(&self, resource: &Resource) -> Result<ListQuery, ApiError> {
        list_options::check(self)?;
        let limit = self.number("limit")?.unwrap_or(0);
        let revision = self
            .revision()
            .map_err(|why| ApiError::bad_request(format!("invalid resource version: {why}")))?;
        Ok(ListQuery {
            selectors: self.selectors(resource)?,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            token: Some(self.text("continue").to_owned()).filter(|token| !token.is_empty()),
            revision,
            version_match: list_options::version_match(self),
        })
    }

    /// Options of a write; `kind` is the options kind, such as `CreateOptions`.
    pub(crate) fn write(
        &self,
        headers: &HeaderMap,
        target: &Target,
        kind: &str,
    ) -> Result<WriteOptions, ApiError> {
        let dry_run = match self.text("dryRun") {
            "" => false,
            "All" => true,
            other => {
                let error = FieldError::not_supported("dryRun", serde_json::json!([other]), &["All"]);
                return Err(ApiError::invalid_options(kind, &[error]));
            }
        };
        let manager = match self.text("fieldManager") {
            "" => client_name(headers),
            named => named.to_owned(),
        };
        let newer_event = target.resource.is_converted();
        Ok(WriteOptions {
            manager,
            dry_run,
            part: target.part,
            newer_event,
        })
    }
}

/// What stands before the slash of the `User-Agent`: the field manager of a client that names none.
fn client_name(headers: &HeaderMap) -> String {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    agent
        .split('/')
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or("unknown")
        .to_owned()
}

/// The API's name for what a request does.
pub(crate) fn verb(method: &Method, target: &Target, query: &Query) -> &'static str {
    match (method, &target.name) {
        (&Method::GET | &Method::HEAD, None) if query.wants_watch() => "watch",
        (&Method::GET | &Method::HEAD, None) => "list",
        (&Method::GET | &Method::HEAD, Some(_)) => "get",
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, None) => "deletecollection",
        (&Method::DELETE, Some(_)) => "delete",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Option<(&'static str, String, Option<String>, bool)> {
        let target = Target::parse(path)?;
        Some((
            target.resource.plural,
            target.namespace,
            target.name,
            target.part == Part::Status,
        ))
    }

    #[test]
    fn paths_name_their_resource() {
        let some = |text: &str| Some(text.to_owned());
        for (path, expected) in [
            ("/api/v1/services", Some(("services", String::new(), None, false))),
            (
                "/api/v1/namespaces/d/services/a",
                Some(("services", "d".to_owned(), some("a"), false)),
            ),
            (
                "/api/v1/namespaces/d/services/a/status",
                Some(("services", "d".to_owned(), some("a"), true)),
            ),
            (
                "/api/v1/namespaces/d",
                Some(("namespaces", String::new(), some("d"), false)),
            ),
            (
                "/api/v1/namespaces/d/status",
                Some(("namespaces", String::new(), some("d"), true)),
            ),
            (
                "/api/v1/nodes/n/status",
                Some(("nodes", String::new(), some("n"), true)),
            ),
            (
                "/apis/coordination.k8s.io/v1/namespaces/d/leases",
                Some(("leases", "d".to_owned(), None, false)),
            ),
            ("/api/v1/services/a", None),
            ("/api/v1/namespaces/d/nodes", None),
            ("/api/v1/namespaces/d/configmaps/c/status", None),
            ("/api/v2/services", None),
        ] {
            assert_eq!(parsed(path), expected, "{path}");
        }
    }
}
