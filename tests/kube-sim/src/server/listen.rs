//! Accepts connections, with TLS or without, and serves HTTP/1.1 and HTTP/2 on them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::faults::Faults;

/// A bound listener.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// `None` for plain HTTP.
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
}

/// HTTP/2 streams per connection: each open watch of a client is one.
const STREAMS: u32 = 10_000;

impl Listener {
    /// Binds an address.
    pub(crate) async fn bind(
        address: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> io::Result<Self> {
        Ok(Self {
            socket: TcpListener::bind(address).await?,
            tls,
        })
    }
}

/// Serves until `stopping` fires, then ends every connection.
pub(crate) async fn serve(
    listener: Listener,
    router: Router,
    faults: Arc<Faults>,
    stopping: CancellationToken,
) {
    let acceptor = listener.tls.map(TlsAcceptor::from);
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.socket.accept() => accepted,
            () = stopping.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _peer)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::task::yield_now().await;
                continue;
            }
        };
        if faults.is_unreachable() {
            continue;
        }
        let (router, acceptor) = (router.clone(), acceptor.clone());
        let (faults, stopping) = (Arc::clone(&faults), stopping.clone());
        connections.spawn(async move {
            let mut cut = faults.connections();
            cut.mark_unchanged();
            tokio::select! {
                () = converse(stream, acceptor, router, stopping) => {}
                _changed = cut.changed() => {}
            }
        });
    }
    connections.close();
    connections.wait().await;
}

async fn converse(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    stopping: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    match acceptor {
        None => speak(stream, router, stopping).await,
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => speak(stream, router, stopping).await,
            Err(error) => tracing::debug!(%error, "TLS handshake failed"),
        },
    }
}

async fn speak<S>(stream: S, router: Router, stopping: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(STREAMS);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended");
    }
}
