//! The fixed texts of the cloud's API: address types, ways to pay, protocols of listeners.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cluster::Transport;
use crate::identity::InvalidText;

macro_rules! api_enum {
    ($(#[$doc:meta])* $name:ident, $what:literal, $allowed:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// The text in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidText;
            fn from_str(text: &str) -> Result<Self, InvalidText> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(InvalidText { what: $what, value: text.to_owned(), allowed: $allowed }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

api_enum!(
    /// Whether a CLB faces the Internet.
    AddressType, "address type", "internet or intranet" {
        /// Has a public address.
        Internet = "internet",
        /// Has an address of a vSwitch.
        Intranet = "intranet",
    }
);
api_enum!(
    /// The family of a CLB's address.
    IpVersion, "IP version", "ipv4 or ipv6" {
        /// IPv4.
        V4 = "ipv4",
        /// IPv6.
        V6 = "ipv6",
    }
);
api_enum!(
    /// How the instance is paid.
    InstanceChargeType, "instance charge type", "PayBySpec or PayByCLCU" {
        /// By specification.
        PayBySpec = "PayBySpec",
        /// By use.
        PayByClcu = "PayByCLCU",
    }
);
api_enum!(
    /// How Internet traffic is paid.
    InternetChargeType, "Internet charge type", "paybytraffic or paybybandwidth" {
        /// By traffic.
        PayByTraffic = "paybytraffic",
        /// By bandwidth.
        PayByBandwidth = "paybybandwidth",
    }
);
api_enum!(
    /// The protocol of a listener.
    ListenerProtocol, "listener protocol", "tcp, udp, http or https" {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// HTTP.
        Http = "http",
        /// HTTPS.
        Https = "https",
    }
);

impl ListenerProtocol {
    /// TCP, HTTP and HTTPS share one space of ports; UDP has its own.
    #[must_use]
    pub fn transport(self) -> Transport {
        match self {
            Self::Udp => Transport::Udp,
            Self::Tcp | Self::Http | Self::Https => Transport::Tcp,
        }
    }
}
