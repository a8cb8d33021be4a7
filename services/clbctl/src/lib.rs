//! What a person at a terminal asks: what an annotation, a condition or an event means ([`explain`]), what is wrong with a manifest
//! before it is applied ([`lint`]), what the planner knows of clusters and Services ([`planner`]).
//!
//! Called by the binary `clbctl`, and by the documentation's tests, which make reference pages with [`explain`].

pub mod cli;
pub mod explain;
pub mod lint;
pub mod planner;

use std::io::{self, Write};
use std::process::ExitCode;

use cli::{Cli, Command};

/// The exit code where `lint` could not look at everything, as for wrong use of the command line.
const NOT_READ: u8 = 2;

/// Carries out a command; what it prints goes to `out`.
///
/// # Errors
/// What keeps the command from an answer. What `lint` finds is an answer: the exit code is 1 for mistakes, 2 for what cannot be read.
pub async fn run(cli: Cli, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Explain { topic } => {
            write!(out, "{}", explain::explain(&topic)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Lint { paths } => {
            let report = lint::lint(&paths);
            write!(out, "{report}")?;
            Ok(if report.has_unreadable() {
                ExitCode::from(NOT_READ)
            } else if report.has_mistakes() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        }
        Command::Clusters { planner, output } => {
            let clusters = planner::Client::connect(&planner)?.clusters().await?;
            write!(out, "{}", planner::view::clusters(&clusters, output)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Services {
            planner,
            cluster,
            output,
        } => {
            let services = planner::Client::connect(&planner)?
                .services(cluster.as_deref())
                .await?;
            write!(out, "{}", planner::view::services(&services, output)?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Whether an error is that nobody reads our output any more.
#[must_use]
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
