//! What an annotation's value may be: switches, numbers in a range, one of a few words. Texts with a form of
//! their own are in [`super::text`], lists in [`super::list`].
//!
//! A value that exists is valid: the only way to get one is [`Value::parse`].

use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, IpVersion};

use crate::settings::BackendType;

/// A type that an annotation's text is read into.
pub trait Value: Sized {
    /// What kind of value it is, in a word or two, for the reference page.
    const KIND: &'static str;

    /// What is allowed, as the end of a sentence.
    fn allowed() -> String;

    /// Reads a text; none when it is not allowed. Texts are matched exactly, case included.
    fn parse(text: &str) -> Option<Self>;
}

/// A whole number of a range, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Number<MIN, MAX> {
    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> Value for Number<MIN, MAX> {
    const KIND: &'static str = "number";

    fn allowed() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn parse(text: &str) -> Option<Self> {
        // `u32::from_str` takes a leading "+", which the cloud does not.
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok())
            .flatten()
            .filter(|number| (MIN..=MAX).contains(number))
            .map(Self)
    }
}

/// Gives the allowed words of a type, in the order of the reference; parsing and explaining are both made
/// from them.
macro_rules! words {
    ($type:ty, $kind:literal, $($text:literal => $value:expr),+ $(,)?) => {
        impl Value for $type {
            const KIND: &'static str = $kind;

            fn allowed() -> String {
                one_of(&[$($text),+])
            }

            fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some($value),)+
                    _ => None,
                }
            }
        }
    };
}

/// As [`words!`], for a type of its own, with the text of each value.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// The text in annotations and in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        words!($name, "choice", $($text => Self::$variant),+);
    };
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// `on` or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch(bool);

impl Switch {
    /// Whether it is on.
    #[must_use]
    pub fn is_on(self) -> bool {
        self.0
    }
}

words!(Switch, "switch", "on" => Self(true), "off" => Self(false));

/// `true` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth(bool);

impl Truth {
    /// Whether it is true.
    #[must_use]
    pub fn is_true(self) -> bool {
        self.0
    }
}

words!(Truth, "choice", "true" => Self(true), "false" => Self(false));
words!(AddressType, "choice", "internet" => Self::Internet, "intranet" => Self::Intranet);
words!(IpVersion, "choice", "ipv4" => Self::V4, "ipv6" => Self::V6);
words!(InstanceChargeType, "choice", "PayBySpec" => Self::PayBySpec, "PayByCLCU" => Self::PayByClcu);
words!(
    InternetChargeType,
    "choice",
    "paybytraffic" => Self::PayByTraffic,
    "paybybandwidth" => Self::PayByBandwidth
);
words!(BackendType, "choice", "ecs" => Self::Ecs, "eni" => Self::Eni);

choice!(
    /// The specification of a CLB that is paid by specification; those that `CreateLoadBalancer` lists.
    Specification {
        /// Small I.
        S1Small = "slb.s1.small",
        /// Standard I.
        S2Small = "slb.s2.small",
        /// Standard II.
        S2Medium = "slb.s2.medium",
        /// Higher I.
        S3Small = "slb.s3.small",
        /// Higher II.
        S3Medium = "slb.s3.medium",
        /// Super I.
        S3Large = "slb.s3.large",
    }
);
choice!(
    /// Whether the console may change the CLB.
    ModificationProtection {
        /// It may not.
        ConsoleProtection = "ConsoleProtection",
        /// It may.
        NonProtection = "NonProtection",
    }
);
choice!(
    /// The network that a CLB is in.
    NetworkType {
        /// None of the user's.
        Classic = "classic",
        /// The cluster's VPC.
        Vpc = "vpc",
    }
);
choice!(
    /// Which address the Service's status shows.
    ExternalIpType {
        /// That of the EIP bound to the CLB.
        Eip = "eip",
    }
);
choice!(
    /// How a listener spreads connections.
    Scheduler {
        /// One after the other.
        Rr = "rr",
        /// By weight.
        Wrr = "wrr",
        /// By the client's address.
        Sch = "sch",
        /// By addresses and ports of both ends.
        Tch = "tch",
    }
);
choice!(
    /// What the entries of an access control list mean.
    AclType {
        /// Only they may connect.
        White = "white",
        /// They may not connect.
        Black = "black",
    }
);
choice!(
    /// Whose cookie keeps a client with its backend.
    StickySessionType {
        /// The CLB inserts one.
        Insert = "insert",
        /// The CLB rewrites the server's.
        Server = "server",
    }
);
choice!(
    /// TLS versions and ciphers of an HTTPS listener.
    TlsCipherPolicy {
        /// TLS 1.0 and later.
        V1_0 = "tls_cipher_policy_1_0",
        /// TLS 1.1 and later.
        V1_1 = "tls_cipher_policy_1_1",
        /// TLS 1.2.
        V1_2 = "tls_cipher_policy_1_2",
        /// TLS 1.2, ciphers with forward secrecy only.
        V1_2Strict = "tls_cipher_policy_1_2_strict",
        /// As before, and TLS 1.3.
        V1_2StrictWith1_3 = "tls_cipher_policy_1_2_strict_with_1_3",
    }
);
choice!(
    /// How a TCP listener checks its backends.
    HealthCheckType {
        /// By connecting.
        Tcp = "tcp",
        /// By an HTTP request.
        Http = "http",
    }
);
choice!(
    /// The method of an HTTP check.
    HealthCheckMethod {
        /// HEAD.
        Head = "head",
        /// GET.
        Get = "get",
    }
);
