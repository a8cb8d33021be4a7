//! The three services of a sandbox, each as its binary would run it: own settings, own certificate, own metrics and checks.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use clb_actuator::{Actuator, ActuatorSettings};
use clb_cloud_client::FixedCredentials;
use clb_planner::{Planner, PlannerSettings};
use clb_settings::HostPort;
use clb_telemetry::{AdminServer, Health, Metrics};
use clb_tls::{Security, TlsMaterial};
use clb_watcher::WatcherSettings;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::cluster::LabCluster;
use super::settings::{self, Configured, Files};
use crate::certificates::Authority;

/// The key pair that the actuator is given.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `AccessKeyId`.
    pub id: String,
    /// `AccessKeySecret`.
    pub secret: String,
}

impl Default for Keys {
    /// The one that the simulated cloud knows.
    fn default() -> Self {
        Self {
            id: cloud_sim::DEFAULT_ACCESS_KEY_ID.to_owned(),
            secret: cloud_sim::DEFAULT_ACCESS_KEY_SECRET.to_owned(),
        }
    }
}

/// One running service.
pub struct Component {
    /// Its name: clb-actuator, clb-planner or clb-watcher.
    pub name: &'static str,
    /// Its checks, as `/readyz?verbose` shows them.
    pub health: Health,
    /// Its metrics, as `/metrics` shows them.
    pub metrics: Metrics,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Component {
    /// Starts a service's future under its name.
    fn spawn<E>(
        name: &'static str,
        (health, metrics): (Health, Metrics),
        stop: CancellationToken,
        run: impl Future<Output = Result<(), E>> + Send + 'static,
    ) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let task = tokio::spawn(async move { run.await.with_context(|| format!("{name} ended")) });
        Self {
            name,
            health,
            metrics,
            stop,
            task,
        }
    }

    /// Ends it as SIGTERM would and waits for it.
    pub async fn stop(self) {
        self.health.begin_shutdown();
        self.stop.cancel();
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = format!("{error:#}"), "a service ended with an error"),
            Err(error) => tracing::warn!(%error, service = self.name, "a service's task failed"),
        }
    }
}

/// The three services, and what is needed to start one of them again.
pub struct Services {
    /// Carries out batches.
    pub actuator: Option<Component>,
    /// Plans.
    pub planner: Option<Component>,
    /// One for each cluster, in their order.
    pub watchers: Vec<Option<Component>>,
    factory: Factory,
}

/// Makes services with the files, ports and certificates of this sandbox.
struct Factory {
    files: Files,
    actuator: ActuatorSettings,
    planner: PlannerSettings,
    watchers: Vec<WatcherSettings>,
    keys: Keys,
    operator: Security,
    operator_arguments: String,
}

impl Services {
    pub(super) async fn start(
        folder: &Path,
        cloud: &str,
        clusters: &[LabCluster],
        configured: Configured<'_>,
        keys: &Keys,
    ) -> anyhow::Result<Self> {
        let authority = Authority::new().context("making a certificate authority")?;
        let factory = Factory::new(folder, &authority, cloud, clusters, configured, keys.clone())?;
        let mut services = Self {
            actuator: None,
            planner: None,
            watchers: clusters.iter().map(|_| None).collect(),
            factory,
        };
        services.start_actuator().await?;
        services.start_planner().await?;
        let planner = host_port(services.factory.planner.listen);
        for cluster in clusters {
            let watcher =
                settings::watcher(&services.factory.files, &authority, cluster, &planner, configured)?;
            services.factory.watchers.push(watcher);
        }
        for index in 0..clusters.len() {
            services.start_watcher(index).await?;
        }
        Ok(services)
    }

    /// Starts the actuator, on the port that it had before.
    ///
    /// # Errors
    /// A port that is taken, certificates that cannot be read.
    pub async fn start_actuator(&mut self) -> anyhow::Result<()> {
        let (settings, keys) = (&mut self.factory.actuator, &self.factory.keys);
        let security = Security::from_settings(settings.tls.as_ref(), settings.insecure)?;
        let (health, metrics) = instruments("actuator")?;
        let credentials = Arc::new(FixedCredentials::new(&keys.id, &keys.secret));
        let actuator = Actuator::bind(
            settings.clone(),
            credentials,
            security,
            metrics.clone(),
            health.clone(),
        )
        .await?;
        settings.listen = actuator.address();
        self.factory.planner.actuator = host_port(actuator.address());
        let stop = CancellationToken::new();
        let run = actuator.run(stop.clone());
        self.actuator = Some(Component::spawn("clb-actuator", (health, metrics), stop, run));
        Ok(())
    }

    /// Starts the planner, on the port that it had before.
    ///
    /// # Errors
    /// A port that is taken, certificates that cannot be read.
    pub async fn start_planner(&mut self) -> anyhow::Result<()> {
        let settings = &mut self.factory.planner;
        let security = Security::from_settings(settings.tls.as_ref(), settings.insecure)?;
        let (health, metrics) = instruments("planner")?;
        let planner = Planner::bind(settings.clone(), security, metrics.clone(), health.clone()).await?;
        settings.listen = planner.address();
        let stop = CancellationToken::new();
        let run = planner.run(stop.clone());
        self.planner = Some(Component::spawn("clb-planner", (health, metrics), stop, run));
        Ok(())
    }

