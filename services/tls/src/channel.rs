//! Servers and channels with or without TLS, as the settings say, always with HTTP/2 keep-alive: without it a
//! channel does not notice that the other side has gone.

use std::net::SocketAddr;
use std::time::Duration;

use clb_settings::HostPort;
use tonic::transport::{Endpoint, Server};

use crate::identify::Trust;
use crate::loopback::{require_loopback_address, require_loopback_host};
use crate::material::{TlsError, TlsMaterial};
use crate::settings::TlsSettings;

/// A peer that has been silent this long is asked whether it is there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// A peer that has not answered by then is gone.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Connecting and the handshake; longer means that a packet filter swallows what we send.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How a service talks to others.
#[derive(Debug, Clone)]
pub enum Security {
    /// With certificates on both sides.
    Mutual(Box<TlsMaterial>),
    /// In plaintext on loopback.
    Insecure,
}

impl Security {
    /// As the settings say: exactly one of certificates and `--insecure`.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn from_settings(tls: Option<&TlsSettings>, insecure: bool) -> Result<Self, TlsError> {
        match (tls, insecure) {
            (Some(settings), false) => Ok(Self::mutual(TlsMaterial::load(settings)?)),
            (None, true) => Ok(Self::Insecure),
            (None, false) => Err(TlsError::NoCertificates),
            (Some(_), true) => Err(TlsError::Contradiction),
        }
    }

    /// With certificates that are in memory already, such as the sandbox's.
    #[must_use]
    pub fn mutual(material: TlsMaterial) -> Self {
        Self::Mutual(Box::new(material))
    }

    /// What a server is to believe a caller's identity from.
    #[must_use]
    pub fn trust(&self) -> Trust {
        match self {
            Self::Mutual(_) => Trust::Certificate,
            Self::Insecure => Trust::LoopbackMetadata,
        }
    }

    /// A server that will listen on `listen`.
    ///
    /// # Errors
    /// [`TlsError::NotLoopback`] without TLS, [`TlsError::Setup`] if the library refuses the certificates.
    pub fn server(&self, listen: SocketAddr) -> Result<Server, TlsError> {
        let server = Server::builder()
            .http2_keepalive_interval(Some(KEEP_ALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
            .tcp_nodelay(true);
        match self {
            Self::Mutual(material) => server.tls_config(material.server_config()).map_err(setup),
            Self::Insecure => {
                require_loopback_address(listen)?;
                Ok(server)
            }
        }
    }

    /// How to reach `peer`. Calls on its channels need deadlines of their own.
    ///
    /// # Errors
    /// As [`server`](Self::server).
    pub fn endpoint(&self, peer: &HostPort) -> Result<Endpoint, TlsError> {
        let scheme = match self {
            Self::Mutual(_) => "https",
            Self::Insecure => "http",
        };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{peer}"))
            .map_err(setup)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        match self {
            Self::Mutual(material) => endpoint
                .tls_config(material.client_config(&peer.host))
                .map_err(setup),
            Self::Insecure => {
                require_loopback_host(&peer.host)?;
                Ok(endpoint)
            }
        }
    }
}

/// The whole chain of causes, since the library's own text is only "transport error".
#[expect(clippy::needless_pass_by_value, reason = "used as a function of map_err")]
fn setup(error: tonic::transport::Error) -> TlsError {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    TlsError::Setup(text)
}
