//! A service's certificate, key and authority, checked when they are loaded rather than at the first
//! handshake.

use std::path::Path;

use clb_settings::ExposeSecret;
use clb_settings::SecretString;
use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::identity::{IdentityError, PeerIdentity};
use crate::loopback::NotLoopback;
use crate::pem::{NO_CERTIFICATE, certificates_in, key_in};
use crate::settings::TlsSettings;

/// Certificates that cannot be used, or TLS that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {setting} {path}: {source}")]
    Read {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// What is in a file is not what belongs there.
    #[error("{setting} cannot be used: {wrong}")]
    Unusable {
        /// The setting that names it.
        setting: &'static str,
        /// What is wrong, and what is needed.
        wrong: String,
    },
    /// This service's own certificate says not who it is.
    #[error("tls.cert_file: {0}")]
    Identity(#[from] IdentityError),
    /// Plaintext was asked for where others could reach it.
    #[error(transparent)]
    NotLoopback(#[from] NotLoopback),
    /// Neither certificates nor `--insecure`.
    #[error(
        "no certificates: set tls.ca_file, tls.cert_file and tls.key_file, or --insecure for plaintext on loopback"
    )]
    NoCertificates,
    /// Both certificates and `--insecure`.
    #[error("certificates and --insecure contradict each other: leave one of the two out")]
    Contradiction,
    /// The gRPC library refused it.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// Installs the process's crypto provider, aws-lc-rs. Call it first in `main`; calling it again does nothing.
pub fn install_provider() {
    // Whoever came first installed the same one: no other is built into our binaries.
    drop(aws_lc_rs::default_provider().install_default());
}

/// A service's certificate, its key and the authority, as PEM. The key appears in no `Debug`.
#[derive(Debug, Clone)]
pub struct TlsMaterial {
    ca: String,
    certificate: String,
    key: SecretString,
    identity: PeerIdentity,
    not_after: Timestamp,
}

impl TlsMaterial {
    /// Reads and checks the files.
    ///
    /// # Errors
    /// [`TlsError::Read`], and those of [`from_pem`](Self::from_pem).
    pub fn load(settings: &TlsSettings) -> Result<Self, TlsError> {
        let ca = read("tls.ca_file", &settings.ca_file)?;
        let certificate = read("tls.cert_file", &settings.cert_file)?;
        let key = SecretString::from(read("tls.key_file", &settings.key_file)?);
        Self::from_pem(ca, certificate, key)
    }

    /// Checks what is given: an authority, a certificate of ours that is not expired and the key that belongs
    /// to it.
    ///
    /// # Errors
    /// [`TlsError::Unusable`] and [`TlsError::Identity`].
    pub fn from_pem(
        ca: impl Into<String>,
        certificate: impl Into<String>,
        key: SecretString,
    ) -> Result<Self, TlsError> {
        let (ca, certificate) = (ca.into(), certificate.into());
        let mut roots = RootCertStore::empty();
        for authority in certificates("tls.ca_file", &ca)? {
            roots.add(authority).map_err(|error| {
                unusable(
                    "tls.ca_file",
                    format!("a certificate in it is no authority: {error}"),
                )
            })?;
        }
        let chain = certificates("tls.cert_file", &certificate)?;
        let leaf = chain
            .first()
            .cloned()
            .ok_or_else(|| no_certificate("tls.cert_file"))?;
        check_key(chain, &key)?;
        let not_after = check_time(&leaf)?;
        let identity = PeerIdentity::from_certificate(&leaf)?;
        Ok(Self {
            ca,
            certificate,
            key,
            identity,
            not_after,
        })
    }

    /// Who this service is to others.
    #[must_use]
    pub fn identity(&self) -> &PeerIdentity {
        &self.identity
    }

    /// When the certificate expires, for a metric.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// For a server: clients without a certificate of the same authority are refused in the handshake.
    #[must_use]
    pub fn server_config(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .identity(self.tonic_identity())
            .client_ca_root(Certificate::from_pem(&self.ca))
            .client_auth_optional(false)
    }

    /// For a client that dials `host`, which has to be among the names of the server's certificate.
    #[must_use]
    pub fn client_config(&self, host: &str) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .identity(self.tonic_identity())
            .ca_certificate(Certificate::from_pem(&self.ca))
            .domain_name(host)
    }

    fn tonic_identity(&self) -> Identity {
        Identity::from_pem(&self.certificate, self.key.expose_secret())
    }
}

fn read(setting: &'static str, path: &Path) -> Result<String, TlsError> {
    std::fs::read_to_string(path).map_err(|source| TlsError::Read {
        setting,
        path: path.display().to_string(),
        source,
    })
}

fn unusable(setting: &'static str, wrong: String) -> TlsError {
    TlsError::Unusable { setting, wrong }
}

fn no_certificate(setting: &'static str) -> TlsError {
    unusable(setting, NO_CERTIFICATE.to_owned())
}

fn certificates(setting: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    certificates_in(pem.as_bytes()).map_err(|wrong| unusable(setting, wrong))
}

fn check_key(chain: Vec<CertificateDer<'static>>, key: &SecretString) -> Result<(), TlsError> {
    let wrong = |text: &str| unusable("tls.key_file", text.to_owned());
    let key = key_in(key.expose_secret().as_bytes()).map_err(|text| wrong(&text))?;
    let provider = CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| aws_lc_rs::default_provider().into());
    CertifiedKey::from_der(chain, key, &provider)
        .map(|_| ())
        .map_err(|error| {
            wrong(&format!(
                "the key and the certificate of tls.cert_file do not fit: {error}"
            ))
        })
}

fn check_time(leaf: &CertificateDer<'_>) -> Result<Timestamp, TlsError> {
    let wrong = |text: String| unusable("tls.cert_file", text);
    let (_, parsed) = X509Certificate::from_der(leaf).map_err(|error| wrong(error.to_string()))?;
    let moment = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| wrong(error.to_string()));
    let not_before = moment(parsed.validity().not_before.timestamp())?;
    let not_after = moment(parsed.validity().not_after.timestamp())?;
    let now = Timestamp::now();
    if now > not_after {
        return Err(wrong(format!(
            "the certificate expired at {not_after}; it has to be renewed"
        )));
    }
    if now < not_before {
        return Err(wrong(format!(
            "the certificate is valid only from {not_before} on; check this host's clock"
        )));
    }
    Ok(not_after)
}
