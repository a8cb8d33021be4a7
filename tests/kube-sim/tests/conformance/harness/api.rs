//! A client that writes down what it sends and gets.

use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::{Value, json};

use super::transcript::Transcript;
use super::watch::Watch;

static NAMESPACES: AtomicU32 = AtomicU32::new(0);

/// Where a resource's objects live.
fn path_of(resource: &str) -> (&'static str, bool) {
    match resource {
        "endpointslices" => ("/apis/discovery.k8s.io/v1", true),
        "leases" => ("/apis/coordination.k8s.io/v1", true),
        "newevents" => ("/apis/events.k8s.io/v1", true),
        "nodes" | "namespaces" => ("/api/v1", false),
        _ => ("/api/v1", true),
    }
}

/// A kind of patch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Json,
    Merge,
    Strategic,
}

/// One scenario's view of an API: a namespace of its own and a transcript.
pub(crate) struct Api {
    client: Client,
    endpoint: String,
    token: String,
    kubeconfig: String,
    /// Made for this scenario.
    pub(crate) namespace: String,
    transcript: Mutex<Transcript>,
}

impl Api {
    pub(crate) async fn new(endpoint: &str, ca_pem: &str, token: &str, kubeconfig: &str) -> Self {
        let authority = Certificate::from_pem(ca_pem.as_bytes()).expect("certificate");
        let client = Client::builder()
            .tls_certs_only([authority])
            .no_proxy()
            .user_agent("conformance/1")
            .build()
            .expect("client");
        let number = NAMESPACES.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("conformance-{number}");
        let transcript = Mutex::new(Transcript::new(&namespace));
        let (endpoint, token, kubeconfig) = (endpoint.to_owned(), token.to_owned(), kubeconfig.to_owned());
        let api = Self {
            client,
            endpoint,
            token,
            kubeconfig,
            namespace,
            transcript,
        };
        let made = json!({"metadata": {"name": api.namespace}});
        let (status, body) = api
            .quiet(
                Method::POST,
                "/api/v1/namespaces",
                "application/json",
                Some(&made),
            )
            .await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        api
    }

    pub(crate) fn transcript(&self) -> String {
        self.transcript.lock().text()
    }

    pub(crate) fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// Writes a line of its own into the transcript.
    pub(crate) fn note(&self, text: &str) {
        self.transcript.lock().note(text);
    }

    /// Shows `metadata.managedFields` from here on.
    pub(crate) fn show_managers(&self) {
        self.transcript.lock().show_managers();
    }

    /// The path of a resource's collection, or of one object.
    pub(crate) fn path(&self, resource: &str, name: &str) -> String {
        let (base, namespaced) = path_of(resource);
        let plural = if resource == "newevents" {
            "events"
        } else {
            resource
        };
        let collection = if namespaced {
            format!("{base}/namespaces/{}/{plural}", self.namespace)
        } else {
            format!("{base}/{plural}")
        };
        if name.is_empty() {
            collection
        } else {
            format!("{collection}/{name}")
        }
    }

    /// A name that no other scenario has, for cluster-wide objects.
    pub(crate) fn unique(&self, name: &str) -> String {
        format!("{name}-{}", self.namespace)
    }

    /// Sends without a trace in the transcript.
    pub(crate) async fn quiet(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let (status, _headers, text) = self
            .raw(
                method,
                path,
                &[("content-type", media_type)],
                body.map(Value::to_string),
            )
            .await;
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Sends and returns the answer as it is.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> (StatusCode, reqwest::header::HeaderMap, String) {
        let answer = self.open(method, path, headers, body).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        (status, headers, answer.text().await.expect("a body"))
    }

    /// Sends and returns the answer before its body is read.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> reqwest::Response {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.endpoint))
            .bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        request.send().await.expect("an answer")
    }

    /// Opens a watch.
    pub(crate) async fn watch(&self, path: &str) -> Watch<'_> {
        self.watch_as(path, "application/json").await
    }

    /// Opens a watch whose objects come in some form.
    pub(crate) async fn watch_as(&self, path: &str, accept: &str) -> Watch<'_> {
        let answer = self.open(Method::GET, path, &[("accept", accept)], None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        Watch::new(self, answer)
    }

    /// Writes an event of a watch down.
    pub(crate) fn event(&self, event: &Value) {
        self.transcript.lock().event(event);
    }

    /// Sends, writes request and answer down, returns the answer's body.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Option<&Value>,
    ) -> Value {
        let text = body.map(Value::to_string);
        self.send_text(method, path, media_type, text).await
    }

    pub(crate) async fn send_text(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Option<String>,
    ) -> Value {
        let (status, headers, text) = self
            .raw(
                method.clone(),
                path,
                &[("content-type", media_type)],
                body.clone(),
            )
            .await;
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let warnings: Vec<String> = headers
            .get_all("warning")
            .iter()
            .map(|value| value.to_str().unwrap_or_default().to_owned())
            .collect();
        let kind = if media_type == "application/json" {
            ""
        } else {
            media_type
        };
        let request = format!("{method} {path} {kind}");
        self.transcript.lock().exchange(
            request.trim_end(),
            body.as_deref(),
            status.as_u16(),
            &warnings,
            &answer,
        );
        answer
    }

    pub(crate) async fn create(&self, resource: &str, object: Value) -> Value {
        self.send(
            Method::POST,
            &self.path(resource, ""),
            "application/json",
            Some(&object),
        )
        .await
    }

    pub(crate) async fn get(&self, resource: &str, name: &str) -> Value {
        self.send(Method::GET, &self.path(resource, name), "application/json", None)
            .await
    }

    pub(crate) async fn put(&self, resource: &str, name: &str, object: Value) -> Value {
        self.send(
            Method::PUT,
            &self.path(resource, name),
            "application/json",
            Some(&object),
        )
        .await
    }

    pub(crate) async fn patch(&self, kind: Kind, resource: &str, name: &str, patch: Value) -> Value {
        let media_type = match kind {
            Kind::Json => "application/json-patch+json",
            Kind::Merge => "application/merge-patch+json",
            Kind::Strategic => "application/strategic-merge-patch+json",
        };
        self.send(
            Method::PATCH,
            &self.path(resource, name),
            media_type,
            Some(&patch),
        )
        .await
    }

    pub(crate) async fn merge(&self, resource: &str, name: &str, patch: Value) -> Value {
        self.patch(Kind::Merge, resource, name, patch).await
    }

    /// Server-side apply; `query` carries manager and force.
    pub(crate) async fn apply(&self, resource: &str, name: &str, query: &str, object: Value) -> Value {
        let path = format!("{}?{query}", self.path(resource, name));
        self.send(
            Method::PATCH,
            &path,
            "application/apply-patch+yaml",
            Some(&object),
        )
        .await
    }

    pub(crate) async fn delete(&self, resource: &str, name: &str) -> Value {
        self.send(
            Method::DELETE,
            &self.path(resource, name),
            "application/json",
            None,
        )
        .await
    }
}
