//! The form in which objects are answered: whole, as a table, or their metadata alone (`Accept`).

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde_json::Value;

use super::request::Query;
use crate::errors::ApiError;
use crate::registry::Page;
use crate::resources::Resource;
use crate::storage::Stored;
use crate::table::{self, RowObject};

use super::respond;

/// A negotiated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Representation {
    Whole,
    Table(RowObject),
    Metadata,
}

/// Media types that can be answered, as a refusal names them.
const OFFERED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

fn media_type(range: &str) -> &str {
    range.split(';').next().unwrap_or_default().trim()
}

impl Representation {
    /// The first form of the `Accept` header that is known.
    pub(super) fn negotiate(headers: &HeaderMap, query: &Query) -> Result<Self, ApiError> {
        let accepted = headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("*/*");
        let ranges = || accepted.split(',');
        let is_json = |range: &str| matches!(media_type(range), "application/json" | "application/*" | "*/*");
        ranges().find_map(|range| Self::of(range, query)).ok_or_else(|| {
            if ranges().any(is_json) {
                // JSON, but of a form that is not made.
                let message = format!("only the following media types are accepted: {OFFERED}");
                ApiError::new(406, "NotAcceptable", message)
            } else {
                ApiError::not_acceptable(OFFERED)
            }
        })
    }

    fn of(range: &str, query: &Query) -> Option<Self> {
        if !matches!(media_type(range), "application/json" | "application/*" | "*/*") {
            return None;
        }
        let parts = range.split(';').skip(1).map(str::trim);
        let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
        let parameter = |name: &str| {
            parameters
                .iter()
                .find(|(key, _)| *key == name)
                .map_or("", |(_, value)| *value)
        };
        let is_meta = parameter("g") == "meta.k8s.io" && parameter("v") == "v1";
        match parameter("as") {
            "" => Some(Self::Whole),
            "Table" if is_meta => Some(Self::Table(match query.text("includeObject") {
                "None" => RowObject::None,
                "Object" => RowObject::Object,
                _ => RowObject::Metadata,
            })),
            "PartialObjectMetadata" | "PartialObjectMetadataList" if is_meta => Some(Self::Metadata),
            _ => None,
        }
    }

    /// One object.
    pub(super) fn object(self, resource: &'static Resource, stored: &Stored) -> Bytes {
        self.event_object(resource, stored, true)
    }

    /// The object of a watch event; a table's columns come with the first one only.
    pub(super) fn event_object(self, resource: &'static Resource, stored: &Stored, is_first: bool) -> Bytes {
        let value = match self {
            Self::Whole => return stored.document(resource),
            Self::Metadata => table::metadata_only(stored),
            Self::Table(row_object) => {
                let metadata =
                    serde_json::json!({"resourceVersion": stored.value["metadata"]["resourceVersion"]});
                table::table(resource, &metadata, &[stored], row_object, is_first)
            }
        };
        Bytes::from(value.to_string())
    }

    /// The object of a bookmark: nothing but metadata.
    pub(super) fn bookmark(self, resource: &'static Resource, metadata: &Value) -> Value {
        match self {
            Self::Whole => {
                serde_json::json!({"kind": resource.kind, "apiVersion": resource.api_version(), "metadata": metadata})
            }
            Self::Metadata => serde_json::json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            }),
            Self::Table(row_object) => table::table(resource, metadata, &[], row_object, false),
        }
    }

    /// A page of a list.
    pub(super) fn list(self, resource: &'static Resource, page: &Page) -> Bytes {
        let metadata = respond::list_metadata(page);
        let objects: Vec<&Stored> = page.items.iter().map(AsRef::as_ref).collect();
        let value = match self {
            Self::Whole => return respond::list(resource, page),
            Self::Metadata => {
                let items: Vec<Value> = objects.into_iter().map(table::metadata_only).collect();
                serde_json::json!({
                    "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items,
                })
            }
            Self::Table(row_object) => table::table(resource, &metadata, &objects, row_object, true),
        };
        Bytes::from(value.to_string())
    }
}
