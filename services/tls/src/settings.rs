//! The settings for certificates that every service has, and what has to hold between them and `--insecure`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clb_settings::{Checker, HostPort, settings};

use crate::loopback::{require_loopback_address, require_loopback_host};
use crate::pem::{holds_certificates, holds_key};

settings! {
    /// Certificates, in PEM files: a service's group `tls`.
    pub struct TlsSettings {
        /// The authority that signs every service's certificate.
        ca_file: PathBuf = required().file(holds_certificates),
        /// This service's certificate with the intermediate ones; its URI name says who the service is.
        cert_file: PathBuf = required().file(holds_certificates),
        /// The certificate's private key.
        key_file: PathBuf = required().file(holds_key),
    }
}

/// A service's fields that [`check_security`] looks at, as far as they could be read.
#[derive(Debug, Clone, Copy)]
pub struct SecurityFields<'s> {
    /// The group `tls`.
    pub tls: Option<&'s Option<TlsSettings>>,
    /// The field `insecure`.
    pub insecure: Option<bool>,
    /// Name and value of each field that is listened on for other services.
    pub listen: &'s [(&'static str, Option<SocketAddr>)],
    /// Name and value of each field that is dialled.
    pub dial: &'s [(&'static str, Option<&'s HostPort>)],
}

/// For the check across a service's fields: exactly one of certificates and `--insecure`, and with the latter
/// loopback only.
pub fn check_security(fields: &SecurityFields<'_>, checker: &mut Checker<'_, '_>) {
    match (fields.tls, fields.insecure) {
        (Some(None), Some(false)) => checker.wrong(
            "tls",
            "required, but not given",
            "give tls.ca_file, tls.cert_file and tls.key_file, or --insecure for plaintext on loopback",
        ),
        // A group with mistakes of its own was given too.
        (None | Some(Some(_)), Some(true)) => {
            checker.wrong("tls", "given together with insecure", "leave one of the two out");
        }
        _ => {}
    }
    if fields.insecure != Some(true) {
        return;
    }
    for (name, address) in fields.listen {
        if let Some(Err(error)) = address.map(require_loopback_address) {
            checker.wrong(name, error.to_string(), "");
        }
    }
    for (name, peer) in fields.dial {
        if let Some(Err(error)) = peer.map(|peer| require_loopback_host(&peer.host)) {
            checker.wrong(name, error.to_string(), "");
        }
    }
}
