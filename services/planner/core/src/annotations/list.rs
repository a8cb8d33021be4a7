//! Values that are comma lists: protocols and ports, redirects, tags, labels, certificates by domain, groups
//! by port.
//!
//! An empty item, an item of another form and a key that comes twice make the whole list invalid.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::VServerGroupId;
use clb_model::cloud::ListenerProtocol;
use clb_model::cluster::Transport;

use super::text::{CertificateId, is_dns_name, is_id};
use super::value::Value;

/// Reads `first<separator>second` pairs into a map.
fn pairs<K: Ord, V>(
    text: &str,
    separator: char,
    read: impl Fn(&str, &str) -> Option<(K, V)>,
) -> Option<BTreeMap<K, V>> {
    let mut map = BTreeMap::new();
    for item in text.split(',') {
        let (first, second) = item.split_once(separator)?;
        let (key, value) = read(first, second)?;
        if map.insert(key, value).is_some() {
            return None;
        }
    }
    Some(map)
}

/// A port as the API takes it: 1 to 65535, digits only.
fn port(text: &str) -> Option<u16> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
        .filter(|port| *port > 0)
}

/// `protocol-port`: the protocols of listeners by port. TCP, HTTP and HTTPS share one space of ports; UDP has
/// its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtocolPorts(BTreeMap<(u16, Transport), ListenerProtocol>);

impl ProtocolPorts {
    /// The protocol that the list names for a port of the Service.
    #[must_use]
    pub fn protocol(&self, port: u16, transport: Transport) -> Option<ListenerProtocol> {
        self.0.get(&(port, transport)).copied()
    }

    /// The pairs, by port.
    pub fn iter(&self) -> impl Iterator<Item = (u16, ListenerProtocol)> {
        self.0.iter().map(|((port, _), protocol)| (*port, *protocol))
    }
}

impl Value for ProtocolPorts {
    const KIND: &'static str = "list of protocol:port";

    fn allowed() -> String {
        "pairs of protocol (tcp, udp, http, https) and port (1 to 65535) as protocol:port, with commas \
         between, each port once"
            .to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        pairs(text, ':', |protocol, number| {
            let protocol: ListenerProtocol = protocol.parse().ok()?;
            Some(((port(number)?, protocol.transport()), protocol))
        })
        .map(Self)
    }
}

/// `forward-port`: HTTPS ports by the HTTP ports that redirect to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardPorts(BTreeMap<u16, u16>);

impl ForwardPorts {
    /// The HTTPS port to which an HTTP port redirects.
    #[must_use]
    pub fn target(&self, port: u16) -> Option<u16> {
        self.0.get(&port).copied()
    }

    /// Pairs of HTTP and HTTPS port.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u16)> {
        self.0.iter().map(|(from, to)| (*from, *to))
    }
}

impl Value for ForwardPorts {
    const KIND: &'static str = "list of port:port";

    fn allowed() -> String {
        "pairs of HTTP port and HTTPS port as 80:443, with commas between, each HTTP port once".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        pairs(text, ':', |from, to| Some((port(from)?, port(to)?))).map(Self)
    }
}

/// `additional-resource-tags`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Values by key.
    #[must_use]
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl Value for Tags {
    const KIND: &'static str = "list of key=value";

    fn allowed() -> String {
        "pairs as key=value, with commas between, each key once; keys of 1 to 64 and values of 0 to 128 \
         characters that neither begin with aliyun or acs: nor hold http:// or https://"
            .to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        // The cloud refuses these in any case of letters.
        let lower = str::to_lowercase;
        let fits = |text: &str, most: usize| {
            text.chars().count() <= most
                && !text.chars().any(char::is_control)
                && !["aliyun", "acs:"]
                    .iter()
                    .any(|start| lower(text).starts_with(start))
                && !["http://", "https://"]
                    .iter()
                    .any(|part| lower(text).contains(part))
        };
        // Alibaba's controller takes blanks around each pair, here only.
        let trimmed: Vec<&str> = text.split(',').map(str::trim).collect();
        pairs(&trimmed.join(","), '=', |key, value| {
            (!key.is_empty() && fits(key, 64) && fits(value, 128)).then(|| (key.to_owned(), value.to_owned()))
        })
        .map(Self)
    }
}

/// `backend-label`: labels that a Node must have, all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLabels(BTreeMap<String, String>);

impl NodeLabels {
    /// Whether a Node with these labels is meant.
    #[must_use]
    pub fn match_all(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

impl Value for NodeLabels {
    const KIND: &'static str = "list of key=value";

    fn allowed() -> String {
        "labels of Nodes as key=value, with commas between, each key once; a Node must have all of them"
            .to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        pairs(text, '=', |key, value| {
            (is_label_key(key) && is_label_value(value)).then(|| (key.to_owned(), value.to_owned()))
        })
        .map(Self)
    }
}

/// Whether Kubernetes takes a text for a label's key: a name, perhaps with a DNS name and a slash before it.
fn is_label_key(text: &str) -> bool {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    prefix.is_none_or(is_dns_name) && !name.is_empty() && is_label_value(name)
}

/// Whether Kubernetes takes a text for a label's value: at most 63 characters, letters or digits at both ends; none is one too.
fn is_label_value(text: &str) -> bool {
    let is_end = |end: Option<&u8>| end.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

/// `domain-extensions`: certificates by the domain that they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainCertificates(BTreeMap<String, CertificateId>);

impl DomainCertificates {
    /// Certificates by domain.
    #[must_use]
    pub fn as_map(&self) -> &BTreeMap<String, CertificateId> {
        &self.0
    }
}

impl Value for DomainCertificates {
    const KIND: &'static str = "list of domain:certificate";

    fn allowed() -> String {
        "pairs of domain (*. may come first) and certificate id as domain:id, with commas between, each \
         domain once"
            .to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        pairs(text, ':', |domain, certificate| {
            let domain = domain.to_ascii_lowercase();
            let plain = domain.strip_prefix("*.").unwrap_or(&domain);
            let certificate = CertificateId::parse(certificate)?;
            is_dns_name(plain).then_some((domain.clone(), certificate))
        })
        .map(Self)
    }
}

/// `vgroup-port`: the user's vServer groups by the Service's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VGroupPorts(BTreeMap<u16, VServerGroupId>);

impl VGroupPorts {
    /// The group for a port of the Service.
    #[must_use]
    pub fn group(&self, port: u16) -> Option<&VServerGroupId> {
        self.0.get(&port)
    }

    /// Groups by port.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &VServerGroupId)> {
        self.0.iter().map(|(port, group)| (*port, group))
    }
}

impl Value for VGroupPorts {
    const KIND: &'static str = "list of vServer group:port";

    fn allowed() -> String {
        "pairs of vServer group id and port of the Service as rsp-id:port, with commas between, each port \
         once"
            .to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        pairs(text, ':', |group, number| {
            let group = is_id(group).then(|| VServerGroupId::new(group).ok()).flatten()?;
            Some((port(number)?, group))
        })
        .map(Self)
    }
}

/// `health-check-httpcode`: the answers that a healthy backend gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCodes(String);

impl HttpCodes {
    /// The list as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for HttpCodes {
    const KIND: &'static str = "list of words";

    fn allowed() -> String {
        "one or more of http_2xx, http_3xx, http_4xx, http_5xx with commas between, each once".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut seen = BTreeSet::new();
        text.split(',')
            .all(|code| ["http_2xx", "http_3xx", "http_4xx", "http_5xx"].contains(&code) && seen.insert(code))
            .then(|| Self(text.to_owned()))
    }
}
