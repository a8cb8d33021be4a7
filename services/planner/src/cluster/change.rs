//! The change that a Service is being planned for: its trace, and when it came. All passes until the Service has converged belong to it.

use clb_model::ServiceUid;
use clb_telemetry::{SpanTraceExt as _, TraceContext, attributes};
use tokio::time::Instant;
use tracing::{Span, field, info_span};

/// Links on one span; more changes than that between two passes tell nothing new.
const LINKS_KEPT: usize = 32;

/// What has not been planned to the end yet.
#[derive(Debug, Default)]
pub(crate) struct PendingChange {
    parent: TraceContext,
    links: Vec<TraceContext>,
    /// When the oldest of the changes came.
    since: Option<Instant>,
}

impl PendingChange {
    /// A change came. Its trace goes on; those of earlier ones that it was merged with are linked to.
    pub(crate) fn merge(&mut self, trace: TraceContext, now: Instant) {
        self.since.get_or_insert(now);
        if trace.is_empty() {
            return;
        }
        let before = std::mem::replace(&mut self.parent, trace);
        self.link(before);
    }

    /// The cluster shows what a pass under this trace context had written. That is no new change: what is being planned goes on in its
    /// trace, or else this goes on in the pass's, and the trace of the news is linked to.
    pub(crate) fn echo(&mut self, of: TraceContext, news: TraceContext) {
        if self.parent.is_empty() {
            self.parent = of;
        }
        self.link(news);
    }

    fn link(&mut self, trace: TraceContext) {
        if !trace.is_empty() && self.links.len() < LINKS_KEPT {
            self.links.push(trace);
        }
    }

    /// The span of the next pass, `planner.pass`.
    pub(crate) fn pass_span(&mut self, cluster: &str, namespace: &str, name: &str, uid: &ServiceUid) -> Span {
        let span = info_span!(
            "planner.pass",
            clb.cluster = cluster,
            clb.service = attributes::service(cluster, namespace, name),
            clb.service_uid = %uid,
            clb.load_balancer = field::Empty,
            clb.state = field::Empty,
            clb.operations = field::Empty,
        );
        span.set_remote_parent(&self.parent);
        for link in self.links.drain(..) {
            span.link_to(&link);
        }
        span
    }

    /// A pass has been made under this trace context; the next goes on in the same trace.
    pub(crate) fn passed(&mut self, pass: &TraceContext) {
        if self.parent.is_empty() {
            self.parent = pass.clone();
        }
    }

    /// The Service is as it should be: returns when the change came.
    pub(crate) fn finish(&mut self) -> Option<Instant> {
        std::mem::take(self).since
    }
}
