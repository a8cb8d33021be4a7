//! What backends weigh: `compatibility.md`, "Backends".

use crate::annotations::backend::BackendAnnotations;

/// The greatest weight that the cloud takes.
const GREATEST: u8 = 100;

/// How a port's backends are weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// All the same.
    Same(u8),
    /// The number of pods behind each.
    Pods,
    /// An equal part of one weight each (`weight`, Cluster policy and ENI backends).
    EqualPart(u8),
    /// A part of one weight by the number of pods behind each (`weight`, Local policy).
    PartByPods(u8),
    /// As before, in a user's group that nothing names any more: who comes weighs as much as the heaviest that is there.
    AsThere(u8),
}

/// Over how much a weight is spread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    /// The backends of the port.
    pub(super) backends: usize,
    /// The pods behind them.
    pub(super) pods: usize,
}

/// The rule for a port. `kept` is the greatest weight of its backends in a user's group in which they stay though `vgroup-port` does not
/// name it any more.
pub(super) fn rule(
    annotations: &BackendAnnotations,
    reused_group: bool,
    kept: Option<u8>,
    local: bool,
) -> Rule {
    if let (Some(heaviest), None, None) = (kept, &annotations.weight, &annotations.default_weight) {
        return Rule::AsThere(heaviest);
    }
    let whole = annotations
        .weight
        .as_ref()
        .filter(|_| reused_group)
        .map(|written| clamp(written.value.get()));
    let each = annotations
        .default_weight
        .as_ref()
        .map_or(GREATEST, |written| clamp(written.value.get()));
    match (whole, local) {
        (Some(whole), false) => Rule::EqualPart(whole),
        (Some(whole), true) => Rule::PartByPods(whole),
        (None, false) => Rule::Same(each),
        (None, true) => Rule::Pods,
    }
}

impl Rule {
    /// Whether backends that are there keep their weights.
    pub(super) fn keeps(self) -> bool {
        matches!(self, Self::AsThere(_))
    }

    /// The weight of a backend with so many pods behind it.
    pub(super) fn weight(self, pods: usize, share: Share) -> u8 {
        match self {
            Self::Same(weight) | Self::AsThere(weight) => weight,
            Self::Pods => clamp(pods),
            Self::EqualPart(0) | Self::PartByPods(0) => 0,
            Self::EqualPart(whole) => clamp(usize::from(whole) / share.backends.max(1)).max(1),
            Self::PartByPods(whole) => clamp(usize::from(whole) * pods / share.pods.max(1)).max(1),
        }
    }
}

fn clamp(number: impl TryInto<u8>) -> u8 {
    number.try_into().unwrap_or(GREATEST).min(GREATEST)
}
