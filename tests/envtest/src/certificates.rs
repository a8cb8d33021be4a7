//! The keys and certificates of one control plane.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

use crate::StartError;

/// Files for the API server's flags.
#[derive(Debug)]
pub(crate) struct Certificates {
    pub(crate) ca_pem: String,
    pub(crate) ca: PathBuf,
    pub(crate) server: PathBuf,
    pub(crate) server_key: PathBuf,
    /// Signs service account tokens.
    pub(crate) account_key: PathBuf,
    /// Verifies them.
    pub(crate) account_public_key: PathBuf,
}

/// Makes everything anew in `folder`.
pub(crate) fn write(folder: &Path) -> Result<Certificates, StartError> {
    let ca_key = KeyPair::generate()?;
    let mut ca_params = CertificateParams::default();
    ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca_params
        .distinguished_name
        .push(DnType::CommonName, "envtest authority");
    let ca = ca_params.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca_params, ca_key);

    let server_key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    params
        .subject_alt_names
        .push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    params
        .distinguished_name
        .push(DnType::CommonName, "kube-apiserver");
    let server = params.signed_by(&server_key, &issuer)?;

    let account_key = KeyPair::generate()?;

    let put = |name: &str, text: &str| -> Result<PathBuf, StartError> {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|source| StartError::File {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    };
    Ok(Certificates {
        ca: put("ca.crt", &ca.pem())?,
        ca_pem: ca.pem(),
        server: put("server.crt", &server.pem())?,
        server_key: put("server.key", &server_key.serialize_pem())?,
        account_key: put("accounts.key", &account_key.serialize_pem())?,
        account_public_key: put("accounts.pub", &account_key.public_key_pem())?,
    })
}
