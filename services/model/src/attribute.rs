//! The attributes of a listener, in one table: name in the API, kind of value, protocols that have it.
//!
//! The planner compares attributes, the actuator sends and reads them, the wire carries them by name; all of them go by this table.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::api_text::ListenerProtocol;
use crate::identity::InvalidText;

/// What an attribute's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeKind {
    /// `on` or `off`.
    Switch,
    /// `true` or `false` in requests, a boolean or a text in answers.
    Boolean,
    /// A whole number.
    Number,
    /// Any text.
    Text,
}

macro_rules! attributes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $kind:ident, [$($protocol:ident),+];)+) => {
        /// An attribute of a listener.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ListenerAttribute {
            $($(#[$doc])* $variant,)+
        }

        impl ListenerAttribute {
            /// All attributes.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in the API, as `Describe…` returns it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What its value is.
            #[must_use]
            pub fn kind(self) -> AttributeKind {
                match self { $(Self::$variant => AttributeKind::$kind,)+ }
            }

            /// The protocols whose listeners have it.
            #[must_use]
            pub fn protocols(self) -> &'static [ListenerProtocol] {
                match self { $(Self::$variant => &[$(ListenerProtocol::$protocol),+],)+ }
            }
        }
    };
}

attributes! {
    /// Free text; ours says which Service the listener is for.
    Description = "Description", Text, [Tcp, Udp, Http, Https];
    /// rr, wrr, and for TCP and UDP sch, tch.
    Scheduler = "Scheduler", Text, [Tcp, Udp, Http, Https];
    /// Mbps, -1 for no limit.
    Bandwidth = "Bandwidth", Number, [Tcp, Udp, Http, Https];
    /// Whether an access control list is in force.
    AclStatus = "AclStatus", Switch, [Tcp, Udp, Http, Https];
    /// white or black.
    AclType = "AclType", Text, [Tcp, Udp, Http, Https];
    /// The access control list.
    AclId = "AclId", Text, [Tcp, Udp, Http, Https];
    /// Whether backends are checked. Sent as HealthCheckSwitch for TCP and UDP.
    HealthCheck = "HealthCheck", Switch, [Tcp, Udp, Http, Https];
    /// tcp or http.
    HealthCheckType = "HealthCheckType", Text, [Tcp];
    /// Path of an HTTP check.
    HealthCheckUri = "HealthCheckURI", Text, [Tcp, Http, Https];
    /// Host header of an HTTP check.
    HealthCheckDomain = "HealthCheckDomain", Text, [Tcp, Http, Https];
    /// Comma list of http_2xx … http_5xx.
    HealthCheckHttpCode = "HealthCheckHttpCode", Text, [Tcp, Http, Https];
    /// head or get.
    HealthCheckMethod = "HealthCheckMethod", Text, [Http, Https];
    /// Port that is checked; absent means the backend's own.
    HealthCheckConnectPort = "HealthCheckConnectPort", Number, [Tcp, Udp, Http, Https];
    /// What a UDP check sends. No annotation names it: it is kept where a listener is made anew.
    HealthCheckReq = "HealthCheckReq", Text, [Udp];
    /// What the answer to it must be. As the request.
    HealthCheckExp = "HealthCheckExp", Text, [Udp];
    /// Seconds to wait for an answer of a TCP or UDP check.
    HealthCheckConnectTimeout = "HealthCheckConnectTimeout", Number, [Tcp, Udp];
    /// Seconds to wait for an answer of an HTTP check.
    HealthCheckTimeout = "HealthCheckTimeout", Number, [Http, Https];
    /// Seconds between checks.
    HealthCheckInterval = "HealthCheckInterval", Number, [Tcp, Udp, Http, Https];
    /// Successes until a backend is healthy.
    HealthyThreshold = "HealthyThreshold", Number, [Tcp, Udp, Http, Https];
    /// Failures until a backend is unhealthy.
    UnhealthyThreshold = "UnhealthyThreshold", Number, [Tcp, Udp, Http, Https];
    /// Seconds for which a client stays with its backend.
    PersistenceTimeout = "PersistenceTimeout", Number, [Tcp];
    /// Seconds until an idle connection ends.
    EstablishedTimeout = "EstablishedTimeout", Number, [Tcp];
    /// Whether connections to a removed backend may end in peace.
    ConnectionDrain = "ConnectionDrain", Switch, [Tcp, Udp];
    /// Seconds that they have for it.
    ConnectionDrainTimeout = "ConnectionDrainTimeout", Number, [Tcp, Udp];
    /// Whether the client's address is passed on by PROXY protocol.
    ProxyProtocol = "ProxyProtocolV2Enabled", Boolean, [Tcp, Udp];
    /// Whether a cookie keeps a client with its backend.
    StickySession = "StickySession", Switch, [Http, Https];
    /// insert or server.
    StickySessionType = "StickySessionType", Text, [Http, Https];
    /// Name of the server's cookie.
    Cookie = "Cookie", Text, [Http, Https];
    /// Seconds that an inserted cookie lives.
    CookieTimeout = "CookieTimeout", Number, [Http, Https];
    /// Whether X-Forwarded-For is added.
    XForwardedFor = "XForwardedFor", Switch, [Http, Https];
    /// Whether X-Forwarded-Proto is added.
    XForwardedForProto = "XForwardedFor_proto", Switch, [Http, Https];
    /// Whether the listener's port is passed on.
    XForwardedForSlbPort = "XForwardedFor_SLBPORT", Switch, [Http, Https];
    /// Whether the CLB's address is passed on. No annotation names it.
    XForwardedForSlbIp = "XForwardedFor_SLBIP", Switch, [Http, Https];
    /// Whether the CLB's id is passed on. No annotation names it.
    XForwardedForSlbId = "XForwardedFor_SLBID", Switch, [Http, Https];
    /// Whether the client's port is passed on.
    XForwardedForClientSrcPort = "XForwardedFor_ClientSrcPort", Switch, [Http, Https];
    /// Seconds until an idle connection ends.
    IdleTimeout = "IdleTimeout", Number, [Http, Https];
    /// Seconds that a backend has to answer.
    RequestTimeout = "RequestTimeout", Number, [Http, Https];
    /// Whether answers are compressed.
    Gzip = "Gzip", Switch, [Http, Https];
    /// Whether HTTP/2 is spoken.
    Http2 = "EnableHttp2", Switch, [Https];
    /// The TLS policy.
    TlsCipherPolicy = "TLSCipherPolicy", Text, [Https];
    /// The default server certificate.
    ServerCertificateId = "ServerCertificateId", Text, [Https];
    /// The certificate authority of clients. No annotation names it.
    CaCertificateId = "CACertificateId", Text, [Https];
    /// The HTTPS port that requests are redirected to; its presence makes the listener a forwarding one.
    ForwardPort = "ForwardPort", Number, [Http];
}

