//! What only the cloud knows of things that annotations name: what to ask, and the mistakes that the answers
//! show.

use std::collections::BTreeSet;

use clb_model::cloud::ListenerProtocol;

use super::context::Context;
use super::listeners::is_on;
use super::{load_balancer, vswitches, zones};
use crate::annotations::Written;
use crate::annotations::listener::{ACL_ID, CERT_ID, DOMAIN_EXTENSIONS};
use crate::annotations::text::AclId;
use crate::facts::Question;
use crate::problem::Problem;

/// A certificate that an annotation names.
struct NamedCertificate<'a> {
    id: &'a str,
    place: &'a str,
    text: &'a str,
    example: &'static str,
}

/// Everything that has to be known.
pub(super) fn questions(context: &Context<'_>) -> BTreeSet<Question> {
    let certificates = certificates(context)
        .into_iter()
        .map(|certificate| Question::Certificate(certificate.id.to_owned()));
    let acl = access_control_list(context).map(|written| Question::AccessControlList(written.text.clone()));
    certificates
        .chain(acl)
        .chain(vswitches::questions(context))
        .chain(zones::question(context))
        .collect()
}

/// The mistakes that show once the answers are there.
pub(super) fn problems(context: &Context<'_>) -> Vec<Problem> {
    let facts = context.inputs.facts;
    let mut problems: Vec<Problem> = certificates(context)
        .into_iter()
        .filter_map(|certificate| {
            let wrong = match facts.certificates.get(certificate.id)? {
                None => format!("{} does not exist in this region", certificate.id),
                Some(known) if known.expires_ms.is_some_and(|at| at <= context.inputs.now_ms) => {
                    format!("{} has expired", certificate.id)
                }
                Some(_) => return None,
            };
            let region = &context.inputs.cluster.region;
            let allowed =
                format!("server certificates of region {region} that are valid; certificate {wrong}");
            Some(Problem {
                place: certificate.place.to_owned(),
                value: certificate.text.to_owned(),
                allowed,
                example: certificate.example.to_owned(),
            })
        })
        .collect();
    problems.extend(access_control_list_problem(context));
    problems.extend(vswitches::problems(context));
    problems.extend(zones::problem(context));
    problems
}

/// One list holds one family, and only that of the CLB can be in force on it.
fn access_control_list_problem(context: &Context<'_>) -> Option<Problem> {
    let written = access_control_list(context)?;
    let facts = context.inputs.facts;
    let Some(known) = facts.access_control_lists.get(&written.text)? else {
        let allowed = format!(
            "an access control list of region {}; {} does not exist in this region",
            context.inputs.cluster.region, written.text
        );
        return Some(written.problem(allowed, ACL_ID.example));
    };
    let of_own = context
        .owns_load_balancer()
        .then(|| load_balancer::ip_version(context));
    let of_clb = facts.ip_version.or(of_own)?;
    let of_list = known.ip_version.filter(|version| *version != of_clb)?;
    let allowed =
        format!("a list of {of_clb} addresses, because the CLB's is one; this one is of {of_list} addresses");
    Some(written.problem(allowed, ACL_ID.example))
}

/// When the next certificate expires.
pub(super) fn next_expiry_ms(context: &Context<'_>) -> Option<u64> {
    certificates(context)
        .into_iter()
        .filter_map(|certificate| *context.inputs.facts.certificates.get(certificate.id)?)
        .filter_map(|known| known.expires_ms)
        .filter(|at| *at > context.inputs.now_ms)
        .min()
}

/// The certificates that HTTPS listeners of the Service use.
fn certificates<'a>(context: &'a Context<'_>) -> Vec<NamedCertificate<'a>> {
    let has_https = context
        .managed_ports()
        .iter()
        .any(|port| port.protocol == ListenerProtocol::Https);
    if !has_https {
        return Vec::new();
    }
    let listener = &context.annotations().listener;
    let default = listener.cert_id.as_ref().map(|written| NamedCertificate {
        id: written.value.as_str(),
        place: &written.place,
        text: &written.text,
        example: CERT_ID.example,
    });
    let extensions = listener.domain_extensions.iter().flat_map(|written| {
        written.value.as_map().values().map(|id| NamedCertificate {
            id: id.as_str(),
            place: &written.place,
            text: &written.text,
            example: DOMAIN_EXTENSIONS.example,
        })
    });
    default.into_iter().chain(extensions).collect()
}

fn access_control_list<'a>(context: &'a Context<'_>) -> Option<&'a Written<AclId>> {
    let listener = &context.annotations().listener;
    listener
        .acl_id
        .as_ref()
        .filter(|_| is_on(listener.acl_status.as_ref()) && !context.managed_ports().is_empty())
}
