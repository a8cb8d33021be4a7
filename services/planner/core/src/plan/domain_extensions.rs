//! The extension domains of an HTTPS listener: added, changed and removed as the annotation `domain-extensions` names them.

use std::collections::BTreeMap;

use clb_model::cloud::{DomainExtension, Listener, ListenerProtocol};
use clb_model::operation::{Change, OperationId};

use super::draft::{Draft, Proposal};
use super::{Obstacle, PlanContext};
use crate::annotations::listener::DOMAIN_EXTENSIONS;
use crate::conditions::reason;
use crate::desired::DesiredListener;

/// Plans them for one listener: one that is there, or one that `created` creates.
pub(super) fn plan(
    draft: &mut Draft,
    context: PlanContext<'_>,
    wanted: &DesiredListener,
    listener: Option<&Listener>,
    created: Option<OperationId>,
) {
    let Some(domains) = &wanted.domain_extensions else {
        return;
    };
    if wanted.key.protocol != ListenerProtocol::Https {
        return;
    }
    let propose = |domain: &str, certificate: Option<&String>, reason: String| {
        let proposal = Proposal::new(
            Change::ChangeDomainExtension {
                port: wanted.key.port,
                domain: domain.to_owned(),
                certificate_id: certificate.cloned(),
            },
            reason,
        )
        .after(created);
        match listener {
            Some(listener) => proposal.based_on(listener.version),
            None => proposal,
        }
    };
    // Domains know no case. Ours are in lower case; another hand's may not be, and the cloud knows them by their own spelling.
    let present: BTreeMap<String, (&String, &DomainExtension)> = listener
        .into_iter()
        .flat_map(|listener| &listener.domain_extensions)
        .map(|(domain, extension)| (domain.to_ascii_lowercase(), (domain, extension)))
        .collect();
    let annotation = context.name_of(&DOMAIN_EXTENSIONS);
    let mut removals = Vec::new();
    let mut attached = 0;
    for (plain, (domain, _)) in &present {
        if domains.contains_key(plain) {
            attached += 1;
            continue;
        }
        let reason = format!("annotation {annotation} does not name {domain}");
        match draft.add(propose(domain, None, reason).taking_away()) {
            Some(operation) => removals.push(operation),
            None => attached += 1,
        }
    }
    let quota = context.cluster.quotas.domain_extensions_per_listener;
    let mut room = quota.saturating_sub(attached);
    let mut left_out = Vec::new();
    for (domain, certificate) in domains {
        match present.get(domain) {
            Some((_, there)) if there.certificate_id == *certificate => {}
            Some((spelled, there)) => {
                draft.add_harmless(propose(
                    spelled,
                    Some(certificate),
                    format!(
                        "annotation {annotation} asks for certificate {certificate} for {domain} instead of {}",
                        there.certificate_id
                    ),
                ));
            }
            None if room == 0 => left_out.push(domain.clone()),
            None => {
                room -= 1;
                draft.add_harmless(
                    propose(
                        domain,
                        Some(certificate),
                        format!("annotation {annotation} asks for certificate {certificate} for {domain}"),
                    )
                    .after(removals.iter().copied()),
                );
            }
        }
    }
    if !left_out.is_empty() {
        draft.obstacle(Obstacle {
            reason: reason::QUOTA_EXCEEDED,
            message: format!(
                "the quota of {quota} extension domains per listener leaves out {} on listener {}: name fewer, or raise the quota and \
                 the planner's setting for it",
                left_out.join(", "),
                wanted.key
            ),
            listener: None,
        });
    }
}

/// Plans that a listener which is created anew gets back the domains that no annotation speaks of.
pub(super) fn bring_back(draft: &mut Draft, port: u16, listener: &Listener, created: OperationId) {
    for (domain, extension) in &listener.domain_extensions {
        draft.add_harmless(
            Proposal::new(
                Change::ChangeDomainExtension {
                    port,
                    domain: domain.clone(),
                    certificate_id: Some(extension.certificate_id.clone()),
                },
                format!("{domain} was there before the listener was created anew"),
            )
            .after(Some(created)),
        );
    }
}
