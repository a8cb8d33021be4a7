//! One cluster: a task that owns all its state and plans its Services one pass at a time. Everything reaches it through one bounded
//! channel; it never waits for anyone, so nobody who tells it something can be blocked for long.
//!
//! - [`event`]: what it is told; [`hearing`]: what it does about it;
//! - [`worker`]: the task; [`pass`]: one pass and what follows from it; [`describe`]: for operators;
//! - [`state`]: Services and Nodes; [`view`]: the mirror; [`looks`]: when it is to be brought up to date; [`attachments`], [`unseen`]: in how many groups each instance is; [`facts`]: answers of
//!   the cloud;
//! - [`queue`]: which Service is next; [`effects`]: what must be seen after a batch; [`change`]: traces.

pub(crate) mod attachments;
pub(crate) mod change;
pub(crate) mod describe;
pub(crate) mod effects;
pub(crate) mod event;
pub(crate) mod facts;
pub(crate) mod hearing;
pub(crate) mod looks;
pub(crate) mod pass;
pub(crate) mod queue;
pub(crate) mod state;
pub(crate) mod unseen;
pub(crate) mod view;
pub(crate) mod worker;

use clb_model::ClusterId;
use tokio::sync::mpsc;

use crate::directives::Outbox;
use crate::metrics::ClusterMetrics;
use event::Event;

/// Events that wait for the task; who tells more waits.
const EVENTS: usize = 256;

/// What others hold of a cluster's task.
#[derive(Debug)]
pub(crate) struct ClusterHandle {
    id: ClusterId,
    events: mpsc::Sender<Event>,
    /// Directives for its watcher.
    pub(crate) outbox: Outbox,
    /// Its metrics.
    pub(crate) metrics: ClusterMetrics,
}

impl ClusterHandle {
    /// A handle, and where its task hears.
    pub(crate) fn new(
        id: ClusterId,
        outbox: Outbox,
        metrics: ClusterMetrics,
    ) -> (Self, mpsc::Receiver<Event>) {
        let (events, heard) = mpsc::channel(EVENTS);
        let handle = Self {
            id,
            events,
            outbox,
            metrics,
        };
        (handle, heard)
    }

    /// The cluster's id.
    pub(crate) fn id(&self) -> &ClusterId {
        &self.id
    }

    /// Tells the task; false when it has ended.
    pub(crate) async fn tell(&self, event: Event) -> bool {
        self.events.send(event).await.is_ok()
    }
}
