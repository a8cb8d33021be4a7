//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clb_settings::HostPort;

/// Explains annotations, conditions and events of clb-controller, checks manifests before they are applied, and shows what the
/// planner knows.
#[derive(Debug, Parser)]
#[command(
    name = "clbctl",
    version,
    about,
    max_term_width = 110,
    after_help = "Examples:\n  \
        clbctl explain annotation bandwidth\n  \
        clbctl lint deploy/examples\n  \
        clbctl services --cluster c0123456789abcdef --planner 127.0.0.1:7443 --insecure\n\n\
        Exit codes: 0 when all is well, 1 when lint found mistakes or there is no answer, 2 for wrong use of the command line and \
        where lint could not read everything."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What clbctl can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what an annotation, a condition or an event means; needs neither a cluster nor the planner
    Explain {
        /// Of what.
        #[command(subcommand)]
        topic: Topic,
    },
    /// Check Service manifests as the planner would, without a cluster and without the cloud
    ///
    /// Prints every mistake, for which the planner would leave the cloud alone, and every remark. Whether certificates, access control
    /// lists, vSwitches and CLBs exist is not checked. Documents that are no Services of type LoadBalancer are passed over.
    Lint {
        /// Manifests, or folders of them (.yaml, .yml, .json; folders within are read too); - for standard input.
        #[arg(required = true, value_name = "FILE|FOLDER")]
        paths: Vec<PathBuf>,
    },
    /// List the planner's clusters and how their watchers are
    Clusters {
        /// Where the planner is.
        #[command(flatten)]
        planner: PlannerArguments,
        /// How to print it.
        #[arg(long, short, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// List the Services that the planner looks after: where each is on its way, and what stands in the way
    Services {
        /// Where the planner is.
        #[command(flatten)]
        planner: PlannerArguments,
        /// Only those of this cluster.
        #[arg(long, value_name = "ID")]
        cluster: Option<String>,
        /// How to print it.
        #[arg(long, short, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
}

/// What can be explained.
#[derive(Debug, Clone, Subcommand)]
pub enum Topic {
    /// One annotation: its type, range, default, example, what it applies to, whether it can change, since when it is there
    Annotation {
        /// Its whole name with either prefix, or its end, as loadbalancer-bandwidth or bandwidth. Without one: all annotations.
        name: Option<String>,
    },
    /// All annotations
    Annotations {
        /// Print the reference page of the documentation instead of a table.
        #[arg(long)]
        markdown: bool,
    },
    /// The conditions in a Service's status and their reasons
    Conditions,
    /// The events on Services: when they are sent and what to do
    Events,
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// How the planner is reached.
#[derive(Debug, Args)]
pub struct PlannerArguments {
    /// The planner's gRPC address.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7443", env = "CLBCTL_PLANNER", value_parser = address)]
    pub planner: HostPort,
    /// Plaintext instead of mutual TLS; only for a planner on this host that runs with --insecure.
    #[arg(long, conflicts_with_all = ["tls_ca_file", "tls_cert_file", "tls_key_file"])]
    pub insecure: bool,
    /// The authority that signed the planner's certificate, PEM.
    #[arg(
        long,
        value_name = "FILE",
        env = "CLBCTL_TLS_CA_FILE",
        required_unless_present = "insecure"
    )]
    pub tls_ca_file: Option<PathBuf>,
    /// A certificate with the URI name spiffe://clb-controller/operator, PEM.
    #[arg(
        long,
        value_name = "FILE",
        env = "CLBCTL_TLS_CERT_FILE",
        required_unless_present = "insecure"
    )]
    pub tls_cert_file: Option<PathBuf>,
    /// The certificate's private key, PEM.
    #[arg(
        long,
        value_name = "FILE",
        env = "CLBCTL_TLS_KEY_FILE",
        required_unless_present = "insecure"
    )]
    pub tls_key_file: Option<PathBuf>,
}

fn address(text: &str) -> Result<HostPort, String> {
    HostPort::parse(text)
        .map_err(|wrong| format!("{wrong}; write it as host:port, for example 127.0.0.1:7443"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
