//! Reads CLBs up to ten at a time, and takes over what could be read of each: for the loader, and at once for the executor after an
//! outcome that nobody knows.

use std::collections::{BTreeMap, BTreeSet};

use clb_cloud_client::{
    Action, Class, DescribeDomainExtensions, DescribeListeners, DescribeLoadBalancers, DescribeVServerGroup,
    DescribeVServerGroups, LoadBalancerFilter,
};
use clb_model::cloud::{DomainExtension, Listener, ListenerKey, ListenerProtocol, VServerGroup};
use clb_model::{LoadBalancerId, VServerGroupId};
use tokio::time::Instant;

use super::Mirror;
use super::access_lists::{AccessListReader, candidates};
use super::loader::Wanted;
use super::parts::Details;
use crate::cloud::ReadError;
use crate::limits::Asker;

/// What became of reading some CLBs; those that are in neither have been taken over.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Written while they were read, or said to be gone, which their own attributes tell: what was read counts for nothing.
    pub(super) overtaken: BTreeSet<LoadBalancerId>,
    /// Those of them that are said to be gone.
    pub(super) said_gone: BTreeSet<LoadBalancerId>,
    /// Not read. Where one call asks about several, each of them has its error.
    pub(super) failed: BTreeMap<LoadBalancerId, ReadError>,
}

impl Reading {
    fn fail(&mut self, ids: &[LoadBalancerId], error: &ReadError) {
        let failed = ids.iter().map(|id| (id.clone(), error.clone()));
        self.failed.extend(failed);
    }
}

/// Reads parts of up to ten CLBs and takes them over.
pub(super) async fn read(
    mirror: &Mirror,
    batch: &[(LoadBalancerId, Wanted)],
    asker: &Asker,
    deadline: Instant,
) -> Reading {
    let reader = Reader {
        mirror,
        asker,
        deadline,
        clock: mirror.state.lock().clock(),
    };
    let mut reading = Reading::default();
    let of = |part: fn(&Wanted) -> bool| -> Vec<LoadBalancerId> {
        let wanted = batch.iter().filter(|(_, wanted)| part(wanted));
        wanted.map(|(id, _)| id.clone()).collect()
    };
    let with_instance = of(|wanted| wanted.instance);
    match reader.instances(&with_instance).await {
        Ok(overtaken) => reading.overtaken = overtaken,
        Err(error) => reading.fail(&with_instance, &error),
    }
    let mut details: BTreeMap<LoadBalancerId, Details> = BTreeMap::new();
    let with_listeners = reader.left(of(|wanted| wanted.listeners), &reading);
    match reader.listeners(&with_listeners).await {
        Ok(all) => {
            let mut lists = AccessListReader::default();
            for (id, listeners) in all {
                match reader.around_listeners(&id, listeners, &mut lists).await {
                    Ok(read) => {
                        details.insert(id, read);
                    }
                    Err(error) => reading.fail(&[id], &error),
                }
            }
        }
        Err(error) if error.is_gone() => reader.look_whether_there(with_listeners, &mut reading),
        Err(error) => reading.fail(&with_listeners, &error),
    }
    for id in reader.left(of(|wanted| wanted.vgroups), &reading) {
        match reader.vgroups(&id).await {
            Ok(vgroups) => details.entry(id).or_default().vgroups = Some(vgroups),
            Err(error) if error.is_gone() => reader.look_whether_there(vec![id], &mut reading),
            Err(error) => reading.fail(&[id], &error),
        }
    }
    details.retain(|id, _| !reading.failed.contains_key(id) && !reading.overtaken.contains(id));
    reader.take_over(details, &mut reading);
    reading
}

/// Reads for somebody, until a deadline.
struct Reader<'a> {
    mirror: &'a Mirror,
    asker: &'a Asker,
    deadline: Instant,
    /// When it began.
    clock: u64,
}

