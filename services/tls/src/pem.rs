//! What is in PEM files: asked when the settings are read, so that every file of no use is named at once, and when certificates are
//! loaded. Errors are in words and never quote a file.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What is wrong with a file of certificates without one.
pub(crate) const NO_CERTIFICATE: &str =
    "there is no certificate in it; a PEM block BEGIN CERTIFICATE is needed";

/// At least one certificate.
pub(crate) fn certificates_in(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("it is not valid PEM: {error}"))?;
    if found.is_empty() {
        Err(NO_CERTIFICATE.to_owned())
    } else {
        Ok(found)
    }
}

/// The first private key.
pub(crate) fn key_in(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    // The library's error is left out: it could quote the key.
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| "there is no private key in it; a PEM block BEGIN PRIVATE KEY is needed".to_owned())
}

/// For a setting that names a file of certificates.
pub(crate) fn holds_certificates(content: &[u8]) -> Result<(), String> {
    certificates_in(content).map(drop)
}

/// For a setting that names a file with a private key.
pub(crate) fn holds_key(content: &[u8]) -> Result<(), String> {
    key_in(content).map(drop)
}
