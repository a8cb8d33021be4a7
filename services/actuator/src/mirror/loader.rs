//! Which CLBs are read in the background, and when: those that somebody wants to see, ten at a time.

use std::sync::Arc;
use std::time::Duration;

use clb_cloud_client::LOAD_BALANCERS_PER_READ;
use clb_model::LoadBalancerId;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::parts::State;
use super::reading::read;
use super::{Mirror, READ_DEADLINE};

/// Background reads at a time, each of up to ten CLBs.
const CONCURRENT: usize = 8;
/// What is wanted within this time is read together.
const COALESCE: Duration = Duration::from_millis(20);

/// How much of a CLB is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    pub(super) instance: bool,
    pub(super) listeners: bool,
    pub(super) vgroups: bool,
}

impl Wanted {
    /// Its own attributes and tags.
    pub(crate) const INSTANCE: Self = Self::new(true, false, false);
    /// Its listeners.
    pub(crate) const LISTENERS: Self = Self::new(false, true, false);
    /// Its groups with their backends.
    pub(crate) const VGROUPS: Self = Self::new(false, false, true);
    /// All but its own attributes.
    pub(crate) const DETAILS: Self = Self::new(false, true, true);
    /// Everything.
    pub(crate) const ALL: Self = Self::new(true, true, true);

    const fn new(instance: bool, listeners: bool, vgroups: bool) -> Self {
        Self {
            instance,
            listeners,
            vgroups,
        }
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self::new(
            self.instance || other.instance,
            self.listeners || other.listeners,
            self.vgroups || other.vgroups,
        )
    }
}

/// Loads what is wanted, for ever.
pub(super) async fn run(mirror: &Arc<Mirror>) {
    let slots = Arc::new(Semaphore::new(CONCURRENT));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let batch = next_batch(mirror).await;
        let loading = Arc::clone(mirror);
        mirror.tasks.spawn(async move {
            let _slot = slot;
            tokio::select! {
                () = load_in_background(&loading, batch) => {}
                () = loading.stop.cancelled() => {}
            }
        });
    }
}

async fn next_batch(mirror: &Mirror) -> Vec<(LoadBalancerId, Wanted)> {
    loop {
        let changed = mirror.load.notified();
        let is_empty = {
            let state = mirror.state.lock();
            state.wanted.is_empty() || !state.listed
        };
        if is_empty {
            changed.await;
            continue;
        }
        tokio::time::sleep(COALESCE).await;
        let batch = mirror.state.lock().next_batch();
        if !batch.is_empty() {
            return batch;
        }
    }
}

impl State {
    /// Up to ten CLBs of those that are wanted, or a single one that is read alone.
    pub(super) fn next_batch(&mut self) -> Vec<(LoadBalancerId, Wanted)> {
        let mut batch = Vec::new();
        while batch.len() < LOAD_BALANCERS_PER_READ
            && let Some(next) = self.wanted.first_entry()
        {
            let is_alone = self.unread.is_alone(next.key());
            if is_alone && !batch.is_empty() {
                break;
            }
            batch.push(next.remove_entry());
            if is_alone {
                break;
            }
        }
        batch
    }
}

async fn load_in_background(mirror: &Arc<Mirror>, batch: Vec<(LoadBalancerId, Wanted)>) {
    let mut reading = read(mirror, &batch, &Mirror::asker(), Instant::now() + READ_DEADLINE).await;
    let result = match reading.failed.values().next() {
        Some(error) => Err(error.clone()),
        None => Ok(()),
    };
    mirror.report_reading(&result);
    for (id, wanted) in batch {
        let pause = {
            let mut state = mirror.state.lock();
            match reading.failed.remove(&id) {
                Some(error) => {
                    tracing::debug!(%error, %id, "a CLB could not be read; trying again");
                    state.unread.failed(&id, wanted, error.may_be_of_one())
                }
                // It may be said to be gone for long, and then hides no other.
                None if reading.said_gone.contains(&id) => state.unread.failed(&id, wanted, true),
                None if reading.overtaken.contains(&id) => state.unread.overtaken(&id, wanted),
                None => {
                    state.unread.succeeded(&id);
                    state.looked_at(&id, wanted, Instant::now());
                    None
                }
            }
        };
        if let Some(pause) = pause {
            mirror.read_unread_after(id, pause);
        }
    }
}
