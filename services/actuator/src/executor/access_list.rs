//! The access control list that holds a Service's source ranges: created and filled before a listener uses it, kept, deleted after the
//! last listener. It is found by its name, which carries the Service's UID.

use std::collections::BTreeSet;
use std::time::Duration;

use clb_cloud_client::{ACL_ENTRIES_PER_CALL, ChangeAclEntries, CreateAcl, DeleteAcl, DescribeAcls};
use clb_model::attribute::{ListenerAttribute, ListenerAttributes};
use clb_model::cloud::{AccessList, IpVersion, LoadBalancer};
use clb_model::marks;
use clb_model::operation::{NewListener, Operation, Outcome};
use clb_model::version::PartVersion;
use ipnet::IpNet;

use super::run::Run;
use super::turn::{Attempts, cloud_error, read_failed};
use crate::mirror::{PartKey, Wanted, read_access_list};

/// What the cloud says while a listener uses the list; one that has just gone still does for a moment.
const IN_USE: &str = "AclInUsed";
/// What it says of a list that is gone, which for a listener's attribute is a mistake.
const NOT_THERE: &str = "AclNotExist";
/// How long a list that has just been released is said to be in use.
const RELEASED_WITHIN: Duration = Duration::from_secs(10);

impl Run {
    /// The name of this Service's list: no batch ever touches another.
    fn access_list_name(&self) -> String {
        marks::access_list_name(&self.batch.service)
    }

    pub(super) async fn fill_access_list(
        &mut self,
        ip_version: IpVersion,
        entries: &[IpNet],
    ) -> Result<Outcome, Outcome> {
        let (id, created) = self.ensure_access_list(ip_version).await?;
        let mut added = false;
        let mut attempts = Attempts::new();
        // A list without entries lets everybody in: a yes of the cloud is looked at before a listener uses the list.
        while self.change_entries(None, &id, true, entries).await? {
            added = true;
            self.see_entries(&id).await?;
            if self.to_change(&id, true, entries)?.is_empty() {
                break;
            }
            let delay = attempts.next_delay();
            if !self.pause(delay, false).await {
                return Err(Outcome::Busy { retry_after: delay });
            }
            self.check_superseded(false)?;
            self.see_entries(&id).await?;
        }
        let id = Some(id);
        Ok(if created || added {
            Outcome::Applied { created: id }
        } else {
            Outcome::Unchanged { found: id }
        })
    }

    pub(super) async fn trim_access_list(
        &mut self,
        operation: &Operation,
        id: &str,
        entries: &[IpNet],
    ) -> Result<Outcome, Outcome> {
        let removed = self.change_entries(Some(operation), id, false, entries).await?;
        Ok(if removed {
            Outcome::Applied { created: None }
        } else {
            Outcome::Unchanged { found: None }
        })
    }

    /// Deletes every list of the Service's name: a creation with unknown outcome may have left two.
    pub(super) async fn delete_access_list(&mut self) -> Result<Outcome, Outcome> {
        let mut attempts = Attempts::new();
        let mut deleted = false;
        let mut gone = BTreeSet::new();
        let mut waited = Duration::ZERO;
        while let Some(id) = self.find_access_list().await? {
            if gone.contains(&id) {
                // The cloud's view lags behind what it said, or it said yes and did nothing.
                let delay = attempts.next_delay();
                if !self.pause(delay, attempts.unsure).await {
                    return Err(Outcome::Busy { retry_after: delay });
                }
                self.check_superseded(attempts.unsure)?;
            }
            let mut turn = self.turn("DeleteAccessControlList").await?;
            match self.send(&mut turn, &DeleteAcl { acl_id: &id }).await {
                Ok(()) => deleted = true,
                Err(error) if error.is_gone() || error.has_code(NOT_THERE) => {}
                Err(error) if error.has_code(IN_USE) => {
                    drop(turn);
                    let delay = Duration::from_secs(1);
                    waited += delay;
                    if waited > RELEASED_WITHIN || !self.pause(delay, false).await {
                        return Err(error
                            .refusal()
                            .map_or(Outcome::Busy { retry_after: delay }, |refusal| {
                                Outcome::Rejected(cloud_error(refusal))
                            }));
                    }
                    self.check_superseded(attempts.unsure)?;
                    continue;
                }
                Err(error) => {
                    self.failed(
                        &mut attempts,
                        turn,
                        error,
                        (&PartKey::Instance, Wanted::LISTENERS),
                    )
                    .await?;
                    continue;
                }
            }
            self.edit(&PartKey::AccessList(id.clone()), |load_balancer| {
                load_balancer.access_lists.remove(&id);
            });
            gone.insert(id);
        }
        Ok(if deleted || attempts.unsure {
            Outcome::Applied { created: None }
        } else {
            Outcome::Unchanged { found: None }
        })
    }

    /// A listener that is to be created, with the list's id in the place of its name.
    pub(super) fn with_list_id(&self, new: &NewListener) -> Result<NewListener, Outcome> {
        Ok(NewListener {
            attributes: self.attributes_with_list_id(&new.attributes)?,
            ..new.clone()
        })
    }

    /// Attributes with the list's id in the place of its name.
    pub(super) fn attributes_with_list_id(
        &self,
        attributes: &ListenerAttributes,
    ) -> Result<ListenerAttributes, Outcome> {
        let mut attributes = attributes.clone();
        let name = attributes
            .text(ListenerAttribute::AclId)
            .filter(|text| marks::is_access_list_name(text))
            .map(str::to_owned);
        if let Some(name) = name {
            let (_, current) = self.current()?;
            let id = list_by_name(&current, &name).ok_or_else(|| Outcome::Skipped {
                by: format!("the access control list {name}, which is not there"),
            })?;
            attributes.set(ListenerAttribute::AclId, id);
        }
        Ok(attributes)
    }

