//! Access control lists that were made for source ranges: read with the listeners that use them. Those of users are not kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clb_cloud_client::{Class, DescribeAcl};
use clb_model::LoadBalancerId;
use clb_model::attribute::ListenerAttribute;
use clb_model::cloud::{AccessList, Listener, ListenerKey, LoadBalancer};
use clb_model::marks;
use clb_model::version::PartVersion;
use tokio::time::Instant;

use super::parts::State;
use crate::cloud::{Cloud, ReadError};
use crate::limits::Asker;

/// The ids of the lists that may be ours: those that listeners use, and those that were known to be.
pub(super) fn candidates(
    listeners: &BTreeMap<ListenerKey, Listener>,
    known: Option<&LoadBalancer>,
) -> BTreeSet<String> {
    let used = listeners
        .values()
        .filter_map(|listener| listener.attributes.text(ListenerAttribute::AclId))
        .flat_map(|ids| ids.split(','))
        .filter(|id| !id.is_empty())
        .map(str::to_owned);
    let known = known.into_iter().flat_map(|clb| clb.access_lists.keys().cloned());
    used.chain(known).collect()
}

/// Reads lists, each once however many CLBs use it.
#[derive(Default)]
pub(super) struct AccessListReader {
    read: HashMap<String, Option<AccessList>>,
}

impl AccessListReader {
    /// Those of the lists that are there and ours.
    pub(super) async fn read(
        &mut self,
        cloud: &Cloud,
        ids: BTreeSet<String>,
        asker: &Asker,
        deadline: Instant,
    ) -> Result<BTreeMap<String, AccessList>, ReadError> {
        let mut ours = BTreeMap::new();
        for id in ids {
            let list = match self.read.get(&id) {
                Some(list) => list.clone(),
                None => {
                    let list = read_access_list(cloud, &id, asker, deadline).await?;
                    self.read.insert(id.clone(), list.clone());
                    list
                }
            };
            if let Some(list) = list {
                ours.insert(id, list);
            }
        }
        Ok(ours)
    }
}

/// None where the list is gone or not ours. A missing permission must not hide the CLB: what cannot be read counts as not ours.
pub(crate) async fn read_access_list(
    cloud: &Cloud,
    id: &str,
    asker: &Asker,
    deadline: Instant,
) -> Result<Option<AccessList>, ReadError> {
    let mut list = AccessList {
        version: PartVersion::default(),
        name: String::new(),
        entries: BTreeSet::new(),
    };
    let mut action = DescribeAcl { acl_id: id, page: 1 };
    loop {
        let page = match cloud.read(asker, &action, deadline).await {
            Ok(page) => page,
            Err(ReadError::Call(error))
                if matches!(error.class(), Some(Class::Invalid | Class::Gone | Class::Denied)) =>
            {
                tracing::debug!(%error, acl = id, "an access control list cannot be read");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if !marks::is_access_list_name(&page.name) {
            return Ok(None);
        }
        list.name = page.name;
        list.entries.extend(page.entries);
        if !page.more {
            return Ok(Some(list));
        }
        action.page += 1;
    }
}

impl State {
    /// Takes over the lists of a CLB as they were read. Says whether they were others before.
    pub(super) fn put_access_lists(
        &mut self,
        id: &LoadBalancerId,
        mut lists: BTreeMap<String, AccessList>,
    ) -> bool {
        let Some(known) = self.get(id) else {
            return false;
        };
        for (list_id, list) in &mut lists {
            let before = known.access_lists.get(list_id);
            list.version = before.map_or_else(PartVersion::default, |before| before.version);
            if before != Some(list) {
                list.version = self.next_version();
            }
        }
        if lists == known.access_lists {
            return false;
        }
        let mut changed = LoadBalancer::clone(&known);
        changed.access_lists = lists;
        let complete = self.is_complete(id);
        self.replace(changed, complete);
        true
    }
}
