//! The three binaries, each a process with its configuration file, between a simulated cluster and a simulated cloud.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clb_processes::{Process, binary_beside};
use cloud_sim::{CloudSim, DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_ACCOUNT, lab};
use kube_sim::resources::SERVICES;
use kube_sim::{Cluster, KubeSim};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Installation {
    cloud: CloudSim,
    kube: KubeSim,
    folder: tempfile::TempDir,
    actuator: Process,
    planner: Process,
    watcher: Process,
}

fn binary(name: &str) -> anyhow::Result<PathBuf> {
    binary_beside(Path::new(env!("CARGO_BIN_EXE_clb-sandbox")), name)
}

impl Installation {
    /// Starts the simulators and the services, each with nothing but `--config FILE`.
    async fn start() -> anyhow::Result<Self> {
        clb_tls::install_provider();
        let cloud = CloudSim::start(cloud_sim::Options::default()).await?;
        lab::build(&cloud.cloud().account(DEFAULT_ACCOUNT))?;
        let kube = KubeSim::start(kube_sim::Options::default()).await?;
        let folder = tempfile::tempdir()?;
        let file = |name: &str, text: &str| -> anyhow::Result<String> {
            let path = folder.path().join(name);
            std::fs::write(&path, text)?;
            Ok(path.to_string_lossy().into_owned())
        };

        let common = "insecure: true\nlisten: 127.0.0.1:0\nadmin: {listen: \"127.0.0.1:0\", drain: 1s}\n";
        let actuator_file = file(
            "actuator.yaml",
            &format!(
                "{common}clusters: [{{id: c-1, region: {}, vpc_ids: [{}]}}]\n",
                lab::REGION,
                lab::VPC
            ),
        )?;
        let endpoint = cloud.endpoint();
        let environment = [
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", DEFAULT_ACCESS_KEY_ID),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", DEFAULT_ACCESS_KEY_SECRET),
            ("SLB_ENDPOINT", &endpoint),
            ("ECS_ENDPOINT", &endpoint),
            ("VPC_ENDPOINT", &endpoint),
        ];
        let actuator = Process::start(
            &binary("clb-actuator")?,
            &["--config", &actuator_file],
            &environment,
        )?;
        let actuator_address = actuator.logged("the actuator is serving", "address").await?;

        let planner_file = file(
            "planner.yaml",
            &format!(
                "{common}actuator: {actuator_address}\nclusters: [{{id: c-1, region: {}, vpc_id: {}, vswitches: [{{id: vsw-k, zone: cn-hangzhou-k}}]}}]\n",
                lab::REGION,
                lab::VPC
            ),
        )?;
        let planner = Process::start(&binary("clb-planner")?, &["--config", &planner_file], &[])?;
        let planner_address = planner.logged("the planner is serving", "address").await?;

        let kubeconfig = file("kubeconfig", &kube.kubeconfig())?;
        let watcher_file = file(
            "watcher.yaml",
            &format!(
                "insecure: true\ncluster_id: c-1\nplanner: {planner_address}\nkubernetes: {{kubeconfig: {kubeconfig:?}}}\nadmin: {{listen: \"127.0.0.1:0\", drain: 1s}}\n"
            ),
        )?;
        let watcher = Process::start(&binary("clb-watcher")?, &["--config", &watcher_file], &[])?;
        watcher.logged("starting", "admin").await?;
        Ok(Self {
            cloud,
            kube,
            folder,
            actuator,
            planner,
            watcher,
        })
    }

    fn cluster(&self) -> Cluster {
        self.kube.cluster()
    }

    fn service(&self, name: &str) -> Option<Value> {
        self.cluster().get(&SERVICES, "default", name)
    }

    /// Our CLBs: those that are not the lab user's own.
    fn load_balancers(&self) -> usize {
        let account = self.cloud.cloud().account(DEFAULT_ACCOUNT);
        account
            .load_balancer_ids()
            .iter()
            .filter(|id| !id.starts_with("lb-reuse-"))
            .count()
    }

    async fn until(&self, what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !holds() {
            let written = [&self.watcher, &self.planner, &self.actuator]
                .map(Process::written)
                .join("\n");
            anyhow::ensure!(begun.elapsed() < PATIENCE, "not so: {what}\n{written}");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

fn web() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_comes_and_goes_through_three_processes() -> anyhow::Result<()> {
    let installation = Installation::start().await?;
    installation.cluster().create(&web())?;
    let address = || {
        installation
            .service("web")
            .and_then(|web| web.pointer("/status/loadBalancer/ingress/0/ip").cloned())
    };
    installation
        .until("the Service has an address", || address().is_some())
        .await?;
    assert_eq!(installation.load_balancers(), 1);

    installation.cluster().delete(&SERVICES, "default", "web")?;
    installation
        .until("the Service is gone", || installation.service("web").is_none())
        .await?;
    assert_eq!(installation.load_balancers(), 0);

    for process in [
        &installation.watcher,
        &installation.planner,
        &installation.actuator,
    ] {
        let written = process.written();
        assert!(
            !written.contains(DEFAULT_ACCESS_KEY_SECRET) && !written.contains(DEFAULT_ACCESS_KEY_ID),
            "{written}"
        );
    }
    for process in [installation.watcher, installation.planner, installation.actuator] {
        let written = process.written();
        assert_eq!(process.terminate().await?.code(), Some(0), "{written}");
    }
    installation.kube.shutdown().await;
    installation.cloud.shutdown().await;
    drop(installation.folder);
    Ok(())
}
