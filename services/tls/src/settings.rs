//! The settings for certificates that every service has.

use std::path::PathBuf;

use clb_settings::settings;

settings! {
    /// Certificates, in PEM files.
    pub struct TlsSettings {
        /// The authority that signs every service's certificate.
        ca_file: PathBuf = required(),
        /// This service's certificate with the intermediate ones; its URI name says who the service is.
        cert_file: PathBuf = required(),
        /// The certificate's private key.
        key_file: PathBuf = required(),
    }
}
