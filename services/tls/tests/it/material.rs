//! What is said at start about certificates that cannot be used.

use crate::support::{Authority, Issued, Validity};
use std::net::SocketAddr;

use clb_settings::{Checker, HostPort, Partial, SecretString, from_yaml, settings};
use clb_tls::{PeerIdentity, Security, SecurityFields, TlsError, TlsMaterial, TlsSettings, check_security};

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

settings! {
    /// The fields that every service has.
    struct ServiceSettings checked by security {
        /// Listen.
        listen: SocketAddr = default("127.0.0.1:1"),
        /// Dial.
        planner: HostPort = default("127.0.0.1:2"),
        /// Plaintext.
        insecure: bool = default("false"),
        /// Certificates.
        tls: Option<TlsSettings> = optional(),
    }
}

fn security(settings: &Partial<ServiceSettings>, checker: &mut Checker<'_, '_>) {
    let fields = SecurityFields {
        tls: settings.tls.as_ref(),
        insecure: settings.insecure,
        listen: &[("listen", settings.listen)],
        dial: &[("planner", settings.planner.as_ref())],
    };
    check_security(&fields, checker);
}

#[test]
fn settings_that_contradict_each_other_are_named_at_start() {
    let certificates = "tls: {ca_file: a, cert_file: b, key_file: c}";
    from_yaml::<ServiceSettings>(certificates).unwrap();
    from_yaml::<ServiceSettings>("insecure: true").unwrap();
    from_yaml::<ServiceSettings>(&format!(
        "{{listen: '0.0.0.0:1', planner: 'planner:1', {certificates}}}"
    ))
    .unwrap();
    for (yaml, fields) in [
        ("{}", vec!["tls"]),
        (
            "{insecure: true, tls: {ca_file: a, cert_file: b, key_file: c}}",
            vec!["tls"],
        ),
        (
            "{insecure: true, tls: {ca_file: a}}",
            vec!["tls.cert_file", "tls.key_file", "tls"],
        ),
        (
            "{insecure: true, listen: '0.0.0.0:1', planner: 'planner:1'}",
            vec!["listen", "planner"],
        ),
        ("{tls: {ca_file: a}}", vec!["tls.cert_file", "tls.key_file"]),
        ("{insecure: perhaps, listen: here}", vec!["listen", "insecure"]),
    ] {
        let errors = from_yaml::<ServiceSettings>(yaml).unwrap_err();
        let named: Vec<_> = errors
            .problems()
            .iter()
            .map(|problem| problem.field.as_str())
            .collect();
        assert_eq!(named, fields, "{yaml}: {errors}");
    }
}

/// The problems of a start of the example, and the fields that they are about, sorted.
fn refused(arguments: &[&str]) -> (String, Vec<String>) {
    let program = clb_settings::Program {
        name: "clb-example",
        version: "1",
        about: "",
    };
    let arguments = arguments.iter().map(|argument| (*argument).to_owned());
    let Err(clb_settings::LoadError::Wrong(errors)) =
        clb_settings::load::<ServiceSettings>(&program, arguments, [])
    else {
        panic!("accepted")
    };
    let fields = errors.problems().iter().map(|problem| problem.field.clone());
    let mut fields: Vec<_> = fields.collect();
    fields.sort_unstable();
    (errors.to_string(), fields)
}

#[test]
fn files_that_are_not_there_do_not_hide_that_insecure_rules_them_out() {
    let (errors, fields) = refused(&[
        "--insecure=true",
        "--tls-ca-file=/no/such/ca.pem",
        "--tls-cert-file=/no/such/cert.pem",
    ]);
    assert_eq!(
        fields,
        ["tls", "tls.ca_file", "tls.cert_file", "tls.key_file"],
        "{errors}"
    );
    assert!(errors.contains("given together with insecure"), "{errors}");
}

#[test]
fn a_start_names_all_three_files_that_are_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let no_key = folder.path().join("key.pem");
    std::fs::write(&no_key, "hunter2").unwrap();
    let (errors, fields) = refused(&[
        "--listen=here",
        "--tls-ca-file=/no/such/ca.pem",
        "--tls-cert-file=/no/such/cert.pem",
        &format!("--tls-key-file={}", no_key.display()),
    ]);
    assert_eq!(
        fields,
        ["listen", "tls.ca_file", "tls.cert_file", "tls.key_file"],
        "{errors}"
    );
    assert!(!errors.contains("hunter2"), "{errors}");
}
