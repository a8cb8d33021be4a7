//! The one table of what this API serves: group, version, names, scope and subresources of every resource.
//!
//! Storage, discovery, OpenAPI paths, routing and the in-process calls all read it; a further resource is one more
//! row here (and a schema in `openapi/`).

/// One resource of the API, as `kubectl api-resources` would list it.
#[derive(Debug)]
pub struct Resource {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// API version, without the group.
    pub version: &'static str,
    /// Name in paths.
    pub plural: &'static str,
    /// Name that kubectl accepts and prints.
    pub singular: &'static str,
    /// Go type name, as it stands in `kind`.
    pub kind: &'static str,
    /// Abbreviations that kubectl accepts.
    pub short_names: &'static [&'static str],
    /// kubectl categories, such as `all`.
    pub categories: &'static [&'static str],
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Whether `…/status` exists, so that a plain write leaves `status` alone.
    pub status: bool,
    /// Package of the type in the OpenAPI document.
    package: &'static str,
    /// Position in the storage's list of tables; two resources may share one.
    pub(crate) table: usize,
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.group == other.group && self.plural == other.plural
    }
}

impl Resource {
    /// `v1` or `group/v1`, as it stands in `apiVersion`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Kind of a list of these.
    pub fn list_kind(&self) -> String {
        format!("{}List", self.kind)
    }

    /// `services` or `endpointslices.discovery.k8s.io`: how error messages name the resource.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// `Service` or `EndpointSlice.discovery.k8s.io`: how validation messages name the kind.
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() {
            self.kind.to_owned()
        } else {
            format!("{}.{}", self.kind, self.group)
        }
    }

    /// Name of the type in the OpenAPI document.
    pub fn schema_name(&self) -> String {
        format!("{}.{}", self.package, self.kind)
    }

    /// Whether many can be deleted at once.
    pub(crate) fn deletes_collections(&self) -> bool {
        self.plural != "namespaces"
    }

    /// The resource whose form is stored: its own, save for `events.k8s.io`, whose objects are core events.
    pub(crate) fn stored_as(&self) -> &'static Resource {
        TABLES[self.table]
    }

    /// Whether objects are stored in another resource's form and have to be converted.
    pub(crate) fn is_converted(&self) -> bool {
        self.stored_as() != self
    }
}

const CORE: &str = "io.k8s.api.core.v1";

/// `namespaces`.
pub static NAMESPACES: Resource = Resource {
    group: "",
    version: "v1",
    plural: "namespaces",
    singular: "namespace",
    kind: "Namespace",
    short_names: &["ns"],
    categories: &[],
    namespaced: false,
    status: true,
    package: CORE,
    table: 0,
};

/// `nodes`.
pub static NODES: Resource = Resource {
    group: "",
    version: "v1",
    plural: "nodes",
    singular: "node",
    kind: "Node",
    short_names: &["no"],
    categories: &[],
    namespaced: false,
    status: true,
    package: CORE,
    table: 1,
};

/// `services`.
pub static SERVICES: Resource = Resource {
    group: "",
    version: "v1",
    plural: "services",
    singular: "service",
    kind: "Service",
    short_names: &["svc"],
    categories: &["all"],
    namespaced: true,
    status: true,
    package: CORE,
    table: 2,
};

/// `pods`.
pub static PODS: Resource = Resource {
    group: "",
    version: "v1",
    plural: "pods",
    singular: "pod",
    kind: "Pod",
    short_names: &["po"],
    categories: &["all"],
    namespaced: true,
    status: true,
    package: CORE,
    table: 3,
};

/// `configmaps`.
pub static CONFIG_MAPS: Resource = Resource {
    group: "",
    version: "v1",
    plural: "configmaps",
    singular: "configmap",
    kind: "ConfigMap",
    short_names: &["cm"],
    categories: &[],
    namespaced: true,
    status: false,
    package: CORE,
    table: 4,
};

/// `endpoints`.
pub static ENDPOINTS: Resource = Resource {
    group: "",
    version: "v1",
    plural: "endpoints",
    singular: "endpoints",
    kind: "Endpoints",
    short_names: &["ep"],
    categories: &[],
    namespaced: true,
    status: false,
    package: CORE,
    table: 5,
};

/// `events` of the core group.
pub static EVENTS: Resource = Resource {
    group: "",
    version: "v1",
    plural: "events",
    singular: "event",
    kind: "Event",
    short_names: &["ev"],
    categories: &[],
    namespaced: true,
    status: false,
    package: CORE,
    table: 6,
};

/// `endpointslices.discovery.k8s.io`.
pub static ENDPOINT_SLICES: Resource = Resource {
    group: "discovery.k8s.io",
    version: "v1",
    plural: "endpointslices",
    singular: "endpointslice",
    kind: "EndpointSlice",
    short_names: &[],
    categories: &[],
    namespaced: true,
    status: false,
    package: "io.k8s.api.discovery.v1",
    table: 7,
};

/// `leases.coordination.k8s.io`.
pub static LEASES: Resource = Resource {
    group: "coordination.k8s.io",
    version: "v1",
    plural: "leases",
    singular: "lease",
    kind: "Lease",
    short_names: &[],
    categories: &[],
    namespaced: true,
    status: false,
    package: "io.k8s.api.coordination.v1",
    table: 8,
};

/// `events.events.k8s.io`: the same objects as [`EVENTS`] in the newer form.
pub static EVENTS_V1: Resource = Resource {
    group: "events.k8s.io",
    version: "v1",
    plural: "events",
    singular: "event",
    kind: "Event",
    short_names: &["ev"],
    categories: &[],
    namespaced: true,
    status: false,
    package: "io.k8s.api.events.v1",
    table: 6,
};

/// Every resource that is served, in the order in which discovery lists them.
pub static ALL: [&Resource; 10] = [
    &CONFIG_MAPS,
    &ENDPOINTS,
    &EVENTS,
    &NAMESPACES,
    &NODES,
    &PODS,
    &SERVICES,
    &EVENTS_V1,
    &LEASES,
    &ENDPOINT_SLICES,
];

/// The storage's tables in order of [`Resource::table`].
pub(crate) static TABLES: [&Resource; 9] = [
    &NAMESPACES,
    &NODES,
    &SERVICES,
    &PODS,
    &CONFIG_MAPS,
    &ENDPOINTS,
    &EVENTS,
    &ENDPOINT_SLICES,
    &LEASES,
];

/// The resource at a path's group, version and plural name.
pub fn by_path(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    ALL.into_iter()
        .find(|resource| resource.group == group && resource.version == version && resource.plural == plural)
}

/// The resource that an object's `apiVersion` and `kind` name.
pub fn by_kind(api_version: &str, kind: &str) -> Option<&'static Resource> {
    ALL.into_iter()
        .find(|resource| resource.kind == kind && resource.api_version() == api_version)
}

/// Groups and versions in the order in which discovery lists them.
pub(crate) fn groups() -> Vec<(&'static str, &'static str)> {
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for resource in ALL {
        if !groups.contains(&(resource.group, resource.version)) {
            groups.push((resource.group, resource.version));
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_hold_what_their_position_says() {
        for (position, resource) in TABLES.iter().enumerate() {
            assert_eq!(resource.table, position, "{}", resource.plural);
        }
        assert!(EVENTS_V1.is_converted() && !EVENTS.is_converted());
    }
}
