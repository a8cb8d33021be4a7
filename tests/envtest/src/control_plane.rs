//! Starts etcd and kube-apiserver, waits until they serve, stops them.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::binaries::{self, Binaries};
use crate::certificates::{self, Certificates};
use crate::process::Process;

/// How long a start may take on a loaded machine (4 s on an idle one).
const START_DEADLINE: Duration = Duration::from_secs(120);
const PROBE_INTERVAL: Duration = Duration::from_millis(200);
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Addresses of Services.
const IPV4_RANGE: &str = "10.96.0.0/12";
/// Those of both families, IPv4 by default.
const RANGES_OF_BOTH_FAMILIES: &str = "10.96.0.0/12,fd00:10:96::/112";

/// Why a control plane did not start although there are binaries.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// No folder or port could be had, or a program could not be started.
    #[error("the control plane could not be started: {0}")]
    Io(#[from] io::Error),
    /// No certificate could be made.
    #[error("no certificate could be generated: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The probe's HTTP client could not be made.
    #[error("no client for the readiness probe: {0}")]
    Client(#[from] reqwest::Error),
    /// A program ended by itself.
    #[error("{program} ended before it was ready ({status}); its log ends with:\n{log}")]
    Ended {
        /// Which one.
        program: &'static str,
        /// How it ended.
        status: String,
        /// The end of its output.
        log: String,
    },
    /// It never became ready.
    #[error("kube-apiserver was not ready after {} s; its log ends with:\n{log}", START_DEADLINE.as_secs())]
    NotReady {
        /// The end of its output.
        log: String,
    },
}

/// A running API server with its etcd. Stops when it is dropped, or when the process ends.
#[derive(Debug)]
pub struct ControlPlane {
    endpoint: String,
    ca_pem: String,
    token: String,
    // Dropped in this order: the server before its storage, the folder last.
    kube_apiserver: Process,
    etcd: Process,
    _folder: TempDir,
}

impl ControlPlane {
    /// Starts one, or answers `None`, with a line on standard error that says why, where there are no binaries.
    pub async fn start() -> Result<Option<Self>, StartError> {
        Self::start_where_possible(IPV4_RANGE).await
    }

    /// The same with Services of both address families; without an `ipFamilies` of its own a Service has IPv4.
    pub async fn start_dual_stack() -> Result<Option<Self>, StartError> {
        Self::start_where_possible(RANGES_OF_BOTH_FAMILIES).await
    }

    async fn start_where_possible(service_ranges: &str) -> Result<Option<Self>, StartError> {
        match binaries::find() {
            Ok(binaries) => Self::start_from(&binaries, service_ranges).await.map(Some),
            Err(why) => {
                // Not `eprintln!`: the test harness hides what that prints in a test that passes.
                if let Err(error) = writeln!(io::stderr(), "not run against a real kube-apiserver: {why}") {
                    tracing::warn!(%error, why, "not run against a real kube-apiserver");
                }
                Ok(None)
            }
        }
    }

    /// Starts one from the given programs and waits until it is ready.
    async fn start_from(binaries: &Binaries, service_ranges: &str) -> Result<Self, StartError> {
        let folder = tempfile::Builder::new().prefix("clb-envtest-").tempdir()?;
        let certificates = certificates::write(folder.path())?;
        let token = uuid::Uuid::new_v4().simple().to_string();
        let port = || clb_ports::lasting().map(|address| address.port());
        let (port, client_port, peer_port) = (port()?, port()?, port()?);
        let etcd = start_etcd(binaries, folder.path(), client_port, peer_port)?;
        let kube_apiserver = start_api(
            binaries,
            folder.path(),
            &certificates,
            &token,
            [port, client_port],
            service_ranges,
        )?;
        let mut control_plane = Self {
            endpoint: format!("https://127.0.0.1:{port}"),
            ca_pem: certificates.ca_pem,
            token,
            kube_apiserver,
            etcd,
            _folder: folder,
        };
        control_plane.wait_until_ready().await?;
        Ok(control_plane)
    }

    async fn wait_until_ready(&mut self) -> Result<(), StartError> {
        let authority = reqwest::Certificate::from_pem(self.ca_pem.as_bytes())?;
        let client = reqwest::Client::builder()
            .tls_certs_only([authority])
            .timeout(PROBE_TIMEOUT)
            .no_proxy()
            .build()?;
        let url = format!("{}/readyz", self.endpoint);
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            still_runs("etcd", &mut self.etcd)?;
            still_runs("kube-apiserver", &mut self.kube_apiserver)?;
            let probe = client.get(&url).bearer_auth(&self.token).send();
            if let Ok(Ok(answer)) = timeout(PROBE_TIMEOUT, probe).await
                && answer.status().is_success()
            {
                return Ok(());
            }
            sleep(PROBE_INTERVAL).await;
        }
        Err(StartError::NotReady {
            log: self.kube_apiserver.log_tail(),
        })
    }

    /// Base URL, without a trailing slash.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The authority's certificate in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A bearer token of the group `system:masters`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A kubeconfig (JSON, which is YAML) for that token.
    pub fn kubeconfig(&self) -> String {
        let pem = self.ca_pem.as_bytes();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "envtest",
            "clusters": [{"name": "envtest", "cluster": {"server": self.endpoint, "certificate-authority-data": base64(pem)}}],
            "users": [{"name": "envtest", "user": {"token": self.token}}],
            "contexts": [{"name": "envtest", "context": {"cluster": "envtest", "user": "envtest"}}],
        });
        format!("{config:#}")
    }
}

