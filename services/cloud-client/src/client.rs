//! Signs and sends one call, once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::action::{Action, Parameters};
use crate::answer::Node;
use crate::classify::classify;
use crate::credentials::{Credentials, CredentialsProvider};
use crate::endpoint::{EndpointError, Endpoints};
use crate::error::{CallError, Failure, Refusal};
use crate::scrub::scrub;
use crate::signature::{ToSign, sha256_hex};

/// An answer is cut off here; the largest real ones (100 CLBs with 20 tags each) have some 300 KiB.
const ANSWER_LIMIT: usize = 16 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What a [`Client`] is made of.
pub struct ClientSetup {
    /// The region that all calls are for.
    pub region: String,
    /// Where to.
    pub endpoints: Endpoints,
    /// What to sign with.
    pub credentials: Arc<dyn CredentialsProvider>,
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// An endpoint cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The HTTP client cannot be built, for want of root certificates as a rule.
    #[error("no HTTP client: {0} (are CA certificates installed?)")]
    Http(String),
}

/// Sends calls of one account to one region. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    region: Arc<str>,
    endpoints: Arc<Endpoints>,
    credentials: Arc<dyn CredentialsProvider>,
    http: reqwest::Client,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    /// The HTTP client cannot be built.
    pub fn new(setup: ClientSetup) -> Result<Self, SetupError> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // The API never redirects; a redirect would carry signed headers elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("clb-controller/", env!("CARGO_PKG_VERSION")));
        if setup.endpoints.all_local() {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| SetupError::Http(root_cause(&error)))?;
        Ok(Self {
            region: setup.region.into(),
            endpoints: Arc::new(setup.endpoints),
            credentials: setup.credentials,
            http,
        })
    }

    /// The region that all calls are for.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Signs and sends a call, and waits at most `timeout` for the answer.
    ///
    /// # Errors
    /// See [`Failure`]; nothing is retried here.
    pub async fn send<A: Action>(&self, action: &A, timeout: Duration) -> Result<A::Answer, CallError> {
        let (product, name) = (action.product(), action.name());
        let span = tracing::info_span!(
            "cloud call",
            otel.name = %format_args!("{product}.{name}"),
            otel.kind = "client",
            cloud.action = name,
            cloud.region = &*self.region,
            http.response.status_code = Empty,
            aliyun.request_id = Empty,
            error.type = Empty,
            otel.status_code = Empty,
        );
        let result = self.exchange(action, timeout).instrument(span.clone()).await;
        if let Err(error) = &result {
            span.record("error.type", error.label());
            span.record("otel.status_code", "ERROR");
            if let Some(refusal) = error.refusal() {
                span.record("aliyun.request_id", &refusal.request_id);
            }
        }
        result
    }

    async fn exchange<A: Action>(&self, action: &A, timeout: Duration) -> Result<A::Answer, CallError> {
        let fail = |failure| CallError {
            action: action.name(),
            region: self.region.to_string(),
            failure,
        };
        let credentials = self
            .credentials
            .credentials()
            .await
            .and_then(|credentials| credentials.check().map(|()| credentials))
            .map_err(|error| fail(Failure::NoCredentials(error)))?;
        let mut parameters = Parameters::default();
        parameters.set("RegionId", &self.region);
        action.parameters(&mut parameters);
        let request = self
            .signed(action, &parameters.into_query(), &credentials)
            .map_err(fail)?
            .timeout(timeout);

        let response = request.send().await.map_err(|error| fail(not_answered(&error)))?;
        let status = response.status().as_u16();
        let body = read_body(response).await.map_err(fail)?;
        let span = tracing::Span::current();
        span.record("http.response.status_code", status);

        let Ok(json) = serde_json::from_slice::<Value>(&body) else {
            return Err(fail(Failure::Unknown(format!("HTTP {status} without JSON"))));
        };
        let node = Node(&json);
        if let Some(request_id) = node.text("RequestId") {
            span.record("aliyun.request_id", request_id);
        }
        if !(200..300).contains(&status) {
            return Err(fail(Failure::Refused(refusal(node, status, &credentials))));
        }
        action
            .read(node)
            .map_err(|answer| CallError::unexpected(action.name(), &self.region, &answer))
    }

    /// Signs anew: the nonce and the date are of this attempt.
    fn signed<A: Action>(
        &self,
        action: &A,
        query: &str,
        credentials: &Credentials,
    ) -> Result<reqwest::RequestBuilder, Failure> {
        let endpoint = self.endpoints.of(action.product());
        let content_hash = sha256_hex(b"");
        let mut headers = BTreeMap::from([
            ("host", authority(endpoint)),
            ("x-acs-action", action.name().to_owned()),
            ("x-acs-content-sha256", content_hash.clone()),
            (
                "x-acs-date",
                Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            ),
            ("x-acs-signature-nonce", uuid::Uuid::new_v4().simple().to_string()),
            ("x-acs-version", action.product().version().to_owned()),
        ]);
        if let Some(token) = &credentials.token {
            headers.insert("x-acs-security-token", token.expose_secret().to_owned());
        }
        let authorization = ToSign {
            method: "POST",
            query,
            headers: &headers,
            content_hash: &content_hash,
        }
        .authorization(&credentials.key_id, &credentials.secret);

        let mut url = endpoint.clone();
        url.set_query(Some(query));
        let mut request = self.http.post(url).header("accept", "application/json");
        for (name, value) in headers.into_iter().filter(|(name, _)| *name != "host") {
            request = request.header(name, sensitive(name, &value)?);
        }
        let authorization = sensitive("authorization", authorization.expose_secret())?;
        Ok(request.header("authorization", authorization))
    }
}

/// A header value that no Debug output shows.
fn sensitive(name: &str, value: &str) -> Result<reqwest::header::HeaderValue, Failure> {
    let mut header = reqwest::header::HeaderValue::from_str(value)
        .map_err(|_| Failure::NotSent(format!("header {name} cannot hold its value")))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Host and, where it is not the scheme's own, port: as the HTTP client sends them.
fn authority(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > ANSWER_LIMIT => {
                return Err(Failure::Unknown("the answer is too long".to_owned()));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(Failure::Unknown(root_cause(&error))),
        }
    }
}

fn refusal(answer: Node<'_>, status: u16, credentials: &Credentials) -> Refusal {
    let code = answer.text("Code").unwrap_or_else(|| format!("HTTP{status}"));
    // A message quotes at most what was sent; an endless one is of no use to anybody.
    let message: String = scrub(&answer.text_or_empty("Message"), Some(credentials))
        .chars()
        .take(500)
        .collect();
    Refusal {
        class: classify(&code, &message, status),
        code: scrub(&code, Some(credentials)),
        message,
        request_id: answer.text_or_empty("RequestId"),
        status,
    }
}

fn not_answered(error: &reqwest::Error) -> Failure {
    let reason = root_cause(error);
    if error.is_connect() || error.is_builder() {
        Failure::NotSent(reason)
    } else if error.is_timeout() {
        Failure::Unknown("no answer in time".to_owned())
    } else {
        Failure::Unknown(reason)
    }
}

/// The innermost reason: the outer ones name the URL, which holds all parameters.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if std::ptr::eq(cause, error) {
        return "the HTTP client failed".to_owned();
    }
    scrub(&cause.to_string(), None)
}
