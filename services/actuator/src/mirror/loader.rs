//! Reads listeners, groups and backends of CLBs: in the background for those that somebody wants to see, at once for the executor
//! after an outcome that nobody knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use clb_cloud_client::{
    Class, DescribeDomainExtensions, DescribeListeners, DescribeLoadBalancers, DescribeVServerGroup,
    DescribeVServerGroups, LOAD_BALANCERS_PER_READ, LoadBalancerFilter,
};
use clb_model::cloud::{AccessList, Listener, ListenerKey, ListenerProtocol, VServerGroup};
use clb_model::{LoadBalancerId, VServerGroupId};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::access_lists::{AccessListReader, candidates};
use super::parts::Details;
use super::{Mirror, READ_DEADLINE};
use crate::cloud::{Cloud, ReadError};
use crate::limits::Asker;

/// Background reads at a time, each of up to ten CLBs.
const CONCURRENT: usize = 8;
/// What is wanted within this time is read together.
const COALESCE: Duration = Duration::from_millis(20);
/// Until what could not be taken over is read again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How much of a CLB is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    instance: bool,
    listeners: bool,
    vgroups: bool,
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
        let mut state = mirror.state.lock();
        let mut batch = Vec::new();
        while batch.len() < LOAD_BALANCERS_PER_READ
            && let Some(entry) = state.wanted.pop_first()
        {
            batch.push(entry);
        }
        if !batch.is_empty() {
            return batch;
        }
    }
}

async fn load_in_background(mirror: &Mirror, batch: Vec<(LoadBalancerId, Wanted)>) {
    let result = load(mirror, &batch, &Mirror::asker(), Instant::now() + READ_DEADLINE).await;
    mirror.report_reading(&result);
    match result {
        Ok(true) => return,
        Ok(false) => {}
        Err(error) => tracing::debug!(%error, "CLBs could not be read; trying again"),
    }
    tokio::time::sleep(AGAIN_AFTER).await;
    for (id, wanted) in batch {
        mirror.refresh(&id, wanted);
    }
}

/// What was read of the CLBs of one batch.
struct Loaded {
    listeners: HashMap<LoadBalancerId, BTreeMap<ListenerKey, Listener>>,
    vgroups: HashMap<LoadBalancerId, BTreeMap<VServerGroupId, VServerGroup>>,
    access_lists: HashMap<LoadBalancerId, BTreeMap<String, AccessList>>,
}

/// Reads parts of up to ten CLBs and takes them over. Whether all could be: not those that were written meanwhile.
pub(super) async fn load(
    mirror: &Mirror,
    batch: &[(LoadBalancerId, Wanted)],
    asker: &Asker,
    deadline: Instant,
) -> Result<bool, ReadError> {
    let clock = mirror.state.lock().clock();
    let of = |part: fn(&Wanted) -> bool| -> Vec<LoadBalancerId> {
        batch
            .iter()
            .filter(|(_, wanted)| part(wanted))
            .map(|(id, _)| id.clone())
            .collect()
    };
    let mut all_taken = read_instances(mirror, of(|wanted| wanted.instance), clock, asker, deadline).await?;
    let known = |ids: Vec<LoadBalancerId>| -> Vec<LoadBalancerId> {
        let state = mirror.state.lock();
        ids.into_iter()
            .filter(|id| state.entries.contains_key(id))
            .collect()
    };
    let mut loaded = Loaded {
        listeners: HashMap::new(),
        vgroups: HashMap::new(),
        access_lists: HashMap::new(),
    };
    let with_listeners = known(of(|wanted| wanted.listeners));
    if !with_listeners.is_empty() {
        loaded.listeners = read_listeners(&mirror.cloud, with_listeners, asker, deadline).await?;
    }
    let mut reader = AccessListReader::default();
    for (id, listeners) in &loaded.listeners {
        let ids = candidates(listeners, mirror.get(id).as_deref());
        let lists = reader.read(&mirror.cloud, ids, asker, deadline).await?;
        loaded.access_lists.insert(id.clone(), lists);
    }
    for id in known(of(|wanted| wanted.vgroups)) {
        match read_vgroups(&mirror.cloud, &id, asker, deadline).await {
            Ok(vgroups) => {
                loaded.vgroups.insert(id, vgroups);
            }
            // Deleted meanwhile: its own attributes tell.
            Err(error) if error.is_gone() => mirror.refresh(&id, Wanted::INSTANCE),
            Err(error) => return Err(error),
        }
    }
    all_taken &= take_over(mirror, loaded, clock);
    Ok(all_taken)
}

