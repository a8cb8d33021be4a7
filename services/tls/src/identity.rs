//! Who a peer is, as its certificate's URI name says.

use std::fmt;

use clb_model::ClusterId;
use tonic::Status;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// All identities are in this trust domain.
const TRUST_DOMAIN: &str = "spiffe://clb-controller/";

/// Who can call a service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PeerIdentity {
    /// The watcher of a cluster: `spiffe://clb-controller/cluster/<cluster id>`.
    Watcher(ClusterId),
    /// The planner: `spiffe://clb-controller/planner`.
    Planner,
    /// The actuator: `spiffe://clb-controller/actuator`.
    Actuator,
    /// A person with `clbctl`: `spiffe://clb-controller/operator`. May ask the planner, and change nothing.
    Operator,
}

/// A certificate that proves no identity of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The bytes are no X.509 certificate.
    #[error("the peer's certificate cannot be read: {0}")]
    NotACertificate(String),
    /// It has no URI among its names.
    #[error("the peer's certificate has no URI name; issue it with one under {TRUST_DOMAIN}")]
    NoUri,
    /// It has several, so that it does not say which of them the peer is (SPIFFE X509-SVID, section 2:
    /// exactly one).
    #[error("the peer's certificate has {0} URI names where exactly one is needed")]
    SeveralUris(usize),
    /// The URI is none of the four forms.
    #[error(
        "the URI name {0:?} of the peer's certificate is not known; allowed: {TRUST_DOMAIN}cluster/<cluster id>, \
         {TRUST_DOMAIN}planner, {TRUST_DOMAIN}actuator, {TRUST_DOMAIN}operator"
    )]
    UnknownUri(String),
}

impl PeerIdentity {
    /// The URI that a certificate of this service has to have.
    #[must_use]
    pub fn uri(&self) -> String {
        match self {
            Self::Watcher(cluster) => format!("{TRUST_DOMAIN}cluster/{cluster}"),
            Self::Planner => format!("{TRUST_DOMAIN}planner"),
            Self::Actuator => format!("{TRUST_DOMAIN}actuator"),
            Self::Operator => format!("{TRUST_DOMAIN}operator"),
        }
    }

    /// The identity that a URI stands for.
    ///
    /// # Errors
    /// [`IdentityError::UnknownUri`].
    pub fn from_uri(uri: &str) -> Result<Self, IdentityError> {
        let unknown = || IdentityError::UnknownUri(uri.to_owned());
        match uri.strip_prefix(TRUST_DOMAIN).ok_or_else(unknown)? {
            "planner" => Ok(Self::Planner),
            "actuator" => Ok(Self::Actuator),
            "operator" => Ok(Self::Operator),
            path => {
                let id = path.strip_prefix("cluster/").ok_or_else(unknown)?;
                ClusterId::new(id).map(Self::Watcher).map_err(|_| unknown())
            }
        }
    }

    /// The identity that a certificate (DER) proves. Whether its signature and time are right is the
    /// handshake's business.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn from_certificate(der: &[u8]) -> Result<Self, IdentityError> {
        let unreadable = |error: &dyn fmt::Display| IdentityError::NotACertificate(error.to_string());
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| unreadable(&error))?;
        let names = certificate
            .subject_alternative_name()
            .map_err(|error| unreadable(&error))?;
        let uris: Vec<&str> = names
            .iter()
            .flat_map(|extension| &extension.value.general_names)
            .filter_map(|name| match name {
                GeneralName::URI(uri) => Some(*uri),
                _ => None,
            })
            .collect();
        match uris[..] {
            [] => Err(IdentityError::NoUri),
            [uri] => Self::from_uri(uri),
            _ => Err(IdentityError::SeveralUris(uris.len())),
        }
    }

    /// The cluster, if this is a watcher.
    ///
    /// # Errors
    /// `PermissionDenied` for the other services.
    pub fn require_watcher(self) -> Result<ClusterId, Status> {
        match self {
            Self::Watcher(cluster) => Ok(cluster),
            other => Err(Status::permission_denied(format!(
                "only a watcher may call this, not the {other}"
            ))),
        }
    }

    /// Nothing, if this is `needed`.
    ///
    /// # Errors
    /// `PermissionDenied` otherwise.
    pub fn require(&self, needed: &Self) -> Result<(), Status> {
        if self == needed {
            return Ok(());
        }
        Err(Status::permission_denied(format!(
            "only the {needed} may call this, not the {self}"
        )))
    }
}

impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watcher(cluster) => write!(f, "watcher of cluster {cluster}"),
            Self::Planner => f.write_str("planner"),
            Self::Actuator => f.write_str("actuator"),
            Self::Operator => f.write_str("operator"),
        }
    }
}
