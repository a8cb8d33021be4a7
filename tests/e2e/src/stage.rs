//! A [`World`] for a test, over a simulated or a real Kubernetes API.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clb_envtest::ControlPlane;
use clb_sandbox::report::table;
use clb_sandbox::view::{ServiceName, converged};
use clb_sandbox::world::{KubeApi, Options, World};
use tokio::time::{Instant, sleep};

/// How long a scenario may take to reach a state. Only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a state is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Which Kubernetes API a scenario runs against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// kube-sim.
    Simulated,
    /// kube-apiserver and etcd.
    Real,
}

/// A world under test.
pub struct Stage {
    /// The services, the clusters and the cloud.
    pub world: World,
    _control_plane: Option<ControlPlane>,
    folder: tempfile::TempDir,
}

impl Stage {
    /// Starts one cluster. None when a real API was asked for and there are no binaries, which is said on stderr.
    ///
    /// # Errors
    /// Whatever could not be started.
    pub async fn start(api: Api) -> anyhow::Result<Option<Self>> {
        Self::start_with(api, |_| {}).await
    }

    /// As [`start`](Self::start), with other options.
    ///
    /// # Errors
    /// Whatever could not be started.
    pub async fn start_with(api: Api, change: impl FnOnce(&mut Options)) -> anyhow::Result<Option<Self>> {
        clb_tls::install_provider();
        let control_plane = match api {
            Api::Simulated => None,
            Api::Real => {
                let Some(control_plane) = ControlPlane::start().await? else {
                    return Ok(None);
                };
                Some(control_plane)
            }
        };
        Self::start_over(control_plane, change).await.map(Some)
    }

    /// Over a real API whose Services may be of either address family; kube-sim has IPv4 only. None where there are no binaries.
    ///
    /// # Errors
    /// Whatever could not be started.
    pub async fn start_dual_stack() -> anyhow::Result<Option<Self>> {
        clb_tls::install_provider();
        let Some(control_plane) = ControlPlane::start_dual_stack().await? else {
            return Ok(None);
        };
        Self::start_over(Some(control_plane), |_| {}).await.map(Some)
    }

    async fn start_over(
        control_plane: Option<ControlPlane>,
        change: impl FnOnce(&mut Options),
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut options = Options::simulated(1, folder.path().to_owned());
        if let Some(control_plane) = &control_plane {
            options.apis = vec![KubeApi::Given(control_plane.kubeconfig())];
        }
        change(&mut options);
        let world = World::start(options).await?;
        Ok(Self {
            world,
            _control_plane: control_plane,
            folder,
        })
    }

    /// The folder with the world's files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until exactly these many Services have converged and no other is there.
    ///
    /// # Errors
    /// After a minute, with a table of what is there.
    pub async fn converged(&self, wanted: usize) -> anyhow::Result<()> {
        self.until(&format!("{wanted} Services converged"), async || {
            let services = self.world.view.services().await?;
            Ok(services.len() == wanted && services.values().all(converged))
        })
        .await
    }

    /// Waits until a condition holds.
    ///
    /// # Errors
    /// After a minute, with what was waited for and a table of what is there; at once where the condition fails.
    pub async fn until(
        &self,
        what: &str,
        mut holds: impl AsyncFnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            match holds().await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                // A service that is being restarted does not answer for a moment.
                Err(error) if begun.elapsed() < PATIENCE => drop(error),
                Err(error) => return Err(error).context(format!("waiting until {what}")),
            }
            if begun.elapsed() >= PATIENCE {
                let services = self.world.view.services().await.unwrap_or_default();
                bail!(
                    "not so after {PATIENCE:?}: {what}\n{}",
                    table(&services, &self.world.calls_by_load_balancer())
                );
            }
            sleep(LOOK).await;
        }
    }

    /// What the planner says of one Service of the first cluster.
    ///
    /// # Errors
    /// When the planner does not answer or does not know the Service.
    pub async fn service(&self, name: &str) -> anyhow::Result<clb_sandbox::view::Service> {
        let name = ServiceName {
            cluster: self.world.clusters[0].id.clone(),
            namespace: "default".to_owned(),
            name: name.to_owned(),
        };
        self.world
            .view
            .services()
            .await?
            .remove(&name)
            .with_context(|| format!("the planner does not know {name}"))
    }

    /// How many writes the cloud has been asked for.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.world.cloud.cloud().counters().writes
    }

    /// Ends everything.
    pub async fn end(self) {
        self.world.shutdown().await;
    }
}

/// The repository's folder of that name.
#[must_use]
pub fn repository(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)
}
