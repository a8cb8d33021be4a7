//! One backend that the cloud does not take must not hold up the other nineteen of its call.

use std::collections::HashSet;

use clb_cloud_client::{CallError, Class};
use clb_model::cloud::{Backend, BackendTarget};

/// Codes that say that some of the backends cannot be used.
const CODES: &[&str] = &[
    "InvalidServerId.NotExist",
    "InvalidServerId.NotFound",
    "ResourceNotFound.vServers",
    "ObtainIpFail",
    "BackendServersMalformed",
    "BackendServer.InvalidType",
    "InvalidBackendServers.ServerIpConflict",
    "InvalidBackendServers.Inconsistent",
    "NetworkConflict",
    "LBNotSupportIpv6Backend",
];

/// Whether the refusal is about backends of the call.
pub(super) fn is_meant(error: &CallError) -> bool {
    error.refusal().is_some_and(|refusal| {
        CODES.contains(&refusal.code.as_str())
            || (refusal.code == "InvalidParameter" && refusal.message.contains("BackendServers"))
    })
}

/// Whether the refusal may be about backends of the call: the request is wrong in a way that no list knows.
pub(super) fn may_be_meant(error: &CallError) -> bool {
    error
        .refusal()
        .is_some_and(|refusal| refusal.class == Class::Invalid)
}

/// How a refused call is split: those to leave out at once, and the parts to try again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Backends that the refusal is about.
    pub(super) bad: Vec<Backend>,
    /// To be sent again, each by itself.
    pub(super) parts: Vec<Vec<Backend>>,
}

/// Splits the backends of a refused call: by the ids that the message names, else in two halves. A single one is the bad one.
pub(super) fn split(backends: Vec<Backend>, message: &str) -> Split {
    if backends.len() <= 1 {
        return Split {
            bad: backends,
            parts: Vec::new(),
        };
    }
    let words: HashSet<&str> = message
        .split(|c: char| !(c.is_ascii_alphanumeric() || "-.:_".contains(c)))
        .map(|word| word.trim_matches(['.', ':']))
        .collect();
    let (bad, good): (Vec<_>, Vec<_>) = backends
        .into_iter()
        .partition(|backend| names(backend).iter().any(|name| words.contains(name.as_str())));
    if !bad.is_empty() && !good.is_empty() {
        return Split {
            bad,
            parts: vec![good],
        };
    }
    let mut all = if bad.is_empty() { good } else { bad };
    let second = all.split_off(all.len() / 2);
    Split {
        bad: Vec::new(),
        parts: vec![all, second],
    }
}

fn names(backend: &Backend) -> Vec<String> {
    match &backend.target {
        BackendTarget::Instance(id) => vec![id.clone()],
        BackendTarget::Interface { address, eni, .. } => {
            let mut names = vec![address.to_string()];
            names.extend(eni.clone());
            names
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backends(ids: &[&str]) -> Vec<Backend> {
        ids.iter()
            .map(|id| Backend {
                target: BackendTarget::Instance((*id).to_owned()),
                port: 80,
                weight: 100,
                description: String::new(),
            })
            .collect()
    }

    #[test]
    fn a_named_backend_is_left_out_and_the_others_go_together() {
        let split = split(
            backends(&["i-1", "i-10", "i-2"]),
            "The specified ServerId i-1 is not exist.",
        );
        assert_eq!(split.bad, backends(&["i-1"]));
        assert_eq!(split.parts, [backends(&["i-10", "i-2"])]);
    }

    #[test]
    fn without_a_name_both_halves_are_tried() {
        let split = split(
            backends(&["i-1", "i-2", "i-3"]),
            "The specified ServerId is not exist.",
        );
        assert!(split.bad.is_empty());
        assert_eq!(split.parts, [backends(&["i-1"]), backends(&["i-2", "i-3"])]);
    }

    #[test]
    fn a_single_one_is_the_bad_one() {
        assert_eq!(split(backends(&["i-1"]), "").bad, backends(&["i-1"]));
    }
}