    /// The list's id, and whether it was created.
    async fn ensure_access_list(&mut self, ip_version: IpVersion) -> Result<(String, bool), Outcome> {
        let name = self.access_list_name();
        let mut attempts = Attempts::new();
        loop {
            let (_, current) = self.current()?;
            if let Some(id) = list_by_name(&current, &name) {
                return Ok((id, attempts.unsure));
            }
            if let Some(id) = self.find_access_list().await? {
                let read = read_access_list(&self.region.cloud, &id, &self.asker(), self.give_up_at()).await;
                if let Some(list) = read.map_err(|error| read_failed(&error))? {
                    self.put_access_list(&id, list);
                    return Ok((id, attempts.unsure));
                }
            }
            let mut turn = self.turn("CreateAccessControlList").await?;
            let action = CreateAcl {
                name: &name,
                ip_version,
            };
            match self.send(&mut turn, &action).await {
                Ok(id) => {
                    let list = AccessList {
                        version: PartVersion::default(),
                        name,
                        entries: Default::default(),
                    };
                    self.put_access_list(&id, list);
                    return Ok((id, true));
                }
                Err(error) => {
                    self.failed(
                        &mut attempts,
                        turn,
                        error,
                        (&PartKey::Instance, Wanted::LISTENERS),
                    )
                    .await?;
                }
            }
        }
    }

    /// Looks in the cloud for a list of the Service's name; the least id where there are several.
    async fn find_access_list(&self) -> Result<Option<String>, Outcome> {
        let name = self.access_list_name();
        let mut action = DescribeAcls {
            name: Some(&name),
            page: 1,
        };
        let mut found: Option<String> = None;
        loop {
            let page = self
                .region
                .cloud
                .read(&self.asker(), &action, self.give_up_at())
                .await
                .map_err(|error| read_failed(&error))?;
            // The filter is a fuzzy one.
            let of_name = page.lists.into_iter().filter(|list| list.name == name);
            found = found.into_iter().chain(of_name.map(|list| list.id)).min();
            if !page.more {
                return Ok(found);
            }
            action.page += 1;
        }
    }

    /// Adds entries that are missing or removes those that are there, in calls of 50. Whether there were any.
    async fn change_entries(
        &mut self,
        operation: Option<&Operation>,
        id: &str,
        add: bool,
        entries: &[IpNet],
    ) -> Result<bool, Outcome> {
        let part = PartKey::AccessList(id.to_owned());
        let mut attempts = Attempts::new();
        let mut changed = false;
        loop {
            if self.to_change(id, add, entries)?.is_empty() {
                return Ok(changed || attempts.unsure);
            }
            let mut turn = self.turn(ChangeAclEntries::action(add)).await?;
            let (_, current) = self.current()?;
            if let Some(operation) = operation {
                self.check_fresh(operation, &part, &current)?;
            }
            let chunk = self.to_change(id, add, entries)?;
            if chunk.is_empty() {
                continue;
            }
            let action = ChangeAclEntries {
                acl_id: id,
                add,
                entries: &chunk,
            };
            match self.send(&mut turn, &action).await {
                Ok(()) => {
                    changed = true;
                    self.edit(&part, |load_balancer| {
                        let Some(list) = load_balancer.access_lists.get_mut(id) else {
                            return;
                        };
                        if add {
                            list.entries.extend(&chunk);
                        } else {
                            list.entries.retain(|entry| !chunk.contains(entry));
                        }
                    });
                }
                Err(error) => {
                    self.failed(&mut attempts, turn, error, (&part, Wanted::LISTENERS))
                        .await?;
                }
            }
        }
    }

    /// Takes over what the cloud shows of the list.
    async fn see_entries(&mut self, id: &str) -> Result<(), Outcome> {
        let read = read_access_list(&self.region.cloud, id, &self.asker(), self.give_up_at()).await;
        let shown = read.map_err(|error| read_failed(&error))?;
        let list = shown.ok_or_else(|| Outcome::Stale {
            part: format!("access control list {id}, which is no longer there"),
        })?;
        self.put_access_list(id, list);
        Ok(())
    }

    /// The entries of the next call.
    fn to_change(&self, id: &str, add: bool, entries: &[IpNet]) -> Result<Vec<IpNet>, Outcome> {
        let (_, current) = self.current()?;
        let list = current.access_lists.get(id).ok_or_else(|| Outcome::Stale {
            part: format!("access control list {id}, which is no longer there"),
        })?;
        let differs = |entry: &&IpNet| list.entries.contains(entry) != add;
        let chunk = entries.iter().filter(differs).take(ACL_ENTRIES_PER_CALL);
        Ok(chunk.copied().collect())
    }

    fn put_access_list(&mut self, id: &str, list: AccessList) {
        self.edit(&PartKey::AccessList(id.to_owned()), |load_balancer| {
            load_balancer.access_lists.insert(id.to_owned(), list);
        });
    }
}

/// Where there are several, the one that a listener uses.
fn list_by_name(load_balancer: &LoadBalancer, name: &str) -> Option<String> {
    let in_use = |id: &str| {
        load_balancer
            .listeners
            .values()
            .any(|listener| listener.attributes.text(ListenerAttribute::AclId) == Some(id))
    };
    load_balancer
        .access_lists
        .iter()
        .filter(|(_, list)| list.name == name)
        .map(|(id, _)| id)
        .min_by_key(|id| (!in_use(id), *id))
        .cloned()
}
