//! Who gets through over a real connection, and as whom.

use crate::support::{Authority, Issued, Server, Validity, call};
use clb_model::ClusterId;
use clb_settings::{HostPort, SecretString};
use clb_tls::{PeerIdentity, Security, TlsMaterial, install_provider};
use tonic::Code;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

fn watcher() -> PeerIdentity {
    PeerIdentity::Watcher(ClusterId::new("c1").unwrap())
}

fn everyone() -> [PeerIdentity; 4] {
    [
        watcher(),
        PeerIdentity::Planner,
        PeerIdentity::Actuator,
        PeerIdentity::Operator,
    ]
}

fn security(authority: &Authority, issued: Issued) -> Security {
    let material = TlsMaterial::from_pem(
        authority.pem(),
        issued.certificate,
        SecretString::from(issued.key),
    );
    Security::mutual(material.unwrap())
}

fn identified(authority: &Authority, identity: &PeerIdentity) -> Security {
    security(authority, authority.issue(&[&identity.uri()], Validity::Now))
}

fn localhost(server: &Server) -> HostPort {
    HostPort {
        host: "localhost".to_owned(),
        port: server.address.port(),
    }
}

/// A client of another make than ours, which checks nothing of its own certificate.
async fn raw_call(server: &Server, tls: ClientTlsConfig) -> Result<(), tonic::Status> {
    let endpoint = Endpoint::from_shared(format!("https://localhost:{}", server.address.port())).unwrap();
    call(endpoint.tls_config(tls).unwrap().connect_lazy(), None).await
}

#[tokio::test]
async fn a_certificate_says_who_calls_whatever_metadata_says() {
    install_provider();
    let authority = Authority::new();
    let server = Server::start(&identified(&authority, &PeerIdentity::Planner)).await;
    for identity in everyone() {
        let client = identified(&authority, &identity);
        let channel = client
            .endpoint(&localhost(&server))
            .unwrap()
            .connect()
            .await
            .unwrap();
        call(channel, Some(&PeerIdentity::Actuator)).await.unwrap();
        assert_eq!(server.callers().pop(), Some(identity));
    }
}

#[tokio::test]
async fn a_client_without_certificate_or_with_one_of_another_authority_does_not_get_in() {
    install_provider();
    let (authority, other) = (Authority::new(), Authority::new());
    let server = Server::start(&identified(&authority, &PeerIdentity::Planner)).await;
    let trusting = || {
        ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(authority.pem()))
            .domain_name("localhost")
    };

    raw_call(&server, trusting()).await.unwrap_err();

    let foreign = other.issue(&[&watcher().uri()], Validity::Now);
    let tls = trusting().identity(Identity::from_pem(foreign.certificate, foreign.key));
    raw_call(&server, tls).await.unwrap_err();

    assert_eq!(server.callers(), []);
}

#[tokio::test]
async fn an_expired_client_does_not_get_in() {
    install_provider();
    let authority = Authority::new();
    let server = Server::start(&identified(&authority, &PeerIdentity::Planner)).await;
    let expired = authority.issue(&[&watcher().uri()], Validity::Expired);
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.pem()))
        .domain_name("localhost")
        .identity(Identity::from_pem(expired.certificate, expired.key));
    raw_call(&server, tls).await.unwrap_err();
    assert_eq!(server.callers(), []);
}

#[tokio::test]
async fn a_server_of_another_authority_or_name_is_not_spoken_to() {
    install_provider();
    let (authority, other) = (Authority::new(), Authority::new());
    let server = Server::start(&identified(&other, &PeerIdentity::Planner)).await;
    let client = identified(&authority, &watcher());
    client
        .endpoint(&localhost(&server))
        .unwrap()
        .connect()
        .await
        .unwrap_err();

    let same = identified(&other, &watcher());
    let by_address = HostPort {
        host: "127.0.0.1".to_owned(),
        port: server.address.port(),
    };
    same.endpoint(&by_address).unwrap().connect().await.unwrap_err();
    same.endpoint(&localhost(&server))
        .unwrap()
        .connect()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_certificate_of_ours_that_names_no_service_is_refused_with_the_reason() {
    install_provider();
    let authority = Authority::new();
    let server = Server::start(&identified(&authority, &PeerIdentity::Planner)).await;
    let (planner, actuator) = (PeerIdentity::Planner.uri(), PeerIdentity::Actuator.uri());
    for (uris, reason) in [
        (vec![], "no URI name"),
        (vec!["spiffe://elsewhere/planner"], "not known"),
        (vec!["spiffe://clb-controller/cluster/"], "not known"),
        (vec![planner.as_str(), actuator.as_str()], "2 URI names"),
    ] {
        let issued = authority.issue(&uris, Validity::Now);
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(authority.pem()))
            .domain_name("localhost")
            .identity(Identity::from_pem(issued.certificate, issued.key));
        let status = raw_call(&server, tls).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{status}");
        assert!(status.message().contains(reason), "{status}");
    }
}

#[tokio::test]
async fn without_tls_metadata_says_who_calls() {
    let server = Server::start(&Security::Insecure).await;
    let peer = HostPort {
        host: "127.0.0.1".to_owned(),
        port: server.address.port(),
    };
    let channel = Security::Insecure
        .endpoint(&peer)
        .unwrap()
        .connect()
        .await
        .unwrap();
    for identity in everyone() {
        call(channel.clone(), Some(&identity)).await.unwrap();
        assert_eq!(server.callers().pop(), Some(identity));
    }
    let status = call(channel, None).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("clb-cluster-id"), "{status}");
}

#[tokio::test]
async fn a_plaintext_client_does_not_get_into_a_tls_server() {
    install_provider();
    let authority = Authority::new();
    let server = Server::start(&identified(&authority, &PeerIdentity::Planner)).await;
    let channel = Security::Insecure
        .endpoint(&localhost(&server))
        .unwrap()
        .connect_lazy();
    call(channel, Some(&watcher())).await.unwrap_err();
    assert_eq!(server.callers(), []);
}

#[test]
fn plaintext_stays_on_this_host() {
    Security::Insecure
        .server("0.0.0.0:7000".parse().unwrap())
        .unwrap_err();
    let elsewhere = HostPort {
        host: "planner.clb-system".to_owned(),
        port: 7000,
    };
    let error = Security::Insecure.endpoint(&elsewhere).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("planner.clb-system is not on this host"),
        "{error}"
    );
}

#[test]
fn a_role_that_is_not_allowed_is_denied() {
    assert_eq!(watcher().require_watcher().unwrap().as_str(), "c1");
    assert_eq!(
        PeerIdentity::Planner.require_watcher().unwrap_err().code(),
        Code::PermissionDenied
    );
    PeerIdentity::Planner.require(&PeerIdentity::Planner).unwrap();
    let status = watcher().require(&PeerIdentity::Planner).unwrap_err();
    assert_eq!(
        status.message(),
        "only the planner may call this, not the watcher of cluster c1"
    );
}
