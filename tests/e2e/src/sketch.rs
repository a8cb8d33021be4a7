//! Services as scenarios write them: a name, ports, annotations.

use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

/// Where annotations about the CLB begin.
const PREFIX: &str = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";

/// A Service that is applied as `kubectl apply --server-side` does: what an earlier one had and this one has not goes.
#[derive(Debug, Clone)]
pub struct Sketch {
    namespace: String,
    name: String,
    object: Value,
}

impl Sketch {
    /// Of type LoadBalancer in the namespace default, without ports; its selector is `app: NAME`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            object: json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "namespace": "default", "annotations": {}},
                "spec": {"type": "LoadBalancer", "selector": {"app": name}, "ports": []},
            }),
        }
    }

    /// With one more TCP port, whose target is 8080.
    #[must_use]
    pub fn tcp(self, port: u16) -> Self {
        self.port("TCP", port)
    }

    /// With one more UDP port, whose target is 8080.
    #[must_use]
    pub fn udp(self, port: u16) -> Self {
        self.port("UDP", port)
    }

    fn port(mut self, protocol: &str, port: u16) -> Self {
        let name = format!("{}-{port}", protocol.to_lowercase());
        let entry = json!({"name": name, "protocol": protocol, "port": port, "targetPort": 8080});
        if let Some(ports) = self.object["spec"]["ports"].as_array_mut() {
            ports.push(entry);
        }
        self
    }

    /// With an annotation, named without `service.beta.kubernetes.io/alibaba-cloud-loadbalancer-`.
    #[must_use]
    pub fn annotated(mut self, suffix: &str, value: &str) -> Self {
        self.object["metadata"]["annotations"][format!("{PREFIX}{suffix}")] = json!(value);
        self
    }

    /// With an annotation by its whole name.
    #[must_use]
    pub fn plain_annotation(mut self, name: &str, value: &str) -> Self {
        self.object["metadata"]["annotations"][name] = json!(value);
        self
    }

    /// With a field of its spec.
    #[must_use]
    pub fn spec(mut self, field: &str, value: Value) -> Self {
        self.object["spec"][field] = value;
        self
    }

    /// As JSON.
    #[must_use]
    pub fn object(&self) -> &Value {
        &self.object
    }

    /// Applies it.
    ///
    /// # Errors
    /// The refusal of the API server.
    pub async fn apply(&self, client: &kube::Client) -> kube::Result<Service> {
        let api: Api<Service> = Api::namespaced(client.clone(), &self.namespace);
        let params = PatchParams::apply("clb-e2e").force();
        api.patch(&self.name, &params, &Patch::Apply(&self.object)).await
    }
}
