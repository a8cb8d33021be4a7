//! Values that are texts of a certain form: names, ids, paths, addresses.

use std::net::Ipv4Addr;

use clb_model::LoadBalancerId;

use super::value::Value;

/// A text with a rule. It cannot be made but from a text that keeps the rule.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $allowed:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl Value for $name {
            const KIND: &'static str = $kind;

            fn allowed() -> String {
                $allowed.to_owned()
            }

            fn parse(text: &str) -> Option<Self> {
                let accepts: fn(&str) -> bool = $accepts;
                accepts(text).then(|| Self(text.to_owned()))
            }
        }
    };
}

text!(
    /// Any text but none.
    NonEmpty, "text", "any value but an empty one", |text| !text.is_empty()
);
text!(
    /// The name of a CLB. The API's own limit is 80 characters; the reference's, which is taken, is 128.
    LoadBalancerName,
    "text",
    "2 to 128 characters: a letter or a Chinese character first, then letters, digits, . _ -",
    |text| {
        let letter = |c: char| c.is_ascii_alphabetic() || is_chinese(c);
        (2..=128).contains(&text.chars().count())
            && text.starts_with(letter)
            && text.chars().all(|c| letter(c) || c.is_ascii_digit() || "._-".contains(c))
    }
);
text!(
    /// The id of a server certificate.
    CertificateId, "id", "the id of a server certificate: letters, digits, - _ .", is_id
);
text!(
    /// The id of an access control list.
    AclId, "id", "the id of one access control list, not a list of them: letters, digits, - _ .", is_id
);
text!(
    /// The id of a vSwitch.
    VSwitchId, "id", "the id of a vSwitch of the cluster's VPC: letters, digits, - _ .", is_id
);
text!(
    /// The id of a zone.
    ZoneId, "id", "the id of a zone: letters, digits, - _ .", is_id
);
text!(
    /// The id of a resource group.
    ResourceGroupId, "id", "the id of a resource group: letters, digits, - _ .", is_id
);
text!(
    /// A host name as the status of a Service may hold it.
    Hostname,
    "host name",
    "a DNS name: labels of at most 63 lower-case letters, digits and - with dots between, at most 253 \
     characters",
    |text| is_dns_name(text) && text.parse::<Ipv4Addr>().is_err()
);
text!(
    /// The name of a server's cookie.
    Cookie,
    "text",
    "1 to 200 characters: letters, digits, - _",
    |text| (1..=200).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
);
text!(
    /// The path of an HTTP check.
    HealthCheckUri,
    "path",
    "1 to 80 characters that begin with /: letters, digits, - / . % ? # & = _ ; ~ ! ( ) * [ ] @ $ ^ : ' +",
    |text| (1..=80).contains(&text.len())
        && text.starts_with('/')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-/.%?#&=_;~!()*[]@$^:'+".contains(&b))
);
text!(
    /// The Host header of an HTTP check.
    HealthCheckDomain,
    "host name",
    "$_ip for the backend's own address, or 1 to 80 characters: letters, digits, . -",
    |text| text == "$_ip"
        || ((1..=80).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b)))
);

impl Value for LoadBalancerId {
    const KIND: &'static str = "id";

    fn allowed() -> String {
        "the id of a CLB that is there: letters, digits, - _ .".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        is_id(text).then(|| Self::new(text).ok()).flatten()
    }
}

impl Value for Ipv4Addr {
    const KIND: &'static str = "address";

    fn allowed() -> String {
        "an IPv4 address of the vSwitch".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(is_of_a_host)
    }
}

/// Whether an address can be that of one host in a network.
fn is_of_a_host(address: &Ipv4Addr) -> bool {
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast())
}

/// Whether a text can be an id of the cloud's: a placeholder in angle brackets cannot, nor a list.
pub(super) fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Whether a text is a DNS name in lower case (RFC 1123), as the API server wants a hostname of the status to
/// be.
pub(super) fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=253).contains(&text.len()) && text.split('.').all(label)
}

/// The CJK blocks that hold the characters of names in practice.
fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c) || ('\u{3400}'..='\u{4dbf}').contains(&c)
}
