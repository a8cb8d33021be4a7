//! An authority that signs certificates for tests, and a server that says who called it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clb_tls::{PeerIdentity, Security, Trust, identify};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// A certificate and its key in PEM.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// An authority of its own.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// When an issued certificate is good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    Now,
    Expired,
    NotYet,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for `localhost` with these URI names.
    pub(crate) fn issue(&self, uris: &[&str], validity: Validity) -> Issued {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params
            .subject_alt_names
            .extend(uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())));
        match validity {
            Validity::Now => {}
            Validity::Expired => params.not_after = rcgen::date_time_ymd(2020, 1, 1),
            Validity::NotYet => params.not_before = rcgen::date_time_ymd(2999, 1, 1),
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A health service that notes who calls.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    callers: Arc<Mutex<Vec<PeerIdentity>>>,
    _stop: DropGuard,
}

impl Server {
    pub(crate) async fn start(security: &Security) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let callers = Arc::new(Mutex::new(Vec::new()));
        let (_, health) = tonic_health::server::health_reporter();
        let service = InterceptedService::new(health, note_caller(security.trust(), callers.clone()));
        let stop = CancellationToken::new();
        let served = security
            .server(address)
            .unwrap()
            .add_service(service)
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.clone().cancelled_owned());
        tokio::spawn(served);
        Self {
            address,
            callers,
            _stop: stop.drop_guard(),
        }
    }

    pub(crate) fn callers(&self) -> Vec<PeerIdentity> {
        self.callers.lock().unwrap().clone()
    }
}

fn note_caller(
    trust: Trust,
    callers: Arc<Mutex<Vec<PeerIdentity>>>,
) -> impl FnMut(Request<()>) -> Result<Request<()>, Status> + Clone {
    move |request| {
        callers.lock().unwrap().push(identify(&request, trust)?);
        Ok(request)
    }
}

/// Asks for the health of the server; metadata says who asks.
pub(crate) async fn call(channel: Channel, present: Option<&PeerIdentity>) -> Result<(), Status> {
    let mut request = Request::new(HealthCheckRequest::default());
    request.set_timeout(Duration::from_secs(10));
    if let Some(identity) = present {
        clb_tls::present(identity, request.metadata_mut());
    }
    HealthClient::new(channel).check(request).await.map(drop)
}
