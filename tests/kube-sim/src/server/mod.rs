//! The HTTP side: listener, routes, and one module per verb family.
//!
//! Nothing here decides what an object may be; it turns requests into registry calls and results into bodies.

mod body;
mod delete;
mod document;
mod documents;
mod field_validation;
mod list_options;
mod listen;
mod read;
mod representation;
mod request;
mod respond;
mod routes;
mod watch;
mod write;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::faults::Faults;
use crate::registry::Registry;

pub(crate) use listen::{Listener, serve};
pub(crate) use routes::router;

/// What every request handler needs.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) registry: Arc<Registry>,
    pub(crate) faults: Arc<Faults>,
    /// The only token that is let in; `None` lets everyone in.
    pub(crate) token: Option<Arc<str>>,
    /// Time between bookmarks of a watch that asked for them.
    pub(crate) bookmark_interval: Duration,
    /// Ends watches when the server stops.
    pub(crate) stopping: CancellationToken,
}