impl ListenerAttribute {
    /// The attribute of that API name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|attribute| attribute.name() == name)
    }

    /// Whether listeners of the protocol have it.
    #[must_use]
    pub fn applies_to(self, protocol: ListenerProtocol) -> bool {
        self.protocols().contains(&protocol)
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeValue {
    /// Of a [`AttributeKind::Switch`] or a [`AttributeKind::Boolean`].
    On(bool),
    /// Of a [`AttributeKind::Number`].
    Number(i64),
    /// Of a [`AttributeKind::Text`].
    Text(String),
}

impl AttributeValue {
    /// Reads a text of the wire or of the cloud.
    ///
    /// # Errors
    /// A text that is no value of the attribute's kind.
    pub fn parse(attribute: ListenerAttribute, text: &str) -> Result<Self, InvalidText> {
        let (value, allowed) = match attribute.kind() {
            AttributeKind::Switch | AttributeKind::Boolean => (
                match text {
                    "on" | "true" => Some(Self::On(true)),
                    "off" | "false" => Some(Self::On(false)),
                    _ => None,
                },
                "on or off",
            ),
            AttributeKind::Number => (text.parse().ok().map(Self::Number), "a whole number"),
            AttributeKind::Text => (Some(Self::Text(text.to_owned())), "any text"),
        };
        value.ok_or_else(|| InvalidText {
            what: attribute.name(),
            value: text.to_owned(),
            allowed,
        })
    }
}

impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On(true) => f.write_str("on"),
            Self::On(false) => f.write_str("off"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<bool> for AttributeValue {
    fn from(on: bool) -> Self {
        Self::On(on)
    }
}

impl From<i64> for AttributeValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for AttributeValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Some attributes of a listener with their values: all known ones of an observed listener, the named ones of a desired one, the
/// changed ones of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListenerAttributes(BTreeMap<ListenerAttribute, AttributeValue>);

impl ListenerAttributes {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces one.
    pub fn set(&mut self, attribute: ListenerAttribute, value: impl Into<AttributeValue>) {
        self.0.insert(attribute, value.into());
    }

    /// The same with one more, for building.
    #[must_use]
    pub fn with(mut self, attribute: ListenerAttribute, value: impl Into<AttributeValue>) -> Self {
        self.set(attribute, value);
        self
    }

    /// Its value, where it is known.
    #[must_use]
    pub fn get(&self, attribute: ListenerAttribute) -> Option<&AttributeValue> {
        self.0.get(&attribute)
    }

    /// Its text, where it is known and a text.
    #[must_use]
    pub fn text(&self, attribute: ListenerAttribute) -> Option<&str> {
        match self.get(attribute) {
            Some(AttributeValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Takes one out.
    pub fn remove(&mut self, attribute: ListenerAttribute) -> Option<AttributeValue> {
        self.0.remove(&attribute)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (ListenerAttribute, &AttributeValue)> {
        self.0.iter().map(|(attribute, value)| (*attribute, value))
    }

    /// Those of `self` whose value in `observed` is another or unknown.
    #[must_use]
    pub fn that_differ_from(&self, observed: &Self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(attribute, value)| observed.0.get(attribute) != Some(value))
                .map(|(attribute, value)| (*attribute, value.clone()))
                .collect(),
        )
    }

    /// Takes over all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.0.extend(
            other
                .0
                .iter()
                .map(|(attribute, value)| (*attribute, value.clone())),
        );
    }
}

impl FromIterator<(ListenerAttribute, AttributeValue)> for ListenerAttributes {
    fn from_iter<I: IntoIterator<Item = (ListenerAttribute, AttributeValue)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl Serialize for ListenerAttributes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|(attribute, value)| (attribute.name(), value.to_string())),
        )
    }
}

