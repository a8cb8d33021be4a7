//! Configuration files and certificates of the sandbox's services, in the form in which a person would write them: what the
//! services read here they also read from `--config FILE`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clb_actuator::ActuatorSettings;
use clb_planner::PlannerSettings;
use clb_settings::{HostPort, Settings, from_yaml};
use clb_tls::PeerIdentity;
use clb_watcher::WatcherSettings;
use cloud_sim::lab;

use super::cluster::LabCluster;
use crate::certificates::{Authority, Issued};

/// The folder in which a sandbox keeps its files.
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn new(folder: &Path, authority: &Authority) -> anyhow::Result<Self> {
        let files = Self {
            folder: folder.to_owned(),
        };
        files.write("ca.crt", &authority.certificate())?;
        Ok(files)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// Writes a service's certificate and returns the `tls` group that names it.
    fn tls(&self, authority: &Authority, name: &str, identity: &PeerIdentity) -> anyhow::Result<String> {
        let issued = authority
            .issue(&identity.uri())
            .with_context(|| format!("issuing {name}'s certificate"))?;
        let certificate = self.write(&format!("{name}.crt"), &issued.certificate)?;
        let key = self.write(&format!("{name}.key"), &issued.key)?;
        let authority = self.folder.join("ca.crt");
        Ok(format!(
            "tls: {{ca_file: {authority:?}, cert_file: {certificate:?}, key_file: {key:?}}}\n"
        ))
    }

    /// Writes an operator's certificate and returns the arguments with which `clbctl` uses it.
    pub(super) fn operator(&self, authority: &Authority) -> anyhow::Result<(Issued, String)> {
        let issued = authority
            .issue(&PeerIdentity::Operator.uri())
            .context("issuing the operator's certificate")?;
        let certificate = self.write("operator.crt", &issued.certificate)?;
        let key = self.write("operator.key", &issued.key)?;
        let arguments = format!(
            "--tls-ca-file {} --tls-cert-file {} --tls-key-file {}",
            self.folder.join("ca.crt").display(),
            certificate.display(),
            key.display()
        );
        Ok((issued, arguments))
    }

    /// Writes a configuration file and reads it as the service does.
    fn configuration<T: Settings>(&self, name: &str, text: &str) -> anyhow::Result<T> {
        let path = self.write(&format!("{name}.yaml"), text)?;
        from_yaml(text).with_context(|| format!("reading {}", path.display()))
    }
}

/// What the services are told of the account and of every cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Configured<'o> {
    /// See `Options::limits`.
    pub(super) limits: bool,
    /// See `Options::quotas`.
    pub(super) quotas: bool,
    /// See `Options::cluster_settings`.
    pub(super) cluster_settings: &'o str,
    /// See `Options::load_balancer_class`.
    pub(super) load_balancer_class: Option<&'o str>,
}

/// What the planner is told of an account without quotas.
const NO_QUOTAS: &str = ", quotas: {listeners_per_load_balancer: 10000, backends_per_load_balancer: 100000, \
                         attachments_per_instance: 10000}";

/// Ports that the system chooses.
const ANY_PORTS: &str = "listen: 127.0.0.1:0\nadmin: {listen: \"127.0.0.1:0\"}\n";

pub(super) fn actuator(
    files: &Files,
    authority: &Authority,
    cloud: &str,
    clusters: &[LabCluster],
    configured: Configured<'_>,
) -> anyhow::Result<ActuatorSettings> {
    let mut text = ANY_PORTS.to_owned();
    text += &files.tls(authority, "actuator", &PeerIdentity::Actuator)?;
    let _ = writeln!(
        text,
        "endpoints: {{slb: {cloud:?}, ecs: {cloud:?}, vpc: {cloud:?}}}"
    );
    if !configured.limits {
        // The simulated account has none; the actuator's own would only slow the sandbox down.
        text += "limits: [{action: \"*\", calls: 10000000, burst: 100000}]\n";
    }
    text += "clusters:\n";
    for cluster in clusters {
        let _ = writeln!(
            text,
            "  - {{id: {}, region: {}, vpc_ids: [{}]}}",
            cluster.id,
            lab::REGION,
            lab::VPC
        );
    }
    files.configuration("actuator", &text)
}

pub(super) fn planner(
    files: &Files,
    authority: &Authority,
    clusters: &[LabCluster],
    configured: Configured<'_>,
) -> anyhow::Result<PlannerSettings> {
    let mut text = ANY_PORTS.to_owned();
    text += &files.tls(authority, "planner", &PeerIdentity::Planner)?;
    let mut more = if configured.quotas { "" } else { NO_QUOTAS }.to_owned();
    if !configured.cluster_settings.is_empty() {
        let _ = write!(more, ", {}", configured.cluster_settings);
    }
    if let Some(class) = configured.load_balancer_class {
        let _ = write!(more, ", load_balancer_class: {class}");
    }
    text += "clusters:\n";
    for cluster in clusters {
        let vswitches: Vec<_> = lab::VSWITCHES
            .iter()
            .map(|(id, zone, _)| format!("{{id: {id}, zone: {zone}}}"))
            .collect();
        let _ = writeln!(
            text,
            "  - {{id: {}, region: {}, vpc_id: {}, vpc_cidrs: [10.0.0.0/8], vswitches: [{}]{more}}}",
            cluster.id,
            lab::REGION,
            lab::VPC,
            vswitches.join(", ")
        );
    }
    files.configuration("planner", &text)
}

pub(super) fn watcher(
    files: &Files,
    authority: &Authority,
    cluster: &LabCluster,
    planner: &HostPort,
    configured: Configured<'_>,
) -> anyhow::Result<WatcherSettings> {
    let identity = PeerIdentity::Watcher(cluster.id.parse()?);
    let name = format!("watcher-{}", cluster.id);
    let mut text = format!(
        "cluster_id: {}\nplanner: {planner}\nadmin: {{listen: \"127.0.0.1:0\"}}\n",
        cluster.id
    );
    if let Some(class) = configured.load_balancer_class {
        let _ = writeln!(text, "load_balancer_class: {class}");
    }
    let _ = writeln!(text, "kubernetes: {{kubeconfig: {:?}}}", cluster.kubeconfig);
    text += &files.tls(authority, &name, &identity)?;
    files.configuration(&name, &text)
}
