//! Label and field selectors: which objects a list, a watch or a deletion of many is about.

use serde_json::Value;

use super::labels::{self, Requirement};
use crate::errors::ApiError;
use crate::resources::Resource;

/// Both selectors of a request; empty ones match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selectors {
    labels: Vec<Requirement>,
    fields: Vec<FieldTerm>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FieldTerm {
    path: String,
    value: String,
    equal: bool,
}

impl Selectors {
    /// Parses both texts for a resource; unknown fields are refused as the real API does.
    pub(crate) fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self, ApiError> {
        Ok(Self {
            labels: labels::parse(labels).map_err(ApiError::bad_request)?,
            fields: parse_fields(resource, fields)?,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object, in its stored form, is selected.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let has_fields = self
            .fields
            .iter()
            .all(|term| (field_text(object, &term.path) == term.value) == term.equal);
        has_fields && self.labels.iter().all(|requirement| requirement.accepts(labels))
    }
}

/// Field labels that a kind supports besides `metadata.name` and `metadata.namespace`.
fn supported(resource: &Resource) -> &'static [&'static str] {
    match (resource.group, resource.plural) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("", "namespaces") => &["status.phase"],
        ("", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "events") => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        _ => &[],
    }
}

fn parse_fields(resource: &Resource, text: &str) -> Result<Vec<FieldTerm>, ApiError> {
    let mut terms = Vec::new();
    for term in text.split(',').map(str::trim).filter(|term| !term.is_empty()) {
        let (path, value, equal) = if let Some((path, value)) = term.split_once("!=") {
            (path, value, false)
        } else if let Some((path, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
            (path, value, true)
        } else {
            return Err(ApiError::bad_request(format!(
                "invalid selector: '{term}'; can't understand '{term}'"
            )));
        };
        let is_common = path == "metadata.name" || path == "metadata.namespace";
        if !is_common && !supported(resource).contains(&path) {
            let message = if supported(resource).is_empty() {
                format!(
                    "\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                )
            } else {
                format!("field label not supported: {path}")
            };
            return Err(ApiError::bad_request(message));
        }
        terms.push(FieldTerm {
            path: stored_path(path),
            value: value.to_owned(),
            equal,
        });
    }
    Ok(terms)
}

/// Events of either group are stored in the core form.
fn stored_path(path: &str) -> String {
    match path.strip_prefix("regarding.") {
        Some(rest) => format!("involvedObject.{rest}"),
        None if path == "reportingController" => "reportingComponent".to_owned(),
        None if path == "source" => "source.component".to_owned(),
        None => path.to_owned(),
    }
}

fn field_text(object: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(object, |value, part| value.get(part));
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None if path == "spec.unschedulable" || path == "spec.hostNetwork" => {
            "false".to_owned()
        }
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{EVENTS_V1, NODES, SERVICES};

    fn selects(labels: &str, fields: &str, object: &Value) -> bool {
        Selectors::parse(&SERVICES, labels, fields)
            .expect("parsed")
            .matches(object)
    }

    #[test]
    fn fields_are_those_that_the_kind_supports() {
        let object = json!({"metadata": {"name": "x"}, "spec": {"type": "LoadBalancer"}});
        assert!(selects("", "metadata.name=x,spec.type=LoadBalancer", &object));
        assert!(!selects("", "metadata.name!=x", &object));
        assert!(Selectors::parse(&SERVICES, "", "spec.nodeName=x").is_err());
        let ready = Selectors::parse(&NODES, "", "spec.unschedulable=false").expect("parsed");
        assert!(ready.matches(&json!({"spec": {}})));
        let regarding = Selectors::parse(&EVENTS_V1, "", "regarding.name=x").expect("parsed");
        assert!(regarding.matches(&json!({"involvedObject": {"name": "x"}})));
    }
}
