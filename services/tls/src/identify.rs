//! Who made a call: from the certificate, or without TLS from metadata.

use clb_model::ClusterId;
use rustls::pki_types::CertificateDer;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tonic::{Extensions, Request, Status};

use crate::identity::PeerIdentity;

/// Metadata key with the cluster's id, for a watcher without a certificate.
pub const CLUSTER_ID_KEY: &str = "clb-cluster-id";

/// Metadata key with `planner` or `actuator`, for these services without a certificate.
pub const COMPONENT_KEY: &str = "clb-component";

/// What an identity is believed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The client certificate; metadata is not looked at.
    Certificate,
    /// Metadata, from callers on this host only.
    LoopbackMetadata,
}

/// Who made this call.
///
/// # Errors
/// `Unauthenticated`, with what is missing or wrong, if the call does not prove it; `PermissionDenied` for a
/// caller from another host without TLS.
pub fn identify<T>(request: &Request<T>, trust: Trust) -> Result<PeerIdentity, Status> {
    identify_parts(request.extensions(), request.metadata(), trust)
}

/// As [`identify`], for code that has the parts of a request, such as an interceptor.
///
/// # Errors
/// As [`identify`].
pub fn identify_parts(
    extensions: &Extensions,
    metadata: &MetadataMap,
    trust: Trust,
) -> Result<PeerIdentity, Status> {
    match trust {
        Trust::Certificate => from_certificate(extensions),
        Trust::LoopbackMetadata => {
            refuse_other_hosts(extensions)?;
            from_metadata(metadata)
        }
    }
}

fn from_certificate(extensions: &Extensions) -> Result<PeerIdentity, Status> {
    let certificates = extensions
        .get::<TlsConnectInfo<TcpConnectInfo>>()
        .and_then(TlsConnectInfo::peer_certs);
    let leaf = certificates
        .as_ref()
        .and_then(|chain| chain.first())
        .map(CertificateDer::as_ref);
    let leaf =
        leaf.ok_or_else(|| Status::unauthenticated("a client certificate is needed, and there is none"))?;
    PeerIdentity::from_certificate(leaf).map_err(|error| Status::unauthenticated(error.to_string()))
}

/// The listener is on loopback already; this holds even where a proxy on this host opens it to others.
fn refuse_other_hosts(extensions: &Extensions) -> Result<(), Status> {
    let remote = extensions
        .get::<TcpConnectInfo>()
        .and_then(TcpConnectInfo::remote_addr);
    match remote {
        Some(address) if !address.ip().to_canonical().is_loopback() => Err(Status::permission_denied(
            format!("without TLS only this host may call, not {address}"),
        )),
        // In-process transports of tests have no address.
        Some(_) | None => Ok(()),
    }
}

fn from_metadata(metadata: &MetadataMap) -> Result<PeerIdentity, Status> {
    let text = |key: &'static str| match metadata.get(key).map(MetadataValue::to_str) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => Err(Status::unauthenticated(format!(
            "the metadata {key} is not ASCII"
        ))),
    };
    match (text(CLUSTER_ID_KEY)?, text(COMPONENT_KEY)?) {
        (Some(id), None) => ClusterId::new(id)
            .map(PeerIdentity::Watcher)
            .map_err(|error| Status::unauthenticated(format!("the metadata {CLUSTER_ID_KEY}: {error}"))),
        (None, Some("planner")) => Ok(PeerIdentity::Planner),
        (None, Some("actuator")) => Ok(PeerIdentity::Actuator),
        (None, Some("operator")) => Ok(PeerIdentity::Operator),
        (None, Some(other)) => Err(Status::unauthenticated(format!(
            "the metadata {COMPONENT_KEY} is {other:?}; allowed: planner, actuator, operator"
        ))),
        (None, None) => Err(Status::unauthenticated(format!(
            "without TLS the metadata {CLUSTER_ID_KEY} or {COMPONENT_KEY} has to say who calls"
        ))),
        (Some(_), Some(_)) => Err(Status::unauthenticated(format!(
            "only one of the metadata {CLUSTER_ID_KEY} and {COMPONENT_KEY} may be there"
        ))),
    }
}

/// Says in a call's metadata who calls. A server with TLS does not look at it.
pub fn present(identity: &PeerIdentity, metadata: &mut MetadataMap) {
    let component = match identity {
        PeerIdentity::Watcher(cluster) => {
            // A cluster's id is ASCII by its type, so the value always fits.
            if let Ok(value) = MetadataValue::<Ascii>::try_from(cluster.as_str()) {
                metadata.insert(CLUSTER_ID_KEY, value);
            }
            return;
        }
        PeerIdentity::Planner => "planner",
        PeerIdentity::Actuator => "actuator",
        PeerIdentity::Operator => "operator",
    };
    metadata.insert(COMPONENT_KEY, MetadataValue::from_static(component));
}
