//! The plain types that a field can have: text, numbers, durations, addresses, paths, secrets.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use crate::document::{Node, Value};
use crate::field::Bounded;
use crate::read::At;
use crate::setting::{Setting, Shape};

/// Reads a scalar with `parse`; the base of every plain type, also of those that other crates declare with
/// [`scalar!`](crate::scalar).
#[doc(hidden)]
pub fn from_text<T>(
    node: &Node,
    at: &mut At<'_>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    match &node.value {
        Value::Text(text) => match parse(text) {
            Ok(value) => Some(value),
            Err(why) => {
                at.wrong(node, why);
                None
            }
        },
        other => {
            at.wrong(node, format!("{} where one plain value is needed", other.kind()));
            None
        }
    }
}

/// Makes a type usable as a setting: `scalar!(ClusterId, "an id of …", |text| text.parse().map_err(|e|
/// e.to_string()));`
#[macro_export]
macro_rules! scalar {
    ($type:ty, $allowed:expr, $parse:expr) => {
        $crate::scalar!($type, $allowed, $parse, secret: false, switch: false);
    };
    ($type:ty, $allowed:expr, $parse:expr, secret: $secret:expr, switch: $switch:expr) => {
        impl $crate::Setting for $type {
            fn shape() -> $crate::Shape {
                $crate::Shape::Scalar {
                    allowed: ::std::string::String::from($allowed),
                    secret: $secret,
                    switch: $switch,
                }
            }

            fn from_node(node: &$crate::Node, at: &mut $crate::At<'_>) -> ::std::option::Option<Self> {
                $crate::__private::from_text(node, at, $parse)
            }
        }
    };
}

scalar!(String, "text", |text: &str| Ok(text.to_owned()));
scalar!(PathBuf, "a path", |text: &str| {
    if text.is_empty() {
        Err("empty".to_owned())
    } else {
        Ok(Self::from(text))
    }
});
scalar!(bool, "true or false", parse_bool, secret: false, switch: true);
scalar!(Duration, "a duration such as 500ms, 30s or 1h30m", parse_duration);
scalar!(
    SocketAddr,
    "an IP address with a port, such as 127.0.0.1:8080 or [::]:8080",
    parse_with("IP address with a port")
);
scalar!(
    IpAddr,
    "an IP address, such as 10.0.0.1",
    parse_with("IP address")
);
scalar!(
    IpNet,
    "a network in CIDR form, such as 10.0.0.0/8",
    parse_with("network in CIDR form")
);
scalar!(Url, "an http or https URL, such as https://host:8443", parse_url);
scalar!(SecretString, "a secret text", |text: &str| Ok(Self::from(text)), secret: true, switch: false);

fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("neither true nor false".to_owned()),
    }
}

fn parse_with<T: std::str::FromStr>(what: &'static str) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        text.parse()
            .map_err(|_| format!("not an {what}").replace("an n", "a n"))
    }
}

/// Reads a duration in the friendly form (`1h30m`, `500ms`); a bare number has no unit and is refused.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    if text.trim().chars().all(|c| c.is_ascii_digit()) && !text.trim().is_empty() {
        return Err(format!("no unit; did you mean {}s?", text.trim()));
    }
    let span: jiff::SignedDuration = text.trim().parse().map_err(|_| "not a duration".to_owned())?;
    Duration::try_from(span).map_err(|_| "a negative duration".to_owned())
}

fn parse_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the scheme {} is neither http nor https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL here holds no user name or password".to_owned());
    }
    Ok(url)
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Setting for $type {
            fn shape() -> Shape {
                Shape::Scalar {
                    allowed: format!("a whole number from {} to {}", <$type>::MIN, <$type>::MAX),
                    secret: false,
                    switch: false,
                }
            }

            fn from_node(node: &Node, at: &mut At<'_>) -> Option<Self> {
                from_text(node, at, |text| text.trim().parse().map_err(|error: std::num::ParseIntError| {
                    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
                    match error.kind() {
                        PosOverflow | NegOverflow => "out of range".to_owned(),
                        _ => "not a whole number".to_owned(),
                    }
                }))
            }
        }

        impl Bounded for $type {
            fn bound(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, usize, i32, i64);

scalar!(f64, "a number", |text: &str| match text.trim().parse::<Self>() {
    Ok(number) if number.is_finite() => Ok(number),
    _ => Err("not a number".to_owned()),
});

impl Bounded for f64 {
    fn bound(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// A host, by name or address, and a port: what a service dials. IPv6 addresses stand in brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl HostPort {
    /// Reads `host:port`, an IPv6 address in brackets.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').ok_or("no port")?;
        let port = port.parse().map_err(|_| format!("{port:?} is no port"))?;
        let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
        let host = match bare {
            Some(inner) if inner.parse::<std::net::Ipv6Addr>().is_ok() => inner,
            Some(_) => return Err("no IPv6 address in the brackets".to_owned()),
            None if host.is_empty() || host.contains([':', '/', '@', ' ', '[', ']']) => {
                return Err(format!("{host:?} is no host name and no IP address"));
            }
            None => host,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

scalar!(
    HostPort,
    "a host and a port, such as planner.clb-system:7443 or 127.0.0.1:7443",
    Self::parse
);
