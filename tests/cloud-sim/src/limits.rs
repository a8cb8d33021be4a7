//! Request limits: calls per 60 seconds for each (account, region, action), as a table.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::catalog::{Action, Effect};

/// The window that calls are counted in; it slides.
pub const WINDOW: Duration = Duration::from_secs(60);

/// How many calls of an action a window takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Actions that change something, unless `actions` names them.
    pub writes: usize,
    /// Actions that read, unless `actions` names them.
    pub reads: usize,
    /// Actions with a figure of their own.
    pub actions: HashMap<String, usize>,
}

impl Default for Limits {
    /// The published figures; 90 for writes whose figure is not published.
    fn default() -> Self {
        let own = [
            ("AddTags", 180),
            ("RemoveTags", 180),
            ("SetLoadBalancerModificationProtection", 400),
            ("SetDomainExtensionAttribute", 400),
        ];
        let actions = own.map(|(action, calls)| (action.to_owned(), calls)).into();
        Limits {
            writes: 90,
            reads: 3000,
            actions,
        }
    }
}

impl Limits {
    /// Calls per window of an action.
    pub fn of(&self, action: &Action) -> usize {
        let own = self.actions.get(action.name).copied();
        own.unwrap_or(if action.effect == Effect::Write {
            self.writes
        } else {
            self.reads
        })
    }
}

/// Account, region and action: what a limit counts by.
type Counted = (String, String, &'static str);

/// The calls of the last window.
#[derive(Debug, Default)]
pub(crate) struct Windows(HashMap<Counted, VecDeque<Instant>>);

impl Windows {
    /// Counts a call, unless that would be more than the limit; says whether it was counted.
    pub(crate) fn admit(
        &mut self,
        limits: &Limits,
        account: &str,
        region: &str,
        action: &'static Action,
        now: Instant,
    ) -> bool {
        let window = self
            .0
            .entry((account.to_owned(), region.to_owned(), action.name))
            .or_default();
        while window
            .front()
            .is_some_and(|call| now.duration_since(*call) >= WINDOW)
        {
            window.pop_front();
        }
        if window.len() >= limits.of(action) {
            return false;
        }
        window.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[tokio::test(start_paused = true)]
    async fn the_window_slides() {
        let limits = Limits {
            writes: 2,
            ..Limits::default()
        };
        let action = catalog::find("CreateVServerGroup").unwrap();
        let mut windows = Windows::default();
        let mut admit =
            |account: &str, region: &str| windows.admit(&limits, account, region, action, Instant::now());
        assert!(admit("a", "cn-hangzhou"));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(admit("a", "cn-hangzhou"));
        assert!(!admit("a", "cn-hangzhou"), "two calls are the limit");
        assert!(admit("b", "cn-hangzhou"), "another account has its own");
        assert!(admit("a", "cn-shanghai"), "another region has its own");
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(admit("a", "cn-hangzhou"), "the first call is 60 s old");
        assert!(!admit("a", "cn-hangzhou"), "the second one is not");
    }

    #[test]
    fn published_figures() {
        let limits = Limits::default();
        let of = |name: &str| limits.of(catalog::find(name).unwrap());
        assert_eq!(of("CreateLoadBalancer"), 90);
        assert_eq!(of("AddTags"), 180);
        assert_eq!(of("SetDomainExtensionAttribute"), 400);
        assert_eq!(of("DescribeLoadBalancers"), 3000);
    }
}
