//! A small signing client for the tests, apart from the controller's own.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud_sim::{
    Account, CloudSim, DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_ACCOUNT, Options,
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha2::{Digest, Sha256};

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// An error answer, or none at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failed {
    /// HTTP status and code.
    Refused(u16, String),
    /// The connection broke.
    Broken,
}

impl Failed {
    /// The code of a refusal.
    pub(crate) fn code(&self) -> &str {
        match self {
            Failed::Refused(_, code) => code,
            Failed::Broken => "",
        }
    }
}

/// Shorthand for the answer of a call.
pub(crate) type Called = Result<Value, Failed>;

/// What a call is signed with. Tests change single parts of it.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) key_id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) nonce: Option<String>,
}

impl Default for Signer {
    fn default() -> Self {
        Signer {
            key_id: DEFAULT_ACCESS_KEY_ID.to_owned(),
            secret: DEFAULT_ACCESS_KEY_SECRET.to_owned(),
            token: None,
            date: None,
            nonce: None,
        }
    }
}

/// Calls one simulator.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) endpoint: String,
    pub(crate) signer: Signer,
    pub(crate) http: reqwest::Client,
}

impl Client {
    /// A client with the default key.
    pub(crate) fn of(sim: &CloudSim) -> Self {
        Client {
            endpoint: sim.endpoint(),
            signer: Signer::default(),
            http: reqwest::Client::new(),
        }
    }

    /// Calls SLB with a V3 signature.
    pub(crate) async fn slb(&self, action: &str, parameters: &[(&str, &str)]) -> Called {
        self.call("2014-05-15", action, parameters).await
    }

    /// Calls with a V3 signature.
    pub(crate) async fn call(&self, version: &str, action: &str, parameters: &[(&str, &str)]) -> Called {
        let query = query_of(
            parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let host = self.endpoint.trim_start_matches("http://");
        let body_hash = hex::encode(Sha256::digest(""));
        let date = self.signer.date.clone().unwrap_or_else(now);
        let nonce = self
            .signer
            .nonce
            .clone()
            .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let mut headers = BTreeMap::from([
            ("host", host),
            ("x-acs-action", action),
            ("x-acs-version", version),
            ("x-acs-date", &date),
            ("x-acs-signature-nonce", &nonce),
            ("x-acs-content-sha256", &body_hash),
        ]);
        if let Some(token) = &self.signer.token {
            headers.insert("x-acs-security-token", token);
        }
        let signed = headers.keys().copied().collect::<Vec<_>>().join(";");
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let canonical = format!("POST\n/\n{query}\n{lines}\n{signed}\n{body_hash}");
        let to_sign = format!("ACS3-HMAC-SHA256\n{}", hex::encode(Sha256::digest(canonical)));
        let mut mac = Hmac::<Sha256>::new_from_slice(self.signer.secret.as_bytes()).unwrap();
        mac.update(to_sign.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        let authorization = format!(
            "ACS3-HMAC-SHA256 Credential={},SignedHeaders={signed},Signature={signature}",
            self.signer.key_id
        );
        let mut request = self.http.post(format!("{}/?{query}", self.endpoint));
        for (name, value) in headers.iter().filter(|(name, _)| **name != "host") {
            request = request.header(*name, *value);
        }
        answer(request.header("authorization", authorization).send().await).await
    }

    /// Calls SLB with a V1 signature; the answer is XML unless `Format` says JSON. Returns status and text.
    pub(crate) async fn v1(&self, action: &str, parameters: &[(&str, &str)]) -> (u16, String) {
        let mut all: BTreeMap<String, String> = BTreeMap::from(
            [
                ("Action", action),
                ("Version", "2014-05-15"),
                ("AccessKeyId", &self.signer.key_id),
                ("SignatureMethod", "HMAC-SHA1"),
                ("SignatureVersion", "1.0"),
                ("SignatureNonce", &uuid::Uuid::new_v4().to_string()),
                ("Timestamp", &now()),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        all.extend(
            parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let query = query_of(all);
        let to_sign = format!("GET&%2F&{}", encoded(&query));
        let mut mac =
            Hmac::<sha1::Sha1>::new_from_slice(format!("{}&", self.signer.secret).as_bytes()).unwrap();
        mac.update(to_sign.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let url = format!("{}/?{query}&Signature={}", self.endpoint, encoded(&signature));
        let response = self.http.get(url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

async fn answer(sent: Result<reqwest::Response, reqwest::Error>) -> Called {
    let Ok(response) = sent else {
        return Err(Failed::Broken);
    };
    let status = response.status().as_u16();
    let body: Value = response.json().await.map_err(|_| Failed::Broken)?;
    assert!(
        body["RequestId"].is_string(),
        "every answer has a request id: {body}"
    );
    if status == 200 {
        return Ok(body);
    }
    assert!(
        body["HostId"].is_string() && body["Message"].is_string(),
        "an error is complete: {body}"
    );
    Err(Failed::Refused(status, body["Code"].as_str().unwrap().to_owned()))
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

fn query_of(pairs: impl IntoIterator<Item = (String, String)>) -> String {
    let mut pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{}={}", encoded(&name), encoded(&value)))
        .collect();
    pairs.sort();
    pairs.join("&")
}

/// A simulator with the lab in it, and a client.
pub(crate) struct Lab {
    pub(crate) sim: CloudSim,
    pub(crate) client: Client,
    pub(crate) account: Account,
}

impl Lab {
    /// With the default options.
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// With other options.
    pub(crate) async fn with(options: Options) -> Self {
        let sim = CloudSim::start(options).await.unwrap();
        let account = sim.cloud().account(DEFAULT_ACCOUNT);
        cloud_sim::lab::build(&account).unwrap();
        let client = Client::of(&sim);
        Lab { sim, client, account }
    }

    /// Calls SLB in the lab's region.
    pub(crate) async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Called {
        let region = ("RegionId", cloud_sim::lab::REGION);
        self.client.slb(action, &[&[region], parameters].concat()).await
    }

    /// The code with which a call is refused.
    pub(crate) async fn refused(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        match self.call(action, parameters).await {
            Ok(answer) => panic!("{action} was carried out: {answer}"),
            Err(failed) => failed.code().to_owned(),
        }
    }

    /// Makes a CLB that is paid by use; its id.
    pub(crate) async fn load_balancer(&self, parameters: &[(&str, &str)]) -> String {
        let parameters = [&[("InstanceChargeType", "PayByCLCU")], parameters].concat();
        text(
            &self.call("CreateLoadBalancer", &parameters).await.unwrap(),
            "LoadBalancerId",
        )
    }

    /// Makes a group with backends on the user's instance; its id.
    pub(crate) async fn group(&self, lb: &str, name: &str) -> String {
        let parameters = [("LoadBalancerId", lb), ("VServerGroupName", name)];
        text(
            &self.call("CreateVServerGroup", &parameters).await.unwrap(),
            "VServerGroupId",
        )
    }

    /// Makes a TCP listener with defaults.
    pub(crate) async fn tcp(&self, lb: &str, port: &str, group: &str) {
        let parameters = [
            ("LoadBalancerId", lb),
            ("ListenerPort", port),
            ("VServerGroupId", group),
            ("Bandwidth", "-1"),
        ];
        self.call("CreateLoadBalancerTCPListener", &parameters)
            .await
            .unwrap();
    }
}

/// A field as text.
pub(crate) fn text(answer: &Value, name: &str) -> String {
    answer[name]
        .as_str()
        .unwrap_or_else(|| panic!("no text in {name}: {answer}"))
        .to_owned()
}
