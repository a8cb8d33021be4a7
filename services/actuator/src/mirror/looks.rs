//! Looks that planners ask for: what holds a Service up may have been taken away in the console since the mirror last read it, so its CLB
//! is read again out of turn, and the planner is told when that is over. A CLB that was read a moment ago is not read again.

use std::collections::HashMap;
use std::time::Duration;

use clb_model::LoadBalancerId;
use tokio::time::Instant;

use super::Mirror;
use super::loader::Wanted;
use super::outbox::Item;
use super::parts::State;

/// For how long a read counts as a look.
const RECENT: Duration = Duration::from_secs(3);

/// The CLBs that were read in the background lately, all of them.
#[derive(Debug, Default)]
pub(super) struct Looks(HashMap<LoadBalancerId, Instant>);

impl Looks {
    fn is_recent(&self, id: &LoadBalancerId, now: Instant) -> bool {
        self.0.get(id).is_some_and(|at| now.duration_since(*at) < RECENT)
    }

    fn add(&mut self, id: &LoadBalancerId, now: Instant) {
        self.0.retain(|_, at| now.duration_since(*at) < RECENT);
        self.0.insert(id.clone(), now);
    }
}

impl State {
    /// A planner asks for a look. One at a CLB that it does not see is over at once.
    pub(super) fn ask_for_look(&mut self, number: u64, id: LoadBalancerId, now: Instant) {
        let is_recent = self.looks.is_recent(&id, now);
        let Some(view) = self.views.get_mut(&number) else {
            return;
        };
        let is_seen = view.shown.contains(&id) || view.by_id.contains_key(&id);
        if is_recent || !is_seen {
            view.push(Item::Looked(id));
            return;
        }
        view.asked.insert(id.clone());
        self.want(&id, Wanted::ALL);
    }

    /// A CLB has been read. Those who asked are told after what is new of it.
    pub(super) fn looked_at(&mut self, id: &LoadBalancerId, read: Wanted, now: Instant) {
        if self.entries.contains_key(id) && !(read.listeners && read.vgroups) {
            return;
        }
        self.looks.add(id, now);
        for view in self.views.values_mut() {
            if view.asked.remove(id) {
                view.push(Item::Looked(id.clone()));
            }
        }
    }
}

impl Mirror {
    /// Looks at CLBs for a planner.
    pub(super) fn look_again(&self, number: u64, ids: Vec<LoadBalancerId>) {
        let now = Instant::now();
        let mut state = self.state.lock();
        for id in ids {
            state.ask_for_look(number, id, now);
        }
        drop(state);
        self.load.notify_one();
    }
}
