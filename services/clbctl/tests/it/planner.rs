//! `clbctl clusters` and `clbctl services` against a planner.

use clb_settings::SecretString;
use clb_tls::{Security, TlsMaterial};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};

use crate::command::{clbctl, clbctl_beside};
use crate::fake_planner::serve;

async fn insecure() -> String {
    clb_tls::install_provider();
    serve(&Security::Insecure).await.to_string()
}

#[tokio::test]
async fn clusters_are_shown_as_a_table() {
    let address = insecure().await;
    let ran = clbctl_beside(&["clusters", "--planner", &address, "--insecure"]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    let row = |id: &str| ran.out.lines().find(|line| line.contains(id)).unwrap().to_owned();
    for text in ["connected", "complete", "1.5 s"] {
        assert!(row("c1").contains(text), "{text}\n{}", ran.out);
    }
    for text in ["absent", "none yet", "no watcher is connected"] {
        assert!(row("c2").contains(text), "{text}\n{}", ran.out);
    }
}

#[tokio::test]
async fn services_are_shown_as_a_table_and_as_json() {
    let address = insecure().await;
    let table = clbctl_beside(&["services", "--planner", &address, "--insecure"]).await;
    assert_eq!(table.code, 0, "{}", table.err);
    for text in [
        "shop/web",
        "converged",
        "47.0.0.1",
        "lb-1",
        "shop/api",
        "failed",
        "quota of listeners",
        "handed over",
    ] {
        assert!(table.out.contains(text), "{text}\n{}", table.out);
    }

    let arguments = [
        "services",
        "--planner",
        &address,
        "--insecure",
        "--cluster",
        "c2",
        "--output",
        "json",
    ];
    let json = clbctl_beside(&arguments).await;
    let services: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(services.as_array().unwrap().len(), 1);
    assert_eq!(services[0]["cluster_id"], "c2");
    assert_eq!(services[0]["state"], "failed");
    assert_eq!(services[0]["load_balancer_id"], "");
}

#[tokio::test]
async fn the_planners_errors_are_passed_on() {
    let address = insecure().await;
    let ran = clbctl_beside(&["services", "--planner", &address, "--insecure", "--cluster", "c9"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(
        ran.err.contains(&address) && ran.err.contains("cluster c9 is not known"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn a_planner_that_is_not_there_is_named() {
    // Bound, so that nobody else gets the port, but not listened on.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let ran = clbctl_beside(&["clusters", "--planner", &address, "--insecure"]).await;
    assert_eq!(ran.code, 1);
    for text in [address.as_str(), "cannot be reached", "refused", "--planner"] {
        assert!(ran.err.contains(text), "{text}\n{}", ran.err);
    }
}

#[test]
fn plaintext_is_for_this_host_and_otherwise_all_three_files_are_needed() {
    let elsewhere = clbctl(&["clusters", "--planner", "planner.example:7443", "--insecure"]);
    assert_eq!(elsewhere.code, 1);
    assert!(elsewhere.err.contains("planner.example"), "{}", elsewhere.err);

    let without = clbctl(&["clusters"]);
    assert_eq!(without.code, 2);
    for flag in ["--tls-ca-file", "--tls-cert-file", "--tls-key-file"] {
        assert!(without.err.contains(flag), "{}", without.err);
    }
    let address = clbctl(&["clusters", "--planner", "nowhere", "--insecure"]);
    assert_eq!(address.code, 2);
    assert!(address.err.contains("host:port"), "{}", address.err);
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Certificate and key of a service, PEM.
    fn issue(&self, identity: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params
            .subject_alt_names
            .push(SanType::URI(identity.try_into().unwrap()));
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

#[tokio::test]
async fn with_certificates_the_planner_is_asked_over_tls() {
    clb_tls::install_provider();
    let authority = Authority::new();
    let (certificate, key) = authority.issue("spiffe://clb-controller/planner");
    let key = SecretString::from(key);
    let material = TlsMaterial::from_pem(authority.0.pem(), certificate, key).unwrap();
    let address = serve(&Security::mutual(material)).await;
    let planner = format!("localhost:{}", address.port());

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("ca.crt"), authority.0.pem()).unwrap();
    for (name, identity) in [
        ("operator", "operator"),
        ("planner", "planner"),
        ("watcher", "cluster/c1"),
    ] {
        let (certificate, key) = authority.issue(&format!("spiffe://clb-controller/{identity}"));
        std::fs::write(path(&format!("{name}.crt")), certificate).unwrap();
        std::fs::write(path(&format!("{name}.key")), key).unwrap();
    }
    let run = async |name: &str| {
        let (ca, certificate, key) = (
            path("ca.crt"),
            path(&format!("{name}.crt")),
            path(&format!("{name}.key")),
        );
        let tls = [
            "--tls-ca-file",
            &ca,
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
        ];
        clbctl_beside(&[&["clusters", "--planner", &planner][..], &tls].concat()).await
    };
    let admitted = run("operator").await;
    assert_eq!(admitted.code, 0, "{}", admitted.err);
    assert!(admitted.out.contains("c1"), "{}", admitted.out);

    for other in ["planner", "watcher"] {
        let refused = run(other).await;
        assert_eq!(refused.code, 1, "{other}");
        assert!(refused.err.contains("refuses the call"), "{}", refused.err);
    }
}
