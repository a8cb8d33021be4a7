//! How often each action may be called, where the configuration says nothing else.
//!
//! `cloud-api.md`, "Request rate": most writes 90 calls in 60 s per region and account; what is not published is taken as 90 too.

use std::time::Duration;

use crate::settings::{ActuatorSettings, LimitSettings};

use super::window::Allowance;

const MINUTE: Duration = Duration::from_secs(60);
const WRITES: u32 = 90;
const READS: u32 = 3000;
/// Actions with a figure of their own.
const PUBLISHED: &[(&str, u32)] = &[
    ("AddTags", 180),
    ("RemoveTags", 180),
    ("SetLoadBalancerModificationProtection", 400),
    ("SetDomainExtensionAttribute", 400),
];
/// In a configured limit: every action that has none of its own.
const EVERY_ACTION: &str = "*";

/// The limits of all actions.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    configured: Vec<LimitSettings>,
    share_percent: u32,
    burst: u32,
}

impl Table {
    pub(crate) fn new(settings: &ActuatorSettings) -> Self {
        Self {
            configured: settings.limits.clone(),
            share_percent: settings.limit_share_percent,
            burst: settings.limit_burst,
        }
    }

    /// What we allow ourselves of an action.
    pub(crate) fn allowance(&self, action: &str) -> Allowance {
        let entry = |name: &str| self.configured.iter().find(|limit| limit.action == name);
        let (calls, window, burst) = match entry(action).or_else(|| entry(EVERY_ACTION)) {
            Some(limit) => (limit.calls, limit.window, limit.burst.unwrap_or(self.burst)),
            None => (documented(action), MINUTE, self.burst),
        };
        let share = u64::from(calls) * u64::from(self.share_percent) / 100;
        Allowance {
            calls: u32::try_from(share).unwrap_or(u32::MAX).max(1),
            window,
            burst: burst.max(1),
        }
    }
}

fn documented(action: &str) -> u32 {
    let is_read = action.starts_with("Describe") || action.starts_with("List");
    PUBLISHED
        .iter()
        .find(|(name, _)| *name == action)
        .map_or(if is_read { READS } else { WRITES }, |(_, calls)| *calls)
}

#[cfg(test)]
mod tests {
    use clb_settings::from_yaml;

    use super::*;

    fn table(limits: &str) -> Table {
        let text =
            format!("insecure: true\nclusters: [{{id: c, region: r, vpc_ids: [vpc-1]}}]\nlimits: {limits}\n");
        Table::new(&from_yaml(&text).unwrap())
    }

    #[test]
    fn documented_figures_hold_where_nothing_is_configured() {
        let calls = |action| table("[]").allowance(action).calls;
        assert_eq!(calls("CreateVServerGroup"), 81);
        assert_eq!(calls("DescribeLoadBalancers"), 2700);
        assert_eq!(calls("SetLoadBalancerModificationProtection"), 360);
    }

    #[test]
    fn an_entry_of_its_own_wins_over_the_one_for_all() {
        let table =
            table("[{action: '*', calls: 1000, burst: 100}, {action: TagResources, calls: 10, window: 1s}]");
        assert_eq!(table.allowance("CreateVServerGroup").calls, 900);
        assert_eq!(table.allowance("CreateVServerGroup").burst, 100);
        let tags = table.allowance("TagResources");
        assert_eq!(
            (tags.calls, tags.window, tags.burst),
            (9, Duration::from_secs(1), 20)
        );
    }
}