async fn read_instances(
    mirror: &Mirror,
    ids: Vec<LoadBalancerId>,
    clock: u64,
    asker: &Asker,
    deadline: Instant,
) -> Result<bool, ReadError> {
    if ids.is_empty() {
        return Ok(true);
    }
    let action = DescribeLoadBalancers {
        filter: LoadBalancerFilter::Ids(ids.clone()),
        page: 1,
    };
    let page = mirror.cloud.read(asker, &action, deadline).await?;
    let mut state = mirror.state.lock();
    let found: BTreeSet<LoadBalancerId> = page.load_balancers.iter().map(|one| one.id.clone()).collect();
    let mut all_taken = true;
    let mut drift = Vec::new();
    for load_balancer in page.load_balancers {
        all_taken &= state.is_newer_than_writes(&load_balancer.id, clock);
        if state.put_instance(load_balancer, clock) {
            drift.push("instance");
        }
    }
    for id in ids.iter().filter(|id| !found.contains(id)) {
        if state.is_newer_than_writes(id, clock) {
            state.remove(id);
            state.id_is_absent(id);
        } else {
            all_taken = false;
        }
    }
    mirror.report_size(&state);
    drop(state);
    mirror.report_drift(&drift);
    Ok(all_taken)
}

async fn read_listeners(
    cloud: &Cloud,
    ids: Vec<LoadBalancerId>,
    asker: &Asker,
    deadline: Instant,
) -> Result<HashMap<LoadBalancerId, BTreeMap<ListenerKey, Listener>>, ReadError> {
    let mut all: HashMap<_, BTreeMap<_, _>> = ids.iter().map(|id| (id.clone(), BTreeMap::new())).collect();
    let mut action = DescribeListeners {
        ids,
        next_token: None,
    };
    loop {
        let page = cloud.read(asker, &action, deadline).await?;
        for read in page.listeners {
            // Some answers hold more than was asked for.
            if let Some(listeners) = all.get_mut(&read.load_balancer) {
                listeners.insert(read.key, read.listener);
            }
        }
        match page.next_token {
            Some(token) => action.next_token = Some(token),
            None => break,
        }
    }
    for (id, listeners) in &mut all {
        for (key, listener) in listeners
            .iter_mut()
            .filter(|(key, _)| key.protocol == ListenerProtocol::Https)
        {
            listener.domain_extensions = read_domain_extensions(cloud, id, key.port, asker, deadline).await?;
        }
    }
    Ok(all)
}

async fn read_domain_extensions(
    cloud: &Cloud,
    id: &LoadBalancerId,
    port: u16,
    asker: &Asker,
    deadline: Instant,
) -> Result<BTreeMap<String, clb_model::cloud::DomainExtension>, ReadError> {
    let action = DescribeDomainExtensions { id, port };
    match cloud.read(asker, &action, deadline).await {
        Ok(extensions) => Ok(extensions.into_iter().collect()),
        // Shared instances have none; a listener that went meanwhile has none either. A missing permission must not hide the CLB.
        Err(ReadError::Call(error))
            if matches!(error.class(), Some(Class::Invalid | Class::Gone | Class::Denied)) =>
        {
            tracing::debug!(%error, "no extension domains");
            Ok(BTreeMap::new())
        }
        Err(error) => Err(error),
    }
}

async fn read_vgroups(
    cloud: &Cloud,
    id: &LoadBalancerId,
    asker: &Asker,
    deadline: Instant,
) -> Result<BTreeMap<VServerGroupId, VServerGroup>, ReadError> {
    let listed = cloud.read(asker, &DescribeVServerGroups { id }, deadline).await?;
    let mut vgroups = BTreeMap::new();
    for (vgroup_id, name) in listed {
        let action = DescribeVServerGroup { vgroup: &vgroup_id };
        match cloud.read(asker, &action, deadline).await {
            Ok(mut vgroup) => {
                if vgroup.name.is_empty() {
                    vgroup.name = name;
                }
                vgroups.insert(vgroup_id, vgroup);
            }
            Err(error) if error.is_gone() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(vgroups)
}

fn take_over(mirror: &Mirror, loaded: Loaded, clock: u64) -> bool {
    let mut state = mirror.state.lock();
    let mut all_taken = true;
    let mut drift = Vec::new();
    let Loaded {
        mut listeners,
        mut vgroups,
        mut access_lists,
    } = loaded;
    let ids: BTreeSet<LoadBalancerId> = listeners.keys().chain(vgroups.keys()).cloned().collect();
    for id in ids {
        if !state.is_newer_than_writes(&id, clock) {
            all_taken = false;
            continue;
        }
        let details = Details {
            listeners: listeners.remove(&id),
            access_lists: access_lists.remove(&id),
            vgroups: vgroups.remove(&id),
        };
        drift.extend(state.put_details(&id, details));
    }
    drop(state);
    mirror.report_drift(&drift);
    all_taken
}
