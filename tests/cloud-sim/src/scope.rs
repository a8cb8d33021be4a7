//! What a handler has at hand while it answers one call.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::account::{AccountState, Owner};
use crate::catalog::Action;
use crate::errors::{self, ApiError, Refusal};
use crate::ids;
use crate::input::Input;
use crate::load_balancers::LoadBalancer;
use crate::options::Circumstances;
use crate::quotas::Quotas;

/// The state, the input and the circumstances of one call.
pub struct Scope<'a> {
    pub(crate) account: &'a mut AccountState,
    pub(crate) action: &'static Action,
    pub(crate) input: &'a Input,
    pub(crate) quotas: &'a Quotas,
    /// How long a group counts as used after its listener was deleted.
    pub(crate) release_time: Duration,
    /// Who calls: what is made belongs to them, and the user's own hand is never told to wait.
    pub(crate) owner: Owner,
    /// For waiting periods.
    pub(crate) now: Instant,
    /// For what people read.
    pub(crate) time: Timestamp,
    /// The load balancer whose configuration this call changes.
    pub(crate) changes: Option<String>,
    request_id: &'a str,
    ids_made: u32,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        account: &'a mut AccountState,
        action: &'static Action,
        input: &'a Input,
        circumstances: &'a Circumstances,
        owner: Owner,
        request_id: &'a str,
    ) -> Self {
        Scope {
            account,
            action,
            input,
            quotas: &circumstances.quotas,
            release_time: circumstances.release_time,
            owner,
            now: Instant::now(),
            time: Timestamp::now(),
            changes: None,
            request_id,
            ids_made: 0,
        }
    }

    /// A new id. It follows from the request id, so that a call that is carried out late gives the ids that
    /// its answer named.
    pub(crate) fn new_id(&mut self, prefix: &str) -> String {
        self.ids_made += 1;
        ids::from_request(prefix, self.request_id, self.ids_made)
    }

    /// The load balancer that `LoadBalancerId` names.
    pub(crate) fn load_balancer(&self) -> Result<&LoadBalancer, ApiError> {
        self.load_balancer_by_id(self.input.text_or_empty("LoadBalancerId"))
    }

    /// The load balancer with that id, in the region of the call.
    pub(crate) fn load_balancer_by_id(&self, id: &str) -> Result<&LoadBalancer, ApiError> {
        let region = self.input.filled("RegionId");
        self.account
            .load_balancers
            .get(id)
            .filter(|lb| region.is_none_or(|region| lb.region_id == region))
            .ok_or_else(|| errors::LOAD_BALANCER_NOT_FOUND.into())
    }

    /// The load balancer that `LoadBalancerId` names, to be changed. One change at a time: `busy` is the
    /// answer while an earlier one is being carried out.
    pub(crate) fn change_load_balancer(&mut self, busy: Refusal) -> Result<&mut LoadBalancer, ApiError> {
        let id = self.load_balancer()?.load_balancer_id.clone();
        self.change_load_balancer_by_id(&id, busy)
    }

    /// As `change_load_balancer`, by id.
    pub(crate) fn change_load_balancer_by_id(
        &mut self,
        id: &str,
        busy: Refusal,
    ) -> Result<&mut LoadBalancer, ApiError> {
        self.load_balancer_by_id(id)?;
        let now = self.now;
        let by_user = self.owner == Owner::User;
        let found = self.account.load_balancers.get_mut(id);
        let lb = found.ok_or_else(|| ApiError::from(errors::LOAD_BALANCER_NOT_FOUND))?;
        if !by_user && lb.configuring_until.is_some_and(|until| now < until) {
            return Err(busy.into());
        }
        self.changes = Some(id.to_owned());
        Ok(lb)
    }
}
