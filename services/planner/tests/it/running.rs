//! A planner on ports of this host, with certificates made for the test.

use std::net::SocketAddr;
use std::time::Duration;

use clb_model::ClusterId;
use clb_planner::{Planner, PlannerError, PlannerSettings};
use clb_settings::{HostPort, from_yaml};
use clb_telemetry::{Health, Metrics};
use clb_tls::{PeerIdentity, Security, TlsMaterial};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Signs the certificates of one test.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    /// How someone with this identity speaks.
    pub(crate) fn security(&self, identity: &PeerIdentity) -> Security {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params
            .subject_alt_names
            .push(SanType::URI(identity.uri().try_into().unwrap()));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let material =
            TlsMaterial::from_pem(self.issuer.pem(), certificate.pem(), key.serialize_pem().into());
        Security::mutual(material.unwrap())
    }
}

/// The watcher of a cluster.
pub(crate) fn watcher_of(cluster: &str) -> PeerIdentity {
    PeerIdentity::Watcher(ClusterId::new(cluster).unwrap())
}

/// A planner that serves the cluster `c-lab`; its actuator is away.
pub(crate) struct Running {
    pub(crate) authority: Authority,
    pub(crate) health: Health,
    address: SocketAddr,
    admin: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<Result<(), PlannerError>>,
}

impl Running {
    pub(crate) async fn start() -> Self {
        clb_tls::install_provider();
        let authority = Authority::new();
        let security = authority.security(&PeerIdentity::Planner);
        let metrics = Metrics::new("planner");
        let health = Health::new(&metrics).unwrap();
        let planner = Planner::bind(settings(), security, metrics, health.clone())
            .await
            .unwrap();
        let (address, admin) = (planner.address(), planner.admin_address());
        let stop = CancellationToken::new();
        let task = tokio::spawn(planner.run(stop.clone()));
        Self {
            authority,
            health,
            address,
            admin,
            stop,
            task,
        }
    }

    /// A connection of someone with this identity.
    pub(crate) fn channel(&self, identity: &PeerIdentity) -> Channel {
        let address = HostPort {
            host: "localhost".to_owned(),
            port: self.address.port(),
        };
        self.authority
            .security(identity)
            .endpoint(&address)
            .unwrap()
            .connect_lazy()
    }

    /// A page of the admin port, headers included.
    pub(crate) async fn page(&self, path: &str) -> String {
        let mut connection = TcpStream::connect(self.admin).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, connection.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        answer
    }

    /// Ends it as SIGTERM would.
    pub(crate) async fn stop(self) {
        self.health.begin_shutdown();
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }
}

/// Nobody listens on port 1.
pub(crate) fn settings() -> PlannerSettings {
    from_yaml(
        "listen: 127.0.0.1:0
admin: {listen: 127.0.0.1:0}
actuator: localhost:1
tls: {ca_file: unused, cert_file: unused, key_file: unused}
clusters: [{id: c-lab, region: cn-hangzhou, vpc_id: vpc-1}]
",
    )
    .unwrap()
}
