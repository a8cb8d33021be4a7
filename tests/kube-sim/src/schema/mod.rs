//! The types of the API: what each field may hold, how lists merge, which zero values are left out.
//!
//! Read once from two files in `openapi/`: `schemas.json` (the component schemas that the real kube-apiserver 1.36 serves
//! for our kinds) and `go-types.json` (the Go type and JSON options of each field, from `k8s.io/api`). Decoding uses it
//! to refuse and prune as Go's decoder does, strategic merge and server-side apply to tell atomic, set and map lists apart.

mod decode;
mod load;
mod scalar;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use decode::decode;
pub(crate) use scalar::format_time;

use crate::resources::Resource;

/// Index of a struct in [`Schemas`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TypeId(usize);

/// What a value may look like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// A Go struct.
    Struct(TypeId),
    /// A list and how its entries are told apart.
    List(Box<Shape>),
    /// A map with free keys.
    Map(Box<Shape>),
    /// Text.
    String,
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// Floating point.
    Float,
    /// Boolean.
    Bool,
    /// Base64 text.
    Bytes,
    /// Seconds, RFC 3339.
    Time,
    /// Microseconds, RFC 3339.
    MicroTime,
    /// A resource quantity.
    Quantity,
    /// A number or a name.
    IntOrString,
    /// Anything: `FieldsV1`, `RawExtension`.
    Any,
}

/// How server-side apply treats the entries of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum ListType {
    /// Replaced as a whole.
    #[default]
    Atomic,
    /// A set of scalars.
    Set,
    /// Structs told apart by these fields.
    Map(Vec<String>),
}

/// How a strategic merge patch treats a field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PatchStrategy {
    /// Lists are merged rather than replaced.
    pub(crate) merge: bool,
    /// A patch without some keys removes them (`retainKeys`).
    pub(crate) retain_keys: bool,
    /// The field by which list entries are matched; `None` for lists of scalars.
    pub(crate) merge_key: Option<String>,
}

/// One field of a struct.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) shape: Shape,
    /// Go type as error messages show it, such as `[]v1.ServicePort`.
    pub(crate) go_type: String,
    /// A pointer keeps its zero value.
    pub(crate) pointer: bool,
    /// `omitempty`: the zero value is left out.
    pub(crate) omit_empty: bool,
    /// `omitzero`: a zero struct is left out.
    pub(crate) omit_zero: bool,
    pub(crate) list_type: ListType,
    /// `x-kubernetes-map-type: atomic` of the field itself.
    pub(crate) atomic: bool,
    pub(crate) patch: PatchStrategy,
    /// `default` of the schema, which fills the keys of list entries in server-side apply.
    pub(crate) default: Option<serde_json::Value>,
}

/// A Go struct.
#[derive(Debug)]
pub(crate) struct Struct {
    /// OpenAPI name, such as `io.k8s.api.core.v1.ServicePort`.
    pub(crate) name: String,
    /// Go name, such as `ServicePort`.
    pub(crate) go_name: String,
    /// `x-kubernetes-map-type: atomic` of the type: it changes only as a whole.
    pub(crate) atomic: bool,
    pub(crate) fields: HashMap<String, Field>,
}

/// All structs.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    structs: Vec<Struct>,
    by_name: HashMap<String, TypeId>,
}

impl Schemas {
    /// The struct behind an index that this value gave out.
    pub(crate) fn get(&self, id: TypeId) -> &Struct {
        &self.structs[id.0]
    }

    /// The root type of a resource's objects.
    pub(crate) fn root(&self, resource: &Resource) -> TypeId {
        #[expect(
            clippy::expect_used,
            reason = "the embedded schema has every row of the resource table; a test checks it"
        )]
        *self
            .by_name
            .get(&resource.schema_name())
            .expect("every resource has a schema")
    }

    /// A type by its OpenAPI name.
    pub(crate) fn by_name(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }
}

/// The component schemas as text, as the OpenAPI endpoints serve them.
pub(crate) const COMPONENT_SCHEMAS: &str = include_str!("../../openapi/schemas.json");

/// Go types by OpenAPI name and field.
const GO_TYPES: &str = include_str!("../../openapi/go-types.json");

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "both files are part of the crate; a test loads them"
    )]
    load::load(COMPONENT_SCHEMAS, GO_TYPES).expect("the embedded schemas are well-formed")
});

/// The schemas of every kind that is served.
pub(crate) fn schemas() -> &'static Schemas {
    &SCHEMAS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources;

    #[test]
    fn every_resource_has_a_root_type() {
        for resource in resources::ALL {
            let root = schemas().get(schemas().root(resource));
            assert!(root.fields.contains_key("metadata"), "{}", resource.plural);
        }
    }

    #[test]
    fn service_ports_merge_by_port_and_apply_by_port_and_protocol() {
        let spec = schemas()
            .by_name("io.k8s.api.core.v1.ServiceSpec")
            .expect("ServiceSpec");
        let ports = &schemas().get(spec).fields["ports"];
        assert_eq!(ports.patch.merge_key.as_deref(), Some("port"));
        assert_eq!(
            ports.list_type,
            ListType::Map(vec!["port".to_owned(), "protocol".to_owned()])
        );
        assert_eq!(ports.go_type, "[]v1.ServicePort");
    }
}
