//! How a simulated cloud is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;

use crate::limits::Limits;
use crate::quotas::Quotas;

/// The access key that is there unless other keys are named.
pub const DEFAULT_ACCESS_KEY_ID: &str = "LTAI-cloud-sim";
/// The secret of [`DEFAULT_ACCESS_KEY_ID`]. It opens nothing but a simulator on this machine.
pub const DEFAULT_ACCESS_KEY_SECRET: &str = "cloud-sim-secret";
/// The account that [`DEFAULT_ACCESS_KEY_ID`] belongs to.
pub const DEFAULT_ACCOUNT: &str = "1231579085529123";

/// A key that calls may be signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The id that travels with a call.
    pub id: String,
    /// The secret that signs it.
    pub secret: String,
    /// The account that it acts for.
    pub account: String,
    /// The token that has to come with a temporary key.
    pub security_token: Option<String>,
    /// When a temporary key ends.
    pub expires: Option<Timestamp>,
}

impl AccessKey {
    /// A permanent key of an account.
    pub fn new(id: &str, secret: &str, account: &str) -> Self {
        AccessKey {
            id: id.to_owned(),
            secret: secret.to_owned(),
            account: account.to_owned(),
            security_token: None,
            expires: None,
        }
    }

    /// Makes it a temporary one.
    pub fn temporary(mut self, security_token: &str, expires: Timestamp) -> Self {
        self.security_token = Some(security_token.to_owned());
        self.expires = Some(expires);
        self
    }
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AccessKey")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl Default for AccessKey {
    fn default() -> Self {
        AccessKey::new(DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_ACCOUNT)
    }
}

/// What a simulated cloud is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The keys that are known. An account comes into being with its first key.
    pub access_keys: Vec<AccessKey>,
    /// Request limits; none means that no call is throttled.
    pub limits: Option<Limits>,
    /// What holds for every account.
    pub circumstances: Circumstances,
    /// How many calls the journal keeps; the oldest go first.
    pub journal_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            access_keys: vec![AccessKey::default()],
            limits: None,
            circumstances: Circumstances::default(),
            journal_size: 200_000,
        }
    }
}

/// How the simulated cloud behaves. All of it can be changed while it runs.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// How much of everything an account may have.
    pub quotas: Quotas,
    /// How long a change of a load balancer's configuration takes: its answer comes after that, and until
    /// then other changes to the same load balancer are refused.
    pub write_time: Duration,
    /// For how long after the answer the load balancer goes on refusing other changes.
    pub settle_time: Duration,
    /// How long a vServer group counts as used after the listener that used it was deleted.
    pub release_time: Duration,
    /// How far a call's date may be from now.
    pub clock_tolerance: Duration,
    /// Added to the simulator's clock when it judges dates and expiries: tests of clock jumps set it.
    pub clock_offset: jiff::SignedDuration,
}

impl Default for Circumstances {
    fn default() -> Self {
        Circumstances {
            quotas: Quotas::default(),
            write_time: Duration::from_millis(3),
            settle_time: Duration::ZERO,
            release_time: Duration::ZERO,
            clock_tolerance: Duration::from_secs(15 * 60),
            clock_offset: jiff::SignedDuration::ZERO,
        }
    }
}
