//! One stored object: its value, its revision, and its JSON, which is made once for all readers and watchers.

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::Value;

use crate::resources::Resource;

/// An object as it is stored; never changed, only replaced.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Without `kind` and `apiVersion`, with `metadata.resourceVersion`.
    pub(crate) value: Value,
    pub(crate) revision: u64,
    /// `value` as JSON.
    json: Bytes,
}

impl Stored {
    /// Takes a value over; sets its resourceVersion.
    pub(crate) fn new(mut value: Value, revision: u64) -> Self {
        if let Some(members) = value.as_object_mut() {
            members.remove("kind");
            members.remove("apiVersion");
        }
        value["metadata"]["resourceVersion"] = revision.to_string().into();
        let json = Bytes::from(value.to_string());
        Self {
            value,
            revision,
            json,
        }
    }

    /// The object as a dry run answers with it: its resourceVersion stays what it was.
    pub(crate) fn dry_run(mut value: Value) -> Self {
        if let Some(members) = value.as_object_mut() {
            members.remove("kind");
            members.remove("apiVersion");
        }
        let json = Bytes::from(value.to_string());
        Self {
            value,
            revision: 0,
            json,
        }
    }

    /// JSON without `kind` and `apiVersion`, as it stands in a list.
    pub(crate) fn item(&self, resource: &Resource) -> Bytes {
        if resource.is_converted() {
            return Bytes::from(crate::events::from_core(&self.value).to_string());
        }
        self.json.clone()
    }

    /// JSON with `kind` and `apiVersion`, as a get or a watch event has it.
    pub(crate) fn document(&self, resource: &Resource) -> Bytes {
        let item = self.item(resource);
        let prefix = format!(
            "{{\"kind\":\"{}\",\"apiVersion\":\"{}\",",
            resource.kind,
            resource.api_version()
        );
        let mut document = BytesMut::with_capacity(prefix.len() + item.len());
        document.put_slice(prefix.as_bytes());
        document.put_slice(&item[1..]);
        document.freeze()
    }

    /// The value with `kind` and `apiVersion` in the form of `resource`.
    pub(crate) fn full_value(&self, resource: &Resource) -> Value {
        let mut value = if resource.is_converted() {
            crate::events::from_core(&self.value)
        } else {
            self.value.clone()
        };
        value["kind"] = resource.kind.into();
        value["apiVersion"] = resource.api_version().into();
        value
    }
}
