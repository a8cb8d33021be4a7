//! Mutual TLS between the services, and the identity that a peer's certificate proves.
//!
//! Every service makes one [`Security`] from its settings at start, takes its gRPC server and its channels
//! from it, and asks [`identify`] who calls. With `--insecure` there are no certificates: then everything
//! stays on loopback, and a caller says who it is in metadata ([`present`]).
//!
//! Files are read once, at the start.

mod channel;
mod identify;
mod identity;
mod loopback;
mod material;
mod pem;
mod settings;

pub use channel::Security;
pub use identify::{CLUSTER_ID_KEY, COMPONENT_KEY, Trust, identify, identify_parts, present};
pub use identity::{IdentityError, PeerIdentity};
pub use loopback::{NotLoopback, require_loopback_address, require_loopback_host};
pub use material::{TlsError, TlsMaterial, install_provider};
pub use settings::{SecurityFields, TlsSettings, check_security};