fn still_runs(program: &'static str, process: &mut Process) -> Result<(), StartError> {
    match process.ended()? {
        None => Ok(()),
        Some(status) => Err(StartError::Ended {
            program,
            status: status.to_string(),
            log: process.log_tail(),
        }),
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn start_etcd(binaries: &Binaries, folder: &Path, client_port: u16, peer_port: u16) -> io::Result<Process> {
    let client = format!("http://127.0.0.1:{client_port}");
    let peer = format!("http://127.0.0.1:{peer_port}");
    let arguments = [
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ];
    Process::start(&binaries.etcd, &arguments, &folder.join("etcd.log"))
}

fn start_api(
    binaries: &Binaries,
    folder: &Path,
    certificates: &Certificates,
    token: &str,
    [port, etcd_port]: [u16; 2],
    service_ranges: &str,
) -> Result<Process, StartError> {
    let tokens = folder.join("tokens.csv");
    let line = format!("{token},admin,admin,\"system:masters\"\n");
    std::fs::write(&tokens, line).map_err(|source| StartError::File {
        path: tokens.clone(),
        source,
    })?;
    let file = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
    let arguments = [
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        file("tls-cert-file", &certificates.server),
        file("tls-private-key-file", &certificates.server_key),
        file("client-ca-file", &certificates.ca),
        file("token-auth-file", &tokens),
        "--service-account-issuer=https://127.0.0.1".to_owned(),
        file("service-account-key-file", &certificates.account_public_key),
        file("service-account-signing-key-file", &certificates.account_key),
        format!("--service-cluster-ip-range={service_ranges}"),
        "--authorization-mode=RBAC".to_owned(),
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        // The end-to-end suite makes a thousand Services at once.
        "--max-requests-inflight=2000".to_owned(),
        "--max-mutating-requests-inflight=1000".to_owned(),
    ];
    Ok(Process::start(
        &binaries.kube_apiserver,
        &arguments,
        &folder.join("kube-apiserver.log"),
    )?)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// An API server without its storage would be waited for until the deadline.
    #[tokio::test]
    async fn an_etcd_that_ends_is_named_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let waits = folder.path().join("waits");
        std::fs::write(&waits, "#!/bin/sh\nexec sleep 3600\n").unwrap();
        std::fs::set_permissions(&waits, Permissions::from_mode(0o700)).unwrap();
        let binaries = Binaries {
            etcd: "/bin/false".into(),
            kube_apiserver: waits,
        };
        let started = ControlPlane::start_from(&binaries, IPV4_RANGE).await;
        assert!(
            matches!(started, Err(StartError::Ended { program: "etcd", .. })),
            "{started:?}"
        );
    }
}
