//! Mistakes that annotations for listeners make together with each other and with the Service's ports.

use clb_model::cloud::ListenerProtocol;

use super::missing;
use crate::annotations::listener::{
    ACL_ID, ACL_TYPE, CERT_ID, CONNECTION_DRAIN_TIMEOUT, COOKIE, COOKIE_TIMEOUT, PROTOCOL_PORT,
    STICKY_SESSION_TYPE,
};
use crate::annotations::value::{Scheduler, StickySessionType};
use crate::desired::context::Context;
use crate::desired::examples;
use crate::desired::listeners::is_on;
use crate::problem::Problem;

pub(super) fn problems(context: &Context<'_>) -> Vec<Problem> {
    // Listeners that are not managed need nothing.
    if !context.manages_listeners() {
        return Vec::new();
    }
    let mut problems = Vec::new();
    problems.extend(scheduler(context));
    problems.extend(certificate(context));
    problems.extend(acl(context));
    problems.extend(sticky_session(context));
    problems.extend(connection_drain(context));
    problems.extend(forwards(context));
    problems
}

fn has(context: &Context<'_>, protocols: &[ListenerProtocol]) -> bool {
    context
        .managed_ports()
        .iter()
        .any(|port| protocols.contains(&port.protocol))
}

/// The cloud hashes addresses for TCP and UDP only.
fn scheduler(context: &Context<'_>) -> Option<Problem> {
    let written = context.annotations().listener.scheduler.as_ref()?;
    if !matches!(written.value, Scheduler::Sch | Scheduler::Tch) {
        return None;
    }
    let port = context
        .managed_ports()
        .iter()
        .find(|port| matches!(port.protocol, ListenerProtocol::Http | ListenerProtocol::Https))?;
    Some(written.problem(
        format!(
            "rr or wrr, because port {} is an {} listener",
            port.spec.port, port.protocol
        ),
        Scheduler::Wrr.as_str(),
    ))
}

fn certificate(context: &Context<'_>) -> Option<Problem> {
    let port = context
        .managed_ports()
        .iter()
        .find(|port| port.protocol == ListenerProtocol::Https)?;
    let because = format!(
        "the https listener on port {} needs a server certificate",
        port.spec.port
    );
    missing(&context.read, &CERT_ID, &because)
}

fn acl(context: &Context<'_>) -> Vec<Problem> {
    if !is_on(context.annotations().listener.acl_status.as_ref()) {
        return Vec::new();
    }
    [&ACL_ID, &ACL_TYPE]
        .into_iter()
        .filter_map(|row| missing(&context.read, row, "acl-status on needs it"))
        .collect()
}

fn sticky_session(context: &Context<'_>) -> Option<Problem> {
    let listener = &context.annotations().listener;
    if !is_on(listener.sticky_session.as_ref())
        || !has(context, &[ListenerProtocol::Http, ListenerProtocol::Https])
    {
        return None;
    }
    match listener.sticky_session_type.as_ref().map(|written| written.value) {
        None => missing(&context.read, &STICKY_SESSION_TYPE, "sticky-session on needs it"),
        Some(StickySessionType::Insert) => missing(
            &context.read,
            &COOKIE_TIMEOUT,
            "sticky-session-type insert needs it",
        ),
        Some(StickySessionType::Server) => {
            missing(&context.read, &COOKIE, "sticky-session-type server needs it")
        }
    }
}

fn connection_drain(context: &Context<'_>) -> Option<Problem> {
    let on = is_on(context.annotations().listener.connection_drain.as_ref());
    if !on || !has(context, &[ListenerProtocol::Tcp, ListenerProtocol::Udp]) {
        return None;
    }
    missing(
        &context.read,
        &CONNECTION_DRAIN_TIMEOUT,
        "connection-drain on needs it",
    )
}

/// A redirect goes from an HTTP listener to an HTTPS listener, both of this Service.
fn forwards(context: &Context<'_>) -> Vec<Problem> {
    let Some(written) = &context.annotations().listener.forward_port else {
        return Vec::new();
    };
    let protocols_of = |number: u16| -> Vec<ListenerProtocol> {
        context
            .managed_ports()
            .iter()
            .filter(|port| port.spec.port == number)
            .map(|port| port.protocol)
            .collect()
    };
    // Which listeners there are is not known while their list cannot be read; that is the mistake then.
    if context.annotations().listener.protocol_port.is_none() && context.read.has(&PROTOCOL_PORT) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (from, to) in written.value.iter() {
        let sources = protocols_of(from);
        // A source that the Service does not have does nothing; that is a remark, not a mistake.
        if sources.is_empty() {
            continue;
        }
        let mut needed = Vec::new();
        if !sources.contains(&ListenerProtocol::Http) {
            needed.push(format!("port {from} to be an http listener"));
        }
        if !protocols_of(to).contains(&ListenerProtocol::Https) {
            needed.push(format!("port {to} to be an https listener of this Service"));
        }
        if !needed.is_empty() {
            let allowed = format!(
                "it needs {} (annotation {}), because port {from} is to redirect to port {to}",
                needed.join(" and "),
                PROTOCOL_PORT.name()
            );
            problems.push(written.problem(allowed, examples::for_redirect(context, from, to)));
        }
    }
    problems
}
