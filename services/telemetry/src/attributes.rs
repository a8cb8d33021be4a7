//! Names of span attributes that more than one service sets, so that a trace can be searched the same way
//! everywhere.

/// Which of our services made the span, such as `clb-planner`. Spans of a service's own crates get it by
/// their target; code that several services share has to set it.
pub const COMPONENT: &str = "clb.component";

/// Id of the cluster.
pub const CLUSTER: &str = "clb.cluster";

/// The Service that the span works for, as `cluster/namespace/name`:
/// [`SpanRecorder::last_trace`](crate::SpanRecorder::last_trace) finds traces by it.
pub const SERVICE: &str = "clb.service";

/// Id of the CLB, `lb-…`.
pub const LOAD_BALANCER: &str = "clb.load_balancer";

/// The value of [`SERVICE`].
#[must_use]
pub fn service(cluster: &str, namespace: &str, name: &str) -> String {
    format!("{cluster}/{namespace}/{name}")
}
