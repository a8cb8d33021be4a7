//! Listeners: created and started, changed, started, deleted.

use std::time::Duration;

use clb_cloud_client::{CallError, CreateListener, DeleteListener, SetListener, StartListener};
use clb_model::attribute::{AttributeValue, ListenerAttribute, ListenerAttributes};
use clb_model::cloud::{Listener, ListenerKey, LoadBalancer};
use clb_model::operation::{NewListener, Operation, Outcome};
use clb_model::version::PartVersion;
use clb_model::{LoadBalancerId, VServerGroupId};

use super::run::Run;
use super::turn::{Attempts, read_failed};
use crate::mirror::{PartKey, Wanted};

/// What the cloud answers for a listener that is not stopped.
const NOT_STOPPED: &str = "Operation.NotAllowed";

impl Run {
    /// Creates a listener and starts it. One that is there already and is the same is used.
    pub(super) async fn create_listener(&mut self, new: &NewListener) -> Result<Outcome, Outcome> {
        let vgroup = new
            .vgroup
            .as_ref()
            .map(|vgroup| self.vgroup(vgroup))
            .transpose()?;
        let part = PartKey::Listener(new.key);
        let mut attempts = Attempts::new();
        let mut looked = false;
        let outcome = loop {
            let (id, current) = self.current()?;
            if let Some(occupied) = occupant(&current, new, vgroup.as_ref()) {
                occupied?;
                break attempts.already(None);
            }
            let mut turn = self.turn(CreateListener::action(new.key.protocol)).await?;
            let (_, current) = self.current()?;
            if occupant(&current, new, vgroup.as_ref()).is_some() {
                continue;
            }
            let action = CreateListener {
                id: &id,
                key: new.key,
                vgroup: vgroup.as_ref(),
                attributes: &new.attributes,
            };
            match self.send(&mut turn, &action).await {
                Ok(()) => {
                    let listener = Listener {
                        version: PartVersion::default(),
                        running: false,
                        vgroup: vgroup.clone(),
                        attributes: action.told(),
                        domain_extensions: Default::default(),
                    };
                    // The cloud fills in what was not told.
                    self.read_after = self.read_after.and(Wanted::LISTENERS);
                    drop(turn);
                    self.start_created(new.key, listener).await?;
                    break Outcome::Applied { created: None };
                }
                // Made by somebody else, or by us before the mirror knew: the next round sees which.
                Err(error) if exists_already(&error) && !looked => {
                    looked = true;
                    drop(turn);
                    self.look_again(&id).await?;
                }
                Err(error) => {
                    self.failed(&mut attempts, turn, error, (&part, Wanted::LISTENERS))
                        .await?;
                }
            }
        };
        self.start_listener(new.key).await?;
        Ok(outcome)
    }

    /// Starts a listener that was just created. The mirror hears of it when that was tried, so that nobody plans for the moment between.
    async fn start_created(&mut self, key: ListenerKey, mut listener: Listener) -> Result<(), Outcome> {
        let (id, _) = self.current()?;
        let mut turn = match self.turn("StartLoadBalancerListener").await {
            Ok(turn) => turn,
            Err(outcome) => {
                self.put_listener(key, listener);
                return Err(outcome);
            }
        };
        let started = self.send(&mut turn, &StartListener { id: &id, key }).await;
        // Where it does not run yet, the caller's own start tries again.
        listener.running = match &started {
            Ok(()) => true,
            Err(error) => error.has_code(NOT_STOPPED),
        };
        self.put_listener(key, listener);
        Ok(())
    }

    fn put_listener(&mut self, key: ListenerKey, listener: Listener) {
        self.edit(&PartKey::Listener(key), |load_balancer| {
            load_balancer.listeners.insert(key, listener);
        });
    }

    pub(super) async fn look_again(&mut self, id: &LoadBalancerId) -> Result<(), Outcome> {
        let delay = Duration::from_millis(100);
        let (asker, deadline) = (self.asker(), self.give_up_at());
        loop {
            let read = self
                .region
                .mirror
                .read_now(id, Wanted::LISTENERS, &asker, deadline)
                .await;
            match read {
                Ok(true) => return Ok(()),
                Ok(false) if self.pause(delay, true).await => {}
                Ok(false) => return Err(Outcome::Busy { retry_after: delay }),
                Err(error) => return Err(read_failed(&error)),
            }
        }
    }

    pub(super) async fn change_listener(
        &mut self,
        operation: &Operation,
        key: ListenerKey,
        vgroup: Option<&VServerGroupId>,
        changed: &ListenerAttributes,
    ) -> Result<Outcome, Outcome> {
        let part = PartKey::Listener(key);
        let mut attempts = Attempts::new();
        loop {
            let (id, current) = self.current()?;
            if is_as_wanted(find(&current, key)?, vgroup, changed) {
                return Ok(attempts.already(None));
            }
            let mut turn = self.turn(SetListener::action(key.protocol)).await?;
            let (_, current) = self.current()?;
            self.check_fresh(operation, &part, &current)?;
            let listener = find(&current, key)?;
            let action = SetListener {
                id: &id,
                key,
                vgroup: vgroup.filter(|vgroup| listener.vgroup.as_ref() != Some(vgroup)),
                changed,
                current: &listener.attributes,
            };
            match self.send(&mut turn, &action).await {
                Ok(()) => {
                    self.edit(&part, |load_balancer| {
                        if let Some(listener) = load_balancer.listeners.get_mut(&key) {
                            take_over(&mut listener.attributes, key, changed);
                            if let Some(vgroup) = vgroup {
                                listener.vgroup = Some(vgroup.clone());
                            }
                        }
                    });
                    return Ok(Outcome::Applied { created: None });
                }
                Err(error) => {
                    self.failed(&mut attempts, turn, error, (&part, Wanted::LISTENERS))
                        .await?;
                }
            }
        }
    }

