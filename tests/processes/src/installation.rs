//! The three services as an installation has them, each a process with its configuration file, between a simulated cluster and a
//! simulated cloud of this process.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cloud_sim::{CloudSim, DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_ACCOUNT, lab};
use kube_sim::KubeSim;

use crate::{Process, binary_beside};

/// Id of the one cluster.
pub const CLUSTER: &str = "c-1";

/// Both ports that a service listens on are chosen by the system; readiness goes off a second before the end.
const COMMON: &str = "insecure: true\nadmin: {listen: \"127.0.0.1:0\", drain: 1s}\n";

/// The highest that can be set: what is planned for is not to be what is measured.
const QUOTAS: &str = "quotas: {backends_per_load_balancer: 100000, attachments_per_instance: 10000}";

/// A running installation.
pub struct Installation {
    /// The simulated cloud, with the lab of the examples in it, without limits and quotas; the services assume none either.
    pub cloud: CloudSim,
    /// The simulated cluster.
    pub kube: KubeSim,
    /// The services.
    pub services: Services,
    beside: PathBuf,
    folder: PathBuf,
}

/// The processes of an installation.
#[derive(Debug)]
pub struct Services {
    /// `clb-actuator`.
    pub actuator: Process,
    /// `clb-planner`.
    pub planner: Process,
    /// Where the planner's gRPC services are.
    pub planner_address: String,
    /// `clb-watcher`.
    pub watcher: Process,
}

impl Installation {
    /// Starts everything. The services' binaries are beside `binary`; their files go to `folder`.
    ///
    /// # Errors
    /// What could not be started, with what it wrote.
    pub async fn start(binary: &Path, folder: &Path) -> anyhow::Result<Self> {
        let cloud = CloudSim::start(cloud_sim::Options::default()).await?;
        cloud
            .cloud()
            .change_circumstances(|circumstances| circumstances.quotas = cloud_sim::Quotas::unlimited());
        lab::build(&cloud.cloud().account(DEFAULT_ACCOUNT))?;
        let kube = KubeSim::start(kube_sim::Options::default()).await?;
        let services = start_services(&cloud, &kube, binary, folder).await?;
        Ok(Self {
            cloud,
            kube,
            services,
            beside: binary.to_owned(),
            folder: folder.to_owned(),
        })
    }

    /// Ends the services and starts them anew.
    ///
    /// # Errors
    /// A service that does not end with success, or does not start.
    pub async fn restart(self) -> anyhow::Result<Self> {
        self.services.terminate().await?;
        let services = start_services(&self.cloud, &self.kube, &self.beside, &self.folder).await?;
        Ok(Self { services, ..self })
    }

    /// Ends everything.
    ///
    /// # Errors
    /// A service that does not end with success.
    pub async fn end(self) -> anyhow::Result<()> {
        self.services.terminate().await?;
        self.kube.shutdown().await;
        self.cloud.shutdown().await;
        Ok(())
    }
}

impl Services {
    /// Everything that the services have written.
    #[must_use]
    pub fn written(&self) -> String {
        [&self.watcher, &self.planner, &self.actuator]
            .map(Process::written)
            .join("\n")
    }

    async fn terminate(self) -> anyhow::Result<()> {
        for process in [self.watcher, self.planner, self.actuator] {
            let (name, written) = (process.name().to_owned(), process.written());
            let status = process.terminate().await?;
            anyhow::ensure!(status.code() == Some(0), "{name} ended with {status}:\n{written}");
        }
        Ok(())
    }
}

async fn start_services(
    cloud: &CloudSim,
    kube: &KubeSim,
    beside: &Path,
    folder: &Path,
) -> anyhow::Result<Services> {
    let file = |name: &str, text: &str| -> anyhow::Result<String> {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path.to_string_lossy().into_owned())
    };
    let (region, vpc) = (lab::REGION, lab::VPC);

    let text = format!(
        "{COMMON}listen: 127.0.0.1:0\nlimits: [{{action: \"*\", calls: 10000000, burst: 100000}}]\n\
         clusters: [{{id: {CLUSTER}, region: {region}, vpc_ids: [{vpc}]}}]\n"
    );
    let endpoint = cloud.endpoint();
    let environment = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", DEFAULT_ACCESS_KEY_ID),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", DEFAULT_ACCESS_KEY_SECRET),
        ("SLB_ENDPOINT", &endpoint),
        ("ECS_ENDPOINT", &endpoint),
        ("VPC_ENDPOINT", &endpoint),
    ];
    let configuration = file("actuator.yaml", &text)?;
    let actuator = Process::start(
        &binary_beside(beside, "clb-actuator")?,
        &["--config", &configuration],
        &environment,
    )?;
    let address = actuator.logged("the actuator is serving", "address").await?;

    let (vswitch, zone, _) = lab::VSWITCHES[0];
    let text = format!(
        "{COMMON}listen: 127.0.0.1:0\nactuator: {address}\n\
         clusters: [{{id: {CLUSTER}, region: {region}, vpc_id: {vpc}, vpc_cidrs: [10.0.0.0/8], vswitches: [{{id: {vswitch}, zone: {zone}}}], {QUOTAS}}}]\n"
    );
    let configuration = file("planner.yaml", &text)?;
    let planner = Process::start(
        &binary_beside(beside, "clb-planner")?,
        &["--config", &configuration],
        &[],
    )?;
    let planner_address = planner.logged("the planner is serving", "address").await?;

    let kubeconfig = file("kubeconfig", &kube.kubeconfig())?;
    let text = format!(
        "{COMMON}cluster_id: {CLUSTER}\nplanner: {planner_address}\nkubernetes: {{kubeconfig: {kubeconfig:?}}}\n"
    );
    let configuration = file("watcher.yaml", &text)?;
    let watcher = Process::start(
        &binary_beside(beside, "clb-watcher")?,
        &["--config", &configuration],
        &[],
    )?;
    watcher.logged("starting", "admin").await?;
    Ok(Services {
        actuator,
        planner,
        planner_address,
        watcher,
    })
}