impl<'de> Deserialize<'de> for ListenerAttributes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = BTreeMap::<String, String>::deserialize(deserializer)?;
        texts
            .iter()
            .map(|(name, text)| {
                let attribute = ListenerAttribute::by_name(name).ok_or_else(|| {
                    serde::de::Error::custom(format!("no listener attribute is called {name:?}"))
                })?;
                let value = AttributeValue::parse(attribute, text).map_err(serde::de::Error::custom)?;
                Ok((attribute, value))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_attribute() {
        for attribute in ListenerAttribute::ALL {
            assert_eq!(ListenerAttribute::by_name(attribute.name()), Some(*attribute));
        }
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        let error = AttributeValue::parse(ListenerAttribute::IdleTimeout, "soon").unwrap_err();
        assert_eq!(
            error.to_string(),
            "IdleTimeout \"soon\" is not valid: a whole number"
        );
    }

    #[test]
    fn only_named_and_different_attributes_differ() {
        let observed = ListenerAttributes::new()
            .with(ListenerAttribute::Scheduler, "rr")
            .with(ListenerAttribute::IdleTimeout, 15);
        let desired = ListenerAttributes::new().with(ListenerAttribute::Scheduler, "wrr");
        assert_eq!(desired.that_differ_from(&observed), desired);
        assert!(ListenerAttributes::new().that_differ_from(&observed).is_empty());
    }
}
