//! What a cluster's task is told. Everything goes through one bounded channel, so that a cluster has one order of events.

use std::collections::BTreeMap;
use std::time::Duration;

use clb_model::cluster::{Node, Service};
use clb_model::directive::DirectiveResult;
use clb_proto::planner::v1 as operator;
use clb_wire::actuator::MirrorUpdate;
use tokio::sync::oneshot;

use crate::snapshot::staging::Changes;

/// Something happened that concerns one cluster.
#[derive(Debug)]
pub(crate) enum Event {
    /// On a watcher's stream. Only the newest stream counts.
    Watcher {
        /// The stream's number.
        stream: u64,
        /// What was said.
        said: Said,
    },
    /// On the actuator's Watch stream.
    Mirror(Mirror),
    /// An operator asks for the cluster and its Services.
    Describe(oneshot::Sender<Description>),
}

/// What a watcher said.
#[derive(Debug)]
pub(crate) enum Said {
    /// The stream has been admitted. When it goes on where the last one stopped, no full snapshot follows.
    Connected {
        /// Whether it goes on.
        resumed: bool,
    },
    /// A full snapshot has been committed.
    Snapshot {
        /// Every Service.
        services: Vec<Service>,
        /// Every Node, by name.
        nodes: BTreeMap<String, Node>,
    },
    /// A delta has been taken over.
    Changed(Changes),
    /// The planner lost its place; a full snapshot has been asked for.
    Lost,
    /// A heartbeat.
    Heartbeat {
        /// Age of the stalest of the watcher's own watches.
        stalest_watch: Duration,
    },
    /// What became of a directive.
    Result(DirectiveResult),
    /// The stream has ended.
    Disconnected,
}

/// What the actuator's mirror said.
#[derive(Debug)]
pub(crate) enum Mirror {
    /// A new stream: what was known before may be out of date.
    Opened,
    /// An update.
    Update(MirrorUpdate),
    /// The stream has ended.
    Closed,
}

/// For operators.
#[derive(Debug)]
pub(crate) struct Description {
    /// The cluster.
    pub(crate) cluster: operator::Cluster,
    /// Its Services, ordered by namespace and name.
    pub(crate) services: Vec<operator::Service>,
}