impl Reader<'_> {
    async fn call<A: Action>(&self, action: &A) -> Result<A::Answer, ReadError> {
        self.mirror.cloud.read(self.asker, action, self.deadline).await
    }

    /// Those that are known and have not failed.
    fn left(&self, mut ids: Vec<LoadBalancerId>, reading: &Reading) -> Vec<LoadBalancerId> {
        let state = self.mirror.state.lock();
        ids.retain(|id| state.entries.contains_key(id) && !reading.failed.contains_key(id));
        ids
    }

    /// Has the CLBs' own attributes read, because one of them is said to be gone; what was wanted is read again after that.
    fn look_whether_there(&self, ids: Vec<LoadBalancerId>, reading: &mut Reading) {
        for id in ids {
            self.mirror.refresh(&id, Wanted::INSTANCE);
            reading.said_gone.insert(id.clone());
            reading.overtaken.insert(id);
        }
    }

    /// Reads and takes over the CLBs' own attributes. Returns those that were written meanwhile.
    async fn instances(&self, ids: &[LoadBalancerId]) -> Result<BTreeSet<LoadBalancerId>, ReadError> {
        let mut overtaken = BTreeSet::new();
        if ids.is_empty() {
            return Ok(overtaken);
        }
        let action = DescribeLoadBalancers {
            filter: LoadBalancerFilter::Ids(ids.to_vec()),
            page: 1,
        };
        let page = self.call(&action).await?;
        let mut state = self.mirror.state.lock();
        let mut absent: BTreeSet<&LoadBalancerId> = ids.iter().collect();
        let mut drift = Vec::new();
        for load_balancer in page.load_balancers {
            absent.remove(&load_balancer.id);
            if !state.is_newer_than_writes(&load_balancer.id, self.clock) {
                overtaken.insert(load_balancer.id.clone());
            }
            if state.put_instance(load_balancer, self.clock) {
                drift.push("instance");
            }
        }
        for id in absent {
            if state.is_newer_than_writes(id, self.clock) {
                state.remove(id);
                state.id_is_absent(id);
            } else {
                overtaken.insert(id.clone());
            }
        }
        self.mirror.report_size(&state);
        drop(state);
        self.mirror.report_drift(&drift);
        Ok(overtaken)
    }

    /// The listeners of several CLBs.
    async fn listeners(
        &self,
        ids: &[LoadBalancerId],
    ) -> Result<BTreeMap<LoadBalancerId, BTreeMap<ListenerKey, Listener>>, ReadError> {
        let mut all: BTreeMap<_, BTreeMap<_, _>> =
            ids.iter().map(|id| (id.clone(), BTreeMap::new())).collect();
        if ids.is_empty() {
            return Ok(all);
        }
        let mut action = DescribeListeners {
            ids: ids.to_vec(),
            next_token: None,
        };
        loop {
            let page = self.call(&action).await?;
            for read in page.listeners {
                // Some answers hold more than was asked for.
                if let Some(listeners) = all.get_mut(&read.load_balancer) {
                    listeners.insert(read.key, read.listener);
                }
            }
            match page.next_token {
                Some(token) => action.next_token = Some(token),
                None => return Ok(all),
            }
        }
    }

    /// What a CLB's listeners refer to: their extension domains and access control lists.
    async fn around_listeners(
        &self,
        id: &LoadBalancerId,
        mut listeners: BTreeMap<ListenerKey, Listener>,
        lists: &mut AccessListReader,
    ) -> Result<Details, ReadError> {
        for (key, listener) in &mut listeners {
            if key.protocol == ListenerProtocol::Https {
                listener.domain_extensions = self.domain_extensions(id, key.port).await?;
            }
        }
        let used = candidates(&listeners, self.mirror.get(id).as_deref());
        let access_lists = lists
            .read(&self.mirror.cloud, used, self.asker, self.deadline)
            .await?;
        Ok(Details {
            listeners: Some(listeners),
            access_lists: Some(access_lists),
            vgroups: None,
        })
    }

    async fn domain_extensions(
        &self,
        id: &LoadBalancerId,
        port: u16,
    ) -> Result<BTreeMap<String, DomainExtension>, ReadError> {
        match self.call(&DescribeDomainExtensions { id, port }).await {
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

    async fn vgroups(
        &self,
        id: &LoadBalancerId,
    ) -> Result<BTreeMap<VServerGroupId, VServerGroup>, ReadError> {
        let listed = self.call(&DescribeVServerGroups { id }).await?;
        let mut vgroups = BTreeMap::new();
        for (vgroup_id, name) in listed {
            match self.call(&DescribeVServerGroup { vgroup: &vgroup_id }).await {
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

    fn take_over(&self, details: BTreeMap<LoadBalancerId, Details>, reading: &mut Reading) {
        let mut state = self.mirror.state.lock();
        let mut drift = Vec::new();
        for (id, read) in details {
            if state.is_newer_than_writes(&id, self.clock) {
                drift.extend(state.put_details(&id, read));
            } else {
                reading.overtaken.insert(id);
            }
        }
        drop(state);
        self.mirror.report_drift(&drift);
    }
}
