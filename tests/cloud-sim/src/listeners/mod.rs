//! Listeners: what one is, and the actions on them.
//!
//! A listener's attributes are kept under the names that Describe gives them; the rows of the catalogue say
//! which parameter sets which attribute, so that TCP, UDP, HTTP and HTTPS differ in their rows and little
//! else.

mod check;
mod create;
mod describe;
mod lifecycle;
mod set;

use std::fmt;

use serde_json::{Map, Value, json};

use crate::account::{Owner, Tags};
use crate::catalog::{Action, Kind, Parameter};
use crate::domain_extensions::DomainExtension;
use crate::input::Input;

pub(crate) use check::users_of_acl;
pub(crate) use create::{create_http, create_https, create_tcp, create_udp};
pub(crate) use describe::{describe_http, describe_https, describe_many, describe_tcp, describe_udp};
pub(crate) use lifecycle::{delete, start, stop, which};
pub(crate) use set::{set_http, set_https, set_tcp, set_udp};

/// The protocol of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// HTTP.
    Http,
    /// HTTPS.
    Https,
}

impl Protocol {
    /// All four.
    pub(crate) const ALL: [Protocol; 4] = [Protocol::Tcp, Protocol::Udp, Protocol::Http, Protocol::Https];

    /// As the API writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Http => "http",
            Protocol::Https => "https",
        }
    }

    /// The protocol with that name.
    pub(crate) fn named(name: &str) -> Option<Protocol> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == name)
    }

    /// The name of the object that holds its attributes in DescribeLoadBalancerListeners.
    fn config_name(self) -> &'static str {
        match self {
            Protocol::Tcp => "TCPListenerConfig",
            Protocol::Udp => "UDPListenerConfig",
            Protocol::Http => "HTTPListenerConfig",
            Protocol::Https => "HTTPSListenerConfig",
        }
    }

    /// TCP, HTTP and HTTPS share one port space; UDP has its own.
    fn shares_ports_with(self, other: Protocol) -> bool {
        (self == Protocol::Udp) == (other == Protocol::Udp)
    }

    /// What is there without any parameter saying so.
    fn fixed_attributes(self) -> Map<String, Value> {
        let mut fixed = json!({
            "Description": "", "AclId": "", "AclType": "", "BackendServerPort": 0, "VServerGroupId": "",
        });
        match self {
            Protocol::Tcp => {
                fixed["HealthCheckDomain"] = json!("");
                fixed["HealthCheckMethod"] = json!("head");
                fixed["SynProxy"] = json!("disable");
            }
            Protocol::Udp => {}
            Protocol::Http | Protocol::Https => {
                fixed["HealthCheckDomain"] = json!("");
                fixed["HealthCheckHttpVersion"] = json!("HTTP 1.0");
            }
        }
        if let Value::Object(fixed) = fixed {
            fixed
        } else {
            Map::new()
        }
    }
}

/// Where a listener stands on its load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// 1 to 65535.
    pub port: u16,
    /// Its protocol.
    pub protocol: Protocol,
}

impl fmt::Display for Key {
    /// `tcp/80`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.protocol.name(), self.port)
    }
}

/// One listener.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listener {
    pub running: bool,
    pub attributes: Map<String, Value>,
    pub tags: Tags,
    pub domain_extensions: Vec<DomainExtension>,
    pub owner: Owner,
}

impl Listener {
    /// A stopped listener with nothing but what is always there.
    pub(crate) fn new(protocol: Protocol, owner: Owner) -> Self {
        Listener {
            running: false,
            attributes: protocol.fixed_attributes(),
            tags: Tags::new(),
            domain_extensions: Vec::new(),
            owner,
        }
    }

    /// The attribute as text, empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.attributes
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The attribute as a number, 0 if there is none.
    pub(crate) fn integer(&self, name: &str) -> i64 {
        self.attributes
            .get(name)
            .and_then(Value::as_i64)
            .unwrap_or_default()
    }

    /// Whether it only redirects to an HTTPS listener.
    pub(crate) fn forwards(&self) -> bool {
        self.text("ListenerForward") == "on"
    }

    /// The access control lists that are in force.
    pub(crate) fn acl_ids(&self) -> impl Iterator<Item = &str> {
        self.text("AclId").split(',').filter(|id| !id.is_empty())
    }

    /// `running` or `stopped`.
    pub(crate) fn status(&self) -> &'static str {
        if self.running { "running" } else { "stopped" }
    }

    /// Takes over what the parameters of a call set.
    fn apply(&mut self, action: &Action, input: &Input) {
        for row in &action.parameters {
            if let (Some(attribute), Some(value)) = (row.attribute, input.text(row.name)) {
                self.attributes.insert(attribute.to_owned(), typed(row, value));
            }
        }
        // What is switched off leaves no trace of what it was when on.
        if self.text("AclStatus") != "on" {
            self.attributes.insert("AclId".to_owned(), json!(""));
            self.attributes.insert("AclType".to_owned(), json!(""));
        }
        if self.text("ConnectionDrain") != "on" {
            self.attributes.remove("ConnectionDrainTimeout");
        }
        if self.text("StickySession") != "on" {
            self.attributes.remove("StickySessionType");
        }
        if self.text("StickySessionType") != "insert" {
            self.attributes.remove("CookieTimeout");
        }
        if self.text("StickySessionType") != "server" {
            self.attributes.remove("Cookie");
        }
        if !self.forwards() {
            self.attributes.remove("ForwardPort");
        }
    }
}

/// A parameter's value with the JSON type that Describe gives it.
fn typed(row: &Parameter, value: &str) -> Value {
    match row.kind {
        Kind::Integer { .. } | Kind::Bandwidth { .. } => json!(value.parse::<i64>().unwrap_or_default()),
        Kind::Boolean => json!(value.eq_ignore_ascii_case("true")),
        _ => json!(value),
    }
}