    /// Starts the watcher of a cluster.
    ///
    /// # Errors
    /// Certificates or a kubeconfig that cannot be read.
    pub async fn start_watcher(&mut self, index: usize) -> anyhow::Result<()> {
        let settings = &self.factory.watchers[index];
        let (health, metrics) = instruments("watcher")?;
        let environment = clb_watcher::Environment {
            kubernetes: clb_watcher::kubernetes_config(&settings.kubernetes).await?,
            security: Security::from_settings(settings.tls.as_ref(), settings.insecure)?,
            metrics: metrics.clone(),
            health: health.clone(),
        };
        let stop = CancellationToken::new();
        let (settings, watcher_stop) = (settings.clone(), stop.clone());
        let admin = AdminServer::bind(settings.admin.listen, health.clone(), metrics.clone()).await?;
        let run = async move {
            let admin_stop = CancellationToken::new();
            let _ends_admin = admin_stop.clone().drop_guard();
            let served = tokio::spawn(admin.serve(admin_stop.clone()));
            let ended = clb_watcher::run(&settings, environment, watcher_stop).await;
            served.abort();
            ended
        };
        self.watchers[index] = Some(Component::spawn("clb-watcher", (health, metrics), stop, run));
        Ok(())
    }

    /// Stops all of them, those upstream first.
    pub async fn stop(&mut self) {
        for service in self
            .watchers
            .iter_mut()
            .chain([&mut self.planner, &mut self.actuator])
        {
            if let Some(service) = service.take() {
                service.stop().await;
            }
        }
    }

    /// Stops all of them, then starts them anew on the ports that they had.
    ///
    /// # Errors
    /// Whatever could not be started.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await;
        self.start_actuator().await?;
        self.start_planner().await?;
        for index in 0..self.watchers.len() {
            self.start_watcher(index).await?;
        }
        Ok(())
    }

    /// A channel to the planner with an operator's certificate.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub async fn operator_channel(&self) -> anyhow::Result<Channel> {
        let endpoint = self
            .factory
            .operator
            .endpoint(&host_port(self.factory.planner.listen))?;
        Ok(endpoint.connect_lazy())
    }

    /// How `clbctl` asks the planner for its Services.
    #[must_use]
    pub fn clbctl(&self) -> String {
        format!(
            "clbctl services --planner {} {}",
            self.factory.planner.listen, self.factory.operator_arguments
        )
    }

    /// Changes what the actuator is configured with at its next start.
    pub fn change_actuator(&mut self, change: impl FnOnce(&mut ActuatorSettings)) {
        change(&mut self.factory.actuator);
    }

    /// Changes what the planner is configured with at its next start.
    pub fn change_planner(&mut self, change: impl FnOnce(&mut PlannerSettings)) {
        change(&mut self.factory.planner);
    }

    /// Changes what the watcher of a cluster is configured with at its next start.
    pub fn change_watcher(&mut self, index: usize, change: impl FnOnce(&mut WatcherSettings)) {
        if let Some(settings) = self.factory.watchers.get_mut(index) {
            change(settings);
        }
    }

    /// Changes what the actuator is given at its next start.
    pub fn set_keys(&mut self, keys: Keys) {
        self.factory.keys = keys;
    }

    /// Ends them, those upstream first.
    pub async fn shutdown(self) {
        for watcher in self.watchers.into_iter().flatten() {
            watcher.stop().await;
        }
        for service in [self.planner, self.actuator].into_iter().flatten() {
            service.stop().await;
        }
        tracing::debug!(folder = %self.factory.files.folder().display(), "the services have ended");
    }
}

impl Factory {
    fn new(
        folder: &Path,
        authority: &Authority,
        cloud: &str,
        clusters: &[LabCluster],
        configured: Configured<'_>,
        keys: Keys,
    ) -> anyhow::Result<Self> {
        let files = Files::new(folder, authority)?;
        let (issued, operator_arguments) = files.operator(authority)?;
        let operator = TlsMaterial::from_pem(authority.certificate(), issued.certificate, issued.key.into())?;
        let mut actuator = settings::actuator(&files, authority, cloud, clusters, configured)?;
        let mut planner = settings::planner(&files, authority, clusters, configured)?;
        for listen in [&mut actuator.listen, &mut planner.listen] {
            *listen = clb_ports::lasting().context("looking for a free port")?;
        }
        Ok(Self {
            actuator,
            planner,
            watchers: Vec::new(),
            keys,
            operator: Security::mutual(operator),
            operator_arguments,
            files,
        })
    }
}

fn instruments(service: &str) -> anyhow::Result<(Health, Metrics)> {
    let metrics = Metrics::new(service);
    let health = Health::new(&metrics)?;
    Ok((health, metrics))
}

fn host_port(address: SocketAddr) -> HostPort {
    HostPort {
        host: address.ip().to_string(),
        port: address.port(),
    }
}
