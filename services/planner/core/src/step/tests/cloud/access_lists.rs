//! Access control lists of the model: filled before they are used, never emptied while a listener uses them.

use std::collections::BTreeMap;

use clb_model::LoadBalancerId;
use clb_model::attribute::{AttributeValue, ListenerAttribute};
use clb_model::cloud::{AccessList, LoadBalancer};
use clb_model::operation::{Change, Operation};
use clb_model::version::PartVersion;

use super::Cloud;

/// The most entries in one list.
const QUOTA: usize = 300;

impl Cloud {
    /// Carries out an operation on a list; the id of the list that it created or found. None for another operation.
    pub(super) fn apply_to_list(
        &mut self,
        operation: &Operation,
        target: Option<&LoadBalancerId>,
        version: PartVersion,
    ) -> Option<Option<String>> {
        let mut created = None;
        match &operation.change {
            Change::FillAccessList { entries, .. } => {
                let name = self.list_name.clone();
                let known = self.access_lists.iter().find(|(_, list)| list.name == name);
                let id = known.map_or_else(|| format!("acl-{}", version.number), |(id, _)| id.clone());
                let list = self.access_lists.entry(id.clone()).or_insert_with(|| AccessList {
                    version,
                    name,
                    entries: Default::default(),
                });
                list.entries.extend(entries);
                assert!(list.entries.len() <= QUOTA, "no room for the entries");
                created = Some(id);
            }
            Change::TrimAccessList { access_list, entries } => {
                let list = self.access_lists.get_mut(access_list).unwrap();
                assert!(
                    entries.iter().all(|entry| list.entries.remove(entry)),
                    "{entries:?}"
                );
                assert!(!list.entries.is_empty(), "an empty list lets everyone in");
            }
            Change::DeleteAccessList => {
                let name = &self.list_name;
                let gone: Vec<String> = self
                    .access_lists
                    .iter()
                    .filter(|(_, list)| list.name == *name)
                    .map(|(id, _)| id.clone())
                    .collect();
                for id in gone {
                    let users = self.load_balancers.values().filter(|clb| uses(clb, &id));
                    assert_eq!(users.count(), 0, "a listener uses {id}");
                    self.access_lists.remove(&id);
                }
            }
            _ => return None,
        }
        self.show_lists(target, version);
        Some(created)
    }

    /// The CLB shows the lists as the mirror would.
    fn show_lists(&mut self, target: Option<&LoadBalancerId>, version: PartVersion) {
        let Some(clb) = target.and_then(|id| self.load_balancers.get_mut(id)) else {
            return;
        };
        let ours = self
            .access_lists
            .iter()
            .filter(|(_, list)| list.name == self.list_name);
        let before = std::mem::take(&mut clb.access_lists);
        clb.access_lists = ours
            .map(|(id, list)| {
                let same = before.get(id).filter(|known| known.entries == list.entries);
                let version = same.map_or(version, |known| known.version);
                (
                    id.clone(),
                    AccessList {
                        version,
                        ..list.clone()
                    },
                )
            })
            .collect();
    }

    /// The operation with a list's id in the place of its name.
    pub(super) fn with_list_id(&self, mut operation: Operation) -> Operation {
        let attributes = match &mut operation.change {
            Change::CreateListener(new) | Change::RecreateListener { new, .. } => &mut new.attributes,
            Change::ChangeListener { attributes, .. } => attributes,
            _ => return operation,
        };
        let Some(text) = attributes.text(ListenerAttribute::AclId).map(str::to_owned) else {
            return operation;
        };
        let by_name: BTreeMap<&String, &String> = self
            .access_lists
            .iter()
            .map(|(id, list)| (&list.name, id))
            .collect();
        if let Some(id) = by_name.get(&text) {
            attributes.set(ListenerAttribute::AclId, (*id).clone());
        }
        let id = attributes.text(ListenerAttribute::AclId).unwrap_or_default();
        if let Some(list) = self.access_lists.get(id) {
            assert!(!list.entries.is_empty(), "attached before it is filled");
        }
        operation
    }
}

fn uses(clb: &LoadBalancer, id: &str) -> bool {
    let on = AttributeValue::On(true);
    clb.listeners.values().any(|listener| {
        listener.attributes.text(ListenerAttribute::AclId) == Some(id)
            && listener.attributes.get(ListenerAttribute::AclStatus) == Some(&on)
    })
}