    pub(super) async fn start_listener(&mut self, key: ListenerKey) -> Result<Outcome, Outcome> {
        let part = PartKey::Listener(key);
        let mut attempts = Attempts::new();
        loop {
            let (id, current) = self.current()?;
            if find(&current, key)?.running {
                return Ok(attempts.already(None));
            }
            let mut turn = self.turn("StartLoadBalancerListener").await?;
            let (_, current) = self.current()?;
            if find(&current, key)?.running {
                continue;
            }
            let outcome = match self.send(&mut turn, &StartListener { id: &id, key }).await {
                Ok(()) => Outcome::Applied { created: None },
                Err(error) if error.has_code(NOT_STOPPED) => {
                    // Running, as it seems; a look makes sure.
                    self.read_after = self.read_after.and(Wanted::LISTENERS);
                    attempts.already(None)
                }
                Err(error) => {
                    self.failed(&mut attempts, turn, error, (&part, Wanted::LISTENERS))
                        .await?;
                    continue;
                }
            };
            self.edit(&part, |load_balancer| {
                if let Some(listener) = load_balancer.listeners.get_mut(&key) {
                    listener.running = true;
                }
            });
            return Ok(outcome);
        }
    }

    pub(super) async fn delete_listener(
        &mut self,
        operation: &Operation,
        key: ListenerKey,
    ) -> Result<Outcome, Outcome> {
        let part = PartKey::Listener(key);
        let mut attempts = Attempts::new();
        loop {
            if !self.has_listener(key) {
                return Ok(attempts.already(None));
            }
            let mut turn = self.turn("DeleteLoadBalancerListener").await?;
            let Ok((id, current)) = self.current() else {
                return Ok(attempts.already(None));
            };
            if !current.listeners.contains_key(&key) {
                continue;
            }
            self.check_fresh(operation, &part, &current)?;
            let outcome = match self.send(&mut turn, &DeleteListener { id: &id, key }).await {
                Ok(()) => Outcome::Applied { created: None },
                Err(error) if error.is_gone() => attempts.already(None),
                Err(error) => {
                    self.failed(&mut attempts, turn, error, (&part, Wanted::LISTENERS))
                        .await?;
                    continue;
                }
            };
            self.edit(&part, |load_balancer| {
                load_balancer.listeners.remove(&key);
            });
            return Ok(outcome);
        }
    }

    fn has_listener(&self, key: ListenerKey) -> bool {
        self.current()
            .is_ok_and(|(_, current)| current.listeners.contains_key(&key))
    }
}

fn find(load_balancer: &LoadBalancer, key: ListenerKey) -> Result<&Listener, Outcome> {
    load_balancer.listeners.get(&key).ok_or_else(|| Outcome::Stale {
        part: format!("listener {key}, which is no longer there"),
    })
}

/// What is on the port already: nothing, the wanted listener itself, or another one, which must be planned for.
fn occupant(
    load_balancer: &LoadBalancer,
    new: &NewListener,
    vgroup: Option<&VServerGroupId>,
) -> Option<Result<(), Outcome>> {
    let transport = new.key.protocol.transport();
    let (key, listener) = load_balancer
        .listeners
        .iter()
        .find(|(key, _)| key.port == new.key.port && key.protocol.transport() == transport)?;
    let description = ListenerAttribute::Description;
    let is_same = *key == new.key
        && listener.vgroup.as_ref() == vgroup
        && listener.attributes.text(description) == new.attributes.text(description);
    Some(if is_same {
        Ok(())
    } else {
        Err(Outcome::Stale {
            part: format!("listener {key}, which was not there"),
        })
    })
}

fn is_as_wanted(listener: &Listener, vgroup: Option<&VServerGroupId>, changed: &ListenerAttributes) -> bool {
    vgroup.is_none_or(|vgroup| listener.vgroup.as_ref() == Some(vgroup))
        && changed.that_differ_from(&listener.attributes).is_empty()
}

/// What the cloud shows of a listener after a change: what does not apply to its protocol was not sent, and a list that access control,
/// being off, does not use is gone.
fn take_over(attributes: &mut ListenerAttributes, key: ListenerKey, changed: &ListenerAttributes) {
    for (attribute, value) in changed.iter() {
        if attribute.applies_to(key.protocol) {
            attributes.set(attribute, value.clone());
        }
    }
    if attributes.get(ListenerAttribute::AclStatus) == Some(&AttributeValue::On(false)) {
        attributes.remove(ListenerAttribute::AclType);
        attributes.remove(ListenerAttribute::AclId);
    }
}

fn exists_already(error: &CallError) -> bool {
    error.has_code("ListenerAlreadyExists") || error.has_code("ListenerPortConflict")
}
