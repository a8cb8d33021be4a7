//! Mistakes that several annotations, or an annotation and the Service's ports, make together. Every one is
//! found, whatever else is wrong.
//!
//! Required is what has no default and whose feature is on (the last table of `compatibility.md`).

mod instance;
mod listener;

use super::context::Context;
use super::{examples, questions, standard_fields};
use crate::annotations::{Read, Row};
use crate::problem::Problem;
use crate::settings::BackendType;

/// Everything that is wrong with the Service, ordered, each once.
pub(super) fn problems(context: &Context<'_>) -> Vec<Problem> {
    let mut problems = context.read.problems.clone();
    problems.extend(context.ports.problems.iter().cloned());
    problems.extend(instance::problems(context));
    problems.extend(listener::problems(context));
    problems.extend(node_ports(context));
    problems.extend(standard_fields::problems(context));
    problems.extend(questions::problems(context));
    for problem in &mut problems {
        examples::fit(context, problem);
    }
    problems.sort();
    problems.dedup();
    problems
}

/// Says that an annotation is missing, unless it is there with a value that was already found invalid.
fn missing(read: &Read<'_>, row: &Row, because: &str) -> Option<Problem> {
    (!read.has(row)).then(|| Problem {
        place: row.name(),
        value: String::new(),
        allowed: format!("{because} ({})", (row.allowed)()),
        example: row.example.to_owned(),
    })
}

/// Nodes are reached on node ports only.
fn node_ports(context: &Context<'_>) -> Option<Problem> {
    let service = context.inputs.service;
    let without: Vec<String> = context
        .ports
        .ports
        .iter()
        .filter(|port| port.spec.node_port.is_none())
        .map(|port| port.spec.port.to_string())
        .collect();
    if context.backend_type == BackendType::Eni || without.is_empty() {
        return None;
    }
    let ports = without.join(", ");
    Some(Problem {
        place: "spec.allocateLoadBalancerNodePorts".to_owned(),
        value: service.node_ports.to_string(),
        allowed: format!(
            "true, because backends are Nodes and port {ports} has no node port; false is for pods as \
             backends (annotation {}: \"eni\")",
            crate::annotations::backend::BACKEND_TYPE.name()
        ),
        example: "true".to_owned(),
    })
}
