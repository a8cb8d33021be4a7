//! Another look at the CLBs that hold a Service up: what the mirror shows of them may be minutes old, and a person may have put it right
//! in the console since. The actuator is asked to read them again before anybody is told, when the Service changes, and later and later
//! while it lasts. Changes of endpoints ask for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clb_model::LoadBalancerId;
use clb_model::cluster::{Service, ServicePort};
use tokio::time::Instant;

use crate::backoff::Backoff;

/// Between two looks while nothing changes.
const AGAIN: Backoff = Backoff {
    first: Duration::from_secs(5),
    most: Duration::from_secs(300),
};

/// How long the first look is waited for. Whatever the mirror shows is told after that.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a look is about.
#[derive(Debug, PartialEq, Eq)]
struct Subject {
    load_balancers: BTreeSet<LoadBalancerId>,
    annotations: BTreeMap<String, String>,
    ports: Vec<ServicePort>,
}

/// The looks for one Service that is held up.
#[derive(Debug)]
pub(crate) struct Looks {
    subject: Subject,
    /// What is still to be looked at before anything is told, and until when that is waited for.
    awaited: Option<(BTreeSet<LoadBalancerId>, Instant)>,
    looks: u32,
    next: Instant,
}

/// What a pass is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Next {
    /// Ask for a look.
    pub(crate) ask: bool,
    /// The pass counts only after that; a look is awaited until then.
    pub(crate) wait: bool,
    /// When to make the pass again.
    pub(crate) at: Instant,
}

impl Looks {
    /// What to do about a Service that these CLBs hold up. None where none does: what was looked at before is forgotten.
    pub(crate) fn next(
        looks: &mut Option<Self>,
        load_balancers: &BTreeSet<LoadBalancerId>,
        service: &Service,
        now: Instant,
    ) -> Option<Next> {
        if load_balancers.is_empty() {
            *looks = None;
            return None;
        }
        let known = looks
            .as_mut()
            .filter(|looks| looks.subject.is(load_balancers, service));
        let Some(looks) = known else {
            let begun = Self::begin(load_balancers, service, now);
            let at = begun.next;
            *looks = Some(begun);
            let (ask, wait) = (true, true);
            return Some(Next { ask, wait, at });
        };
        if let Some((awaited, until)) = &looks.awaited {
            if !awaited.is_empty() && now < *until {
                let (ask, wait, at) = (false, true, *until);
                return Some(Next { ask, wait, at });
            }
            looks.awaited = None;
            looks.next = now + AGAIN.delay(looks.looks);
        }
        let ask = now >= looks.next;
        if ask {
            looks.looks = looks.looks.saturating_add(1);
            looks.next = now + AGAIN.delay(looks.looks);
        }
        Some(Next {
            ask,
            wait: false,
            at: looks.next,
        })
    }

    fn begin(load_balancers: &BTreeSet<LoadBalancerId>, service: &Service, now: Instant) -> Self {
        let until = now + PATIENCE;
        Self {
            subject: Subject {
                load_balancers: load_balancers.clone(),
                annotations: service.annotations.clone(),
                ports: service.ports.clone(),
            },
            awaited: Some((load_balancers.clone(), until)),
            looks: 1,
            next: until,
        }
    }

    /// A CLB was looked at. Whether that was the last one that is awaited.
    pub(crate) fn looked(&mut self, id: &LoadBalancerId) -> bool {
        let Some((awaited, _)) = &mut self.awaited else {
            return false;
        };
        awaited.remove(id) && awaited.is_empty()
    }
}

impl Subject {
    fn is(&self, load_balancers: &BTreeSet<LoadBalancerId>, service: &Service) -> bool {
        self.load_balancers == *load_balancers
            && self.annotations == service.annotations
            && self.ports == service.ports
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::service;

    fn clb(id: &str) -> LoadBalancerId {
        LoadBalancerId::new(id).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_look_is_awaited_and_the_others_come_later_and_later() {
        let (service, ids) = (service("web"), BTreeSet::from([clb("lb-1")]));
        let mut looks = None;
        let next = |looks: &mut Option<Looks>| Looks::next(looks, &ids, &service, Instant::now()).unwrap();
        let first = next(&mut looks);
        assert!(first.ask && first.wait);
        let waiting = next(&mut looks);
        assert!(
            !waiting.ask && waiting.wait,
            "asked once, however often it is planned"
        );
        assert!(!looks.as_mut().unwrap().looked(&clb("lb-2")));
        assert!(looks.as_mut().unwrap().looked(&clb("lb-1")));
        let mut waits = Vec::new();
        for _ in 0..12 {
            let idle = next(&mut looks);
            assert!(!idle.ask && !idle.wait);
            let begun = Instant::now();
            tokio::time::sleep_until(idle.at).await;
            waits.push(begun.elapsed());
            let due = next(&mut looks);
            assert!(due.ask && !due.wait);
        }
        assert!(
            waits[0] <= AGAIN.first && waits[0] * 2 >= AGAIN.first,
            "{waits:?}"
        );
        assert!(
            waits[11] <= AGAIN.most && waits[11] * 2 >= AGAIN.most,
            "{waits:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_does_not_come_is_not_waited_for_long() {
        let (service, ids) = (service("web"), BTreeSet::from([clb("lb-1")]));
        let mut looks = None;
        let first = Looks::next(&mut looks, &ids, &service, Instant::now()).unwrap();
        tokio::time::sleep_until(first.at).await;
        let after = Looks::next(&mut looks, &ids, &service, Instant::now()).unwrap();
        assert!(!after.wait);
    }

    #[tokio::test(start_paused = true)]
    async fn another_wish_asks_at_once_and_other_endpoints_do_not() {
        let (mut service, ids) = (service("web"), BTreeSet::from([clb("lb-1")]));
        let now = Instant::now();
        let mut looks = None;
        Looks::next(&mut looks, &ids, &service, now);
        looks.as_mut().unwrap().looked(&clb("lb-1"));
        assert!(!Looks::next(&mut looks, &ids, &service, now).unwrap().ask);
        service.endpoints.clear();
        service.resource_version.push('1');
        assert!(!Looks::next(&mut looks, &ids, &service, now).unwrap().ask);
        service.annotations.insert("touched".to_owned(), "yes".to_owned());
        let next = Looks::next(&mut looks, &ids, &service, now).unwrap();
        assert!(next.ask && next.wait);
        assert_eq!(Looks::next(&mut looks, &BTreeSet::new(), &service, now), None);
        assert!(looks.is_none());
    }
}
