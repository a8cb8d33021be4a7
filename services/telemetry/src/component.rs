//! Which service a span belongs to, when several run in one process.

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use opentelemetry_semantic_conventions::resource::{SERVICE_INSTANCE_ID, SERVICE_VERSION};

use crate::attributes::COMPONENT;

/// A service that runs in this process. Its spans are exported with its own resource (`service.name` and so
/// on).
#[derive(Debug, Clone)]
pub struct Component {
    name: &'static str,
    version: &'static str,
    instance: String,
    targets: Vec<String>,
}

impl Component {
    /// A service by its name (`clb-watcher`), the version of the code, and the instance (the pod's name).
    /// Spans whose target begins with the name (`clb_watcher`) are its own.
    #[must_use]
    pub fn new(name: &'static str, version: &'static str, instance: impl Into<String>) -> Self {
        Self {
            name,
            version,
            instance: instance.into(),
            targets: vec![name.replace('-', "_")],
        }
    }

    /// One more crate whose spans are this service's, such as `clb_cloud_client`.
    #[must_use]
    pub fn with_crate(mut self, name: &str) -> Self {
        self.targets.push(name.replace('-', "_"));
        self
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn resource(&self) -> Resource {
        Resource::builder()
            .with_service_name(self.name)
            .with_attribute(KeyValue::new(SERVICE_VERSION, self.version))
            .with_attribute(KeyValue::new(SERVICE_INSTANCE_ID, self.instance.clone()))
            .build()
    }

    fn owns_target(&self, target: &str) -> bool {
        self.targets.iter().any(|own| {
            target
                .strip_prefix(own.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    }
}

/// The components of this process; the first takes what no other claims.
#[derive(Debug, Clone)]
pub(crate) struct Components(Vec<Component>);

impl Components {
    pub(crate) fn new(first: Component, others: Vec<Component>) -> Self {
        Self(std::iter::once(first).chain(others).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Component> {
        self.0.iter()
    }

    /// Which component a finished span belongs to: the attribute if it is set, otherwise the code's module.
    pub(crate) fn index_of(&self, span: &SpanData) -> usize {
        let text = |key: &str| {
            span.attributes
                .iter()
                .find(|attribute| attribute.key.as_str() == key)
                .and_then(|attribute| match &attribute.value {
                    Value::String(text) => Some(text.as_str()),
                    _ => None,
                })
        };
        let named =
            text(COMPONENT).and_then(|name| self.0.iter().position(|component| component.name == name));
        let by_target = || {
            text("target")
                .and_then(|target| self.0.iter().position(|component| component.owns_target(target)))
        };
        named.or_else(by_target).unwrap_or(0)
    }

    pub(crate) fn name_of(&self, span: &SpanData) -> &'static str {
        self.0.get(self.index_of(span)).map_or("", Component::name)
    }
}
