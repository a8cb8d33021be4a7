//! Settings of a service: one declaration gives the struct, the configuration file's fields, the flags, the
//! environment variables, `--help`, and errors that name every mistake at once.
//!
//! Called by every binary at start ([`load`]), by tests and by the sandbox ([`from_yaml`]), and for the documentation ([`reference()`]).
//!
//! ```
//! use std::time::Duration;
//! use clb_settings::{choice, settings};
//!
//! choice! {
//!     /// How log lines look.
//!     pub enum LogFormat {
//!         /// One JSON object per line.
//!         Json = "json",
//!         /// For people.
//!         Pretty = "pretty",
//!     }
//! }
//!
//! settings! {
//!     /// What the example needs.
//!     pub struct ExampleSettings {
//!         /// Name of the cluster.
//!         cluster_id: String = required(),
//!         /// Time between two full reads.
//!         resync: Duration = default("10m").between("1s", "24h"),
//!         /// How log lines look.
//!         log_format: LogFormat = default("json"),
//!         /// An HTTP proxy, if any.
//!         proxy: Option<clb_settings::Url> = optional().env("HTTPS_PROXY"),
//!         /// The vSwitches.
//!         vswitches: Vec<VSwitch> = list(),
//!     }
//! }
//!
//! settings! {
//!     /// A vSwitch and its zone.
//!     pub struct VSwitch {
//!         /// Id of the vSwitch.
//!         id: String = required(),
//!         /// Its zone.
//!         zone: String = required(),
//!     }
//! }
//!
//! let errors = clb_settings::from_yaml::<ExampleSettings>("resync: 1ms\nvswitches: [{id: vsw-1}]\n").unwrap_err();
//! assert_eq!(errors.problems().len(), 3, "{errors}");
//! ```
//!
//! # Where a value comes from
//! A flag wins over an environment variable, that over the file (`--config FILE`), that over the default. A
//! wrong value is reported from each place, even where another place wins. A group's fields (`log: {format:
//! json}`) are flags of their own (`--log-format`); a list of structs is given to a flag or a variable as
//! inline YAML (`--vswitches '[{id: a, zone: b}]'`), a list of plain values also with commas. An environment
//! variable that is set but empty counts as not set.
//!
//! Variables are named `CLB_<SERVICE>_<FIELD>`; unknown ones are not refused, because Kubernetes itself
//! injects such names for a Service that is called like ours (`CLB_WATCHER_PORT`,
//! `CLB_WATCHER_SERVICE_HOST`): call no field `port` or `service_…`.

mod command_line;
mod declare;
mod document;
mod failure;
mod field;
mod load;
mod problem;
mod read;
mod reference;
mod scalar;
mod setting;
mod suggest;

pub use document::{Entry, Mapping, Node, Value};
pub use field::{Bounded, Field, NamesFile, default, group, list, optional, required};
pub use ipnet::IpNet;
pub use load::{LoadError, Program, check_declaration, from_yaml, load, load_or_exit};
pub use problem::{Place, Problem, SettingsErrors};
pub use read::{At, Checker, GroupReader};
pub use reference::reference;
pub use scalar::HostPort;
pub use secrecy::{ExposeSecret, SecretString};
pub use setting::{FieldShape, Partial, Setting, Settings, Shape};
pub use url::Url;

/// What the macros' code calls; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::read::read_group;
    pub use crate::scalar::from_text;
    pub use crate::suggest::not_one_of;
}
