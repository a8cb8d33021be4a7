//! `docs/configuration.md`: every setting of the three services.

use clb_actuator::ActuatorSettings;
use clb_planner::PlannerSettings;
use clb_settings::{Program, reference};
use clb_watcher::WatcherSettings;

const HEADER: &str = "# Configuration\n\n\
    Every setting of the three services. This page is made from the declarations in the code; do not edit it. `--help` of each service \
    prints the same.\n\n\
    Each setting is a field of the configuration file (YAML), a flag and an environment variable. A flag wins over a variable, that over \
    the file, that over the default; a wrong value is reported from each place, even where another place wins, and all mistakes are named \
    at once. Lists of mappings are given to flags and variables as inline YAML. Durations are written as `250ms`, `10s`, `5m`, `24h`.\n\n\
    Each service needs either all three files of `tls` or `insecure`, which is plaintext and works on loopback addresses only. Commented \
    files to begin with are in [deploy/config](../deploy/config).\n";

/// The page.
#[must_use]
pub fn page() -> String {
    let program = |name, about| Program {
        name,
        version: env!("CARGO_PKG_VERSION"),
        about,
    };
    let sections = [
        reference::<WatcherSettings>(&program("clb-watcher", "One in each cluster.")),
        reference::<PlannerSettings>(&program(
            clb_planner::NAME,
            "Serves all clusters; has no credentials of any kind.",
        )),
        reference::<ActuatorSettings>(&program(
            clb_actuator::NAME,
            "The only one that calls the cloud. Its credentials come from the environment: `ALIBABA_CLOUD_ACCESS_KEY_ID`, \
             `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and, where they are temporary, `ALIBABA_CLOUD_SECURITY_TOKEN`.",
        )),
    ];
    format!("{HEADER}\n{}", sections.join("\n"))
}
