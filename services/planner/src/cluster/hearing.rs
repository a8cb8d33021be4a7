//! What a cluster's task does about what it is told: it takes the news into its state and puts the Services that they concern in line.

use std::collections::BTreeSet;

use clb_model::directive::{DirectiveOutcome, DirectiveResult};
use clb_model::ownership::{Candidate, Standing, remembered_class, standing};
use clb_model::{LoadBalancerId, ServiceUid};
use clb_telemetry::TraceContext;
use clb_wire::actuator::MirrorUpdate;
use clb_wire::records::Object;
use tokio::time::Instant;

use super::event::{Event, Mirror, Said};
use super::queue::Urgency;
use super::state::{Difference, interest_of};
use super::worker::ClusterTask;
use crate::snapshot::staging::Changes;

impl ClusterTask {
    /// Takes in one event.
    pub(super) fn hear(&mut self, event: Event) {
        match event {
            Event::Watcher { stream, said } => {
                // A stream that has been replaced may have a few words on their way.
                if stream >= self.stream {
                    self.stream = stream;
                    self.hear_watcher(said, Instant::now());
                }
            }
            Event::Mirror(Mirror::Opened | Mirror::Closed) => {
                self.view.clear();
                self.view_begun = Instant::now();
            }
            Event::Mirror(Mirror::Update(update)) => {
                let now = Instant::now();
                if let MirrorUpdate::Looked(id) = &update {
                    for uid in self.state.looked(id) {
                        self.queue.add(&uid, Urgency::AtOnce, now);
                    }
                }
                for uid in self.view.apply(update) {
                    let unshown: Vec<&str> = self.view.unshown(&uid).map(LoadBalancerId::as_str).collect();
                    if !unshown.is_empty() {
                        tracing::warn!(
                            cluster = %self.handle.id(), %uid, load_balancers = unshown.join(", "),
                            "CLBs were found for a Service, but could not be read: nothing is planned for it until they are"
                        );
                    }
                    self.queue.add(&uid, Urgency::AfterWait, now);
                }
            }
            Event::Describe(reply) => {
                // Who asked may have gone; then nobody misses the answer.
                drop(reply.send(self.describe(Instant::now())));
            }
        }
    }

    fn hear_watcher(&mut self, said: Said, now: Instant) {
        match said {
            Said::Connected { resumed } => self.freshness.connected(resumed, now),
            Said::Disconnected => self.freshness.disconnected(),
            Said::Lost => self.freshness.lost(),
            Said::Heartbeat { stalest_watch } => self.freshness.heard(Some(stalest_watch), now),
            Said::Snapshot { services, nodes } => {
                self.freshness.committed(now);
                let difference = self.state.replace(services, nodes);
                self.plan(&difference, &TraceContext::default(), now);
            }
            Said::Changed(changes) => {
                self.freshness.heard(None, now);
                self.take_changes(changes, now);
            }
            Said::Result(result) => self.take_result(&result, now),
        }
        self.look_at_freshness(now);
    }

    fn take_changes(&mut self, changes: Changes, now: Instant) {
        // Deletions first: a Service that was deleted and made again has the same name.
        for (deleted, trace) in changes.deletions {
            let difference = self.state.delete(&deleted, &self.settings);
            self.plan(&difference, &trace, now);
        }
        for (object, trace) in changes.upserts {
            let difference = match object {
                Object::Service(service) => self.state.put_service(*service),
                Object::Node(node) => Difference {
                    changed: self.state.put_node(node, &self.settings),
                    gone: BTreeSet::new(),
                },
            };
            self.plan(&difference, &trace, now);
        }
    }

    /// Puts what changed in line and forgets what is gone. Nothing is done in the cloud about what is gone: a Service is cleaned up while
    /// it is there, never because it is not.
    fn plan(&mut self, difference: &Difference, trace: &TraceContext, now: Instant) {
        for uid in &difference.gone {
            self.queue.forget(uid);
            self.interests.remove(uid);
            self.view.remove_interest(uid);
            self.handle.outbox.forget(uid);
        }
        for uid in &difference.changed {
            if let Some((known, _)) = self.state.service_and_nodes(uid) {
                match self.handle.outbox.echo(&known.service) {
                    Some(of) => known.change.echo(of, trace.clone()),
                    None => known.change.merge(trace.clone(), now),
                }
            }
            self.update_interest(uid);
            if let Some(under_way) = self.under_way.get(uid) {
                // Also where it had gone and is back, while its batch is still under way.
                self.queue.hold(uid, under_way.overtake_at, under_way.renew_at);
            }
            self.queue.add(uid, Urgency::AtOnce, now);
        }
    }

    fn update_interest(&mut self, uid: &ServiceUid) {
        let Some(known) = self.state.service(uid) else {
            return;
        };
        let service = &known.service;
        let candidate = Candidate {
            service_type: service.service_type,
            load_balancer_class: service.load_balancer_class.as_deref(),
            annotations: &service.annotations,
            remembered_class: remembered_class(&service.conditions),
            deleting: service.deleting,
            finalizer: service.finalizer,
        };
        if standing(candidate, self.settings.load_balancer_class.as_deref()) == Standing::Foreign {
            self.interests.remove(uid);
            self.view.remove_interest(uid);
            return;
        }
        let interest = interest_of(service);
        if self.view.interest(uid) != Some(&interest) {
            self.interests.set(interest.clone());
            self.view.set_interest(interest);
        }
    }

    fn take_result(&mut self, result: &DirectiveResult, now: Instant) {
        self.handle.metrics.directive_result(&result.outcome);
        let Some(service) = self.handle.outbox.settle(result, now) else {
            return;
        };
        let cluster = self.handle.id();
        match &result.outcome {
            DirectiveOutcome::Done => {}
            DirectiveOutcome::Gone => {
                tracing::debug!(%cluster, %service, "the Service that a directive was for is gone");
            }
            DirectiveOutcome::Failed { reason } => {
                tracing::warn!(%cluster, %service, reason, "a directive failed; it goes again");
            }
            DirectiveOutcome::Fenced => {
                // Our number is the time at which the process started.
                tracing::error!(
                    %cluster, %service,
                    "a newer planner directs this cluster, or this machine's clock is behind that of an earlier planner: our directives are \
                     refused. Stop the other, or correct the clock and restart"
                );
            }
        }
    }
}
