//! A core with few rules: a Service gets a finalizer, then a CLB, whose name is then what the annotation `wanted-name` says. A Service that is
//! being deleted loses its CLB, then the finalizer; while the cluster is frozen nothing is deleted.

use std::collections::BTreeSet;
use std::time::Duration;

use clb_model::cloud::{AddressType, InstanceChargeType, InternetChargeType, IpVersion, LoadBalancer};
use clb_model::cluster::{Ingress, Service};
use clb_model::directive::{Event, FinalizerAction, Severity, Writes};
use clb_model::marks;
use clb_model::operation::{Change, LoadBalancerChange, NewLoadBalancer, Operation, OperationId, Priority};
use clb_planner_core::facts::Question;
use clb_planner_core::step::{Observation, PlannedBatch, State, Step, StepInputs};

/// The annotation with the CLB's name.
pub(super) const WANTED_NAME: &str = "wanted-name";

/// The annotation of a Service that its CLB, as it is shown, holds up.
pub(super) const IN_DOUBT: &str = "in-doubt";

/// The annotation with a certificate to ask about first.
pub(super) const CERTIFICATE: &str = "certificate";

/// A pass.
pub(super) fn step(inputs: StepInputs<'_>) -> Step {
    let service = inputs.service;
    let done = |state| Step {
        writes: Writes::default(),
        batch: None,
        questions: BTreeSet::new(),
        state,
        message: String::new(),
        memory: inputs.memory.clone(),
        wake_at_ms: None,
        doubtful: BTreeSet::new(),
    };
    let Observation::Known(found) = inputs.observed else {
        return done(State::Observing);
    };
    if let Some(id) = service.annotations.get(CERTIFICATE)
        && !inputs.facts.certificates.contains_key(id)
    {
        let mut step = done(State::Observing);
        step.questions.insert(Question::Certificate(id.clone()));
        return step;
    }
    match found.first() {
        _ if service.deleting && !inputs.fresh => done(State::Cleaning),
        Some(load_balancer) if service.deleting => {
            let mut step = done(State::Cleaning);
            step.batch = Some(batch(Some(load_balancer), Change::DeleteLoadBalancer));
            step
        }
        None if service.deleting => {
            let mut step = done(State::None);
            step.writes.finalizer = FinalizerAction::Absent;
            step
        }
        None if !service.finalizer => {
            let mut step = done(State::Observing);
            step.writes.finalizer = FinalizerAction::Present;
            step
        }
        None => {
            let mut step = done(State::Converging);
            step.batch = Some(batch(
                None,
                Change::CreateLoadBalancer(Box::new(creation(service))),
            ));
            step
        }
        Some(load_balancer) => existing(load_balancer, service, done),
    }
}

fn existing(load_balancer: &LoadBalancer, service: &Service, done: impl Fn(State) -> Step) -> Step {
    if service.annotations.contains_key(IN_DOUBT) {
        let mut step = done(State::Failed);
        step.doubtful.insert(load_balancer.id.clone());
        step.writes.events = vec![Event {
            severity: Severity::Warning,
            reason: "InTheWay".into(),
            message: service.annotations[IN_DOUBT].clone(),
        }];
        return step;
    }
    let wanted = service.annotations.get(WANTED_NAME);
    if let Some(name) = wanted.filter(|name| **name != load_balancer.name) {
        let mut step = done(State::Converging);
        step.batch = Some(batch(
            Some(load_balancer),
            Change::ChangeLoadBalancer(LoadBalancerChange::Name(name.clone())),
        ));
        return step;
    }
    let mut step = done(State::Converged);
    step.memory.load_balancer = Some(load_balancer.id.clone());
    step.writes.ingress = Some(vec![Ingress {
        ip: Some(load_balancer.address.clone()),
        ..Ingress::default()
    }]);
    step.writes.events = vec![Event {
        severity: Severity::Normal,
        reason: "Named".into(),
        message: load_balancer.name.clone(),
    }];
    step
}

fn batch(load_balancer: Option<&LoadBalancer>, change: Change) -> PlannedBatch {
    PlannedBatch {
        load_balancer: load_balancer.map(|found| found.id.clone()),
        operations: vec![Operation {
            id: OperationId(1),
            after: Vec::new(),
            based_on: load_balancer.map(|found| found.version),
            good_for: matches!(change, Change::DeleteLoadBalancer).then_some(Duration::from_secs(30)),
            reason: "the test wants it".to_owned(),
            confirm: false,
            change,
        }],
        priority: Priority::Normal,
    }
}

fn creation(service: &Service) -> NewLoadBalancer {
    let name = marks::default_name(&service.uid);
    NewLoadBalancer {
        tags: [(marks::OWNER_TAG.to_owned(), name.clone())].into(),
        name,
        address_type: AddressType::Internet,
        ip_version: IpVersion::V4,
        instance_charge_type: InstanceChargeType::PayByClcu,
        spec: None,
        internet_charge_type: InternetChargeType::PayByTraffic,
        bandwidth: None,
        vpc_id: None,
        vswitch_ids: Vec::new(),
        address: None,
        master_zone_id: None,
        slave_zone_id: None,
        resource_group_id: None,
        delete_protection: true,
        modification_protection: true,
        replaces: None,
    }
}
