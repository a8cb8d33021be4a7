//! Starting and stopping a simulated API, and how clients reach it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::allocation::Allocators;
use crate::cluster::Cluster;
use crate::errors::ApiError;
use crate::faults::Faults;
use crate::registry::Registry;
use crate::server::{self, App, Listener};
use crate::storage::Storage;
use crate::tls::{self, TlsError};

/// How a simulated API is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// HTTPS with an authority of its own and a bearer token, or plain HTTP without either.
    pub tls: bool,
    /// Changes kept per resource. A watch that falls behind by more gets a 410 event.
    pub history: usize,
    /// Time between bookmarks of a watch that asked for them.
    pub bookmark_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            tls: true,
            history: 10_000,
            bookmark_interval: Duration::from_secs(10),
        }
    }
}

/// Why a simulated API did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address could not be listened on.
    #[error("cannot listen on {address}: {source}; choose another address or port 0")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// No certificate could be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The first namespaces were refused: the embedded schema is broken.
    #[error("the first namespaces could not be made: {0}")]
    Bootstrap(#[from] ApiError),
}

/// A running simulated API. Stops when it is dropped; [`KubeSim::shutdown`] also waits for open connections to end.
#[derive(Debug)]
pub struct KubeSim {
    address: SocketAddr,
    ca_pem: Option<String>,
    token: Option<Arc<str>>,
    cluster: Cluster,
    faults: Arc<Faults>,
    stopping: CancellationToken,
    server: JoinHandle<()>,
}

impl KubeSim {
    /// Starts an API with the namespaces of a fresh cluster.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let identity = options
            .tls
            .then(|| tls::generate(options.listen.ip()))
            .transpose()?;
        let registry = Arc::new(Registry::new(Storage::new(
            options.history,
            Allocators::default(),
        ))?);
        let listen_failed = |source| StartError::Listen {
            address: options.listen,
            source,
        };
        let tls_config = identity.as_ref().map(|identity| Arc::clone(&identity.server));
        let listener = Listener::bind(options.listen, tls_config)
            .await
            .map_err(listen_failed)?;
        let address = listener.socket.local_addr().map_err(listen_failed)?;
        let token: Option<Arc<str>> = options
            .tls
            .then(|| uuid::Uuid::new_v4().simple().to_string().into());
        let faults = Arc::new(Faults::default());
        let stopping = CancellationToken::new();
        let app = App {
            registry: Arc::clone(&registry),
            faults: Arc::clone(&faults),
            token: token.clone(),
            bookmark_interval: options.bookmark_interval,
            stopping: stopping.clone(),
        };
        let router = server::router(app);
        let server = tokio::spawn(server::serve(
            listener,
            router,
            Arc::clone(&faults),
            stopping.clone(),
        ));
        let ca_pem = identity.map(|identity| identity.ca_pem);
        Ok(Self {
            address,
            ca_pem,
            token,
            cluster: Cluster::new(registry),
            faults,
            stopping,
            server,
        })
    }

    /// Base URL, without a trailing slash.
    pub fn endpoint(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// A kubeconfig (JSON, which is YAML) with the address, the authority and the token.
    pub fn kubeconfig(&self) -> String {
        let mut cluster = json!({"server": self.endpoint()});
        if let Some(ca) = &self.ca_pem {
            cluster["certificate-authority-data"] = STANDARD.encode(ca).into();
        }
        let user = self
            .token
            .as_deref()
            .map_or(json!({}), |token| json!({"token": token}));
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "kube-sim",
            "clusters": [{"name": "kube-sim", "cluster": cluster}],
            "users": [{"name": "kube-sim", "user": user}],
            "contexts": [{"name": "kube-sim", "context": {"cluster": "kube-sim", "user": "kube-sim"}}],
        });
        format!("{config:#}")
    }

    /// The authority's certificate in PEM; `None` for plain HTTP.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The bearer token that is let in; `None` for plain HTTP.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The objects, without HTTP.
    pub fn cluster(&self) -> Cluster {
        self.cluster.clone()
    }

    /// The faults that can be ordered.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Makes every resourceVersion of before too old: open watches end with a 410 event, and so do new ones from an old
    /// version.
    pub fn expire_versions(&self) {
        self.cluster.expire_versions();
    }

    /// Ends watches and connections and waits for that.
    pub async fn shutdown(mut self) {
        self.stopping.cancel();
        if let Err(error) = (&mut self.server).await {
            tracing::warn!(%error, "the simulated API did not end cleanly");
        }
    }
}

impl Drop for KubeSim {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}
