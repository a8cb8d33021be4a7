//! What is said at start about certificates that cannot be used.

use crate::support::{Authority, Issued, Validity};
use clb_settings::SecretString;
use clb_tls::{PeerIdentity, Security, TlsError, TlsMaterial, TlsSettings};

fn load(ca: &str, issued: &Issued) -> Result<TlsMaterial, TlsError> {
    TlsMaterial::from_pem(
        ca,
        issued.certificate.as_str(),
        SecretString::from(issued.key.as_str()),
    )
}

#[test]
fn good_files_say_who_the_service_is_and_how_long() {
    let authority = Authority::new();
    let issued = authority.issue(&[&PeerIdentity::Planner.uri()], Validity::Now);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let settings = TlsSettings {
        ca_file: file("ca.pem", &authority.pem()),
        cert_file: file("cert.pem", &issued.certificate),
        key_file: file("key.pem", &issued.key),
    };
    let material = TlsMaterial::load(&settings).unwrap();
    assert_eq!(*material.identity(), PeerIdentity::Planner);
    assert!(material.not_after() > jiff::Timestamp::now());
    let key_line = issued.key.lines().nth(1).unwrap();
    assert!(!format!("{material:?}").contains(key_line), "the key is shown");

    let absent = TlsSettings {
        key_file: folder.path().join("absent.pem"),
        ..settings
    };
    let error = TlsMaterial::load(&absent).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read tls.key_file") && error.contains("absent.pem"),
        "{error}"
    );
}

#[test]
fn each_mistake_names_the_setting_and_the_reason() {
    let authority = Authority::new();
    let uri = PeerIdentity::Planner.uri();
    let good = authority.issue(&[&uri], Validity::Now);
    let other = authority.issue(&[&uri], Validity::Now);
    let ca = authority.pem();
    let with = |certificate: &str, key: &str| Issued {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
    };
    for (ca, issued, expected) in [
        (
            "",
            with(&good.certificate, &good.key),
            "tls.ca_file cannot be used: there is no certificate",
        ),
        (
            &ca,
            with("", &good.key),
            "tls.cert_file cannot be used: there is no certificate",
        ),
        (
            &ca,
            with(&good.key, &good.key),
            "tls.cert_file cannot be used: there is no certificate",
        ),
        (
            &ca,
            with(&good.certificate, &good.certificate),
            "tls.key_file cannot be used: there is no private key",
        ),
        (
            &ca,
            with(&good.certificate, &other.key),
            "tls.key_file cannot be used: the key and the certificate",
        ),
        (
            &ca,
            authority.issue(&[&uri], Validity::Expired),
            "tls.cert_file cannot be used: the certificate expired at 2020",
        ),
        (
            &ca,
            authority.issue(&[&uri], Validity::NotYet),
            "valid only from 2999",
        ),
        (
            &ca,
            authority.issue(&[], Validity::Now),
            "tls.cert_file: the peer's certificate has no URI name",
        ),
    ] {
        let error = load(ca, &issued).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected} is not in: {error}");
        assert!(!error.contains("PRIVATE KEY-"), "{error}");
    }
}

#[test]
fn exactly_one_of_certificates_and_insecure_is_needed() {
    let settings = TlsSettings {
        ca_file: "a".into(),
        cert_file: "b".into(),
        key_file: "c".into(),
    };
    assert!(matches!(
        Security::from_settings(None, false),
        Err(TlsError::NoCertificates)
    ));
    assert!(matches!(
        Security::from_settings(Some(&settings), true),
        Err(TlsError::Contradiction)
    ));
    assert!(matches!(
        Security::from_settings(None, true),
        Ok(Security::Insecure)
    ));
}
