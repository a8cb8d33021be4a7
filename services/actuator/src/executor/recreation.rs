//! Replaces a listener by a new one on the same port. In between the port is dead, so it begins only with the limits of all its calls
//! in hand, and once begun it is finished: neither expiry nor a newer plan stops it. Where the new one is
//! refused, the old one comes back.

use std::time::Duration;

use clb_cloud_client::CreateListener;
use clb_model::cloud::{Listener, ListenerKey, ListenerProtocol};
use clb_model::operation::{CloudError, NewListener, Operation, Outcome, VServerGroupRef};
use tokio::time::Instant;

use super::run::Run;
use crate::mirror::PartKey;

/// What a begun replacement may take at least, however close the batch's deadline is.
const TO_FINISH: Duration = Duration::from_secs(300);

impl Run {
    pub(super) async fn recreate_listener(
        &mut self,
        operation: &Operation,
        old: ListenerProtocol,
        new: &NewListener,
    ) -> Result<Outcome, Outcome> {
        let old = ListenerKey {
            port: new.key.port,
            protocol: old,
        };
        let (_, current) = self.current()?;
        self.check_fresh(operation, &PartKey::Listener(old), &current)?;
        // In the order of their names, so that two replacements never wait for each other.
        let mut actions = [
            CreateListener::action(new.key.protocol),
            "DeleteLoadBalancerListener",
            "StartLoadBalancerListener",
        ];
        actions.sort_unstable();
        let mut reserved = Vec::new();
        for action in actions {
            reserved.push((action, self.permit(action).await?));
        }
        self.reserved = reserved;
        let batch_deadline = self.deadline;
        self.must_finish = true;
        self.deadline = batch_deadline.max(Instant::now() + TO_FINISH);
        let result = self.replace(operation, old, new).await;
        self.must_finish = false;
        self.deadline = batch_deadline;
        result
    }

    async fn replace(
        &mut self,
        operation: &Operation,
        old: ListenerKey,
        new: &NewListener,
    ) -> Result<Outcome, Outcome> {
        let before = self
            .current()
            .ok()
            .and_then(|(_, current)| current.listeners.get(&old).cloned());
        self.delete_listener(operation, old).await?;
        match self.create_listener(new).await {
            Ok(_) => Ok(Outcome::Applied { created: None }),
            Err(Outcome::Rejected(error)) => Err(self.put_back(old, before, new.key, error).await),
            Err(outcome) => Err(outcome),
        }
    }

    /// Where the new listener is refused for good: the old one again, as the mirror knew it, so that the port is not dead until somebody
    /// corrects the Service. What the refusal then says tells of it.
    async fn put_back(
        &mut self,
        old: ListenerKey,
        before: Option<Listener>,
        new: ListenerKey,
        mut error: CloudError,
    ) -> Outcome {
        let is_there = self
            .current()
            .is_ok_and(|(_, current)| current.listeners.contains_key(&new));
        let (Some(before), false) = (before, is_there) else {
            return Outcome::Rejected(error);
        };
        let again = NewListener {
            key: old,
            vgroup: before.vgroup.map(VServerGroupRef::Id),
            attributes: before.attributes,
        };
        let told = match self.create_listener(&again).await {
            Ok(_) => "was created again".to_owned(),
            Err(outcome) => {
                tracing::warn!(listener = %old, ?outcome, "a deleted listener could not be created again");
                let reason = match outcome {
                    Outcome::Rejected(refusal) => format!("{}: {}", refusal.code, refusal.message),
                    _ => "no answer or no turn in time".to_owned(),
                };
                format!("was deleted and could not be created again ({reason})")
            }
        };
        error.message = format!("{}; the old listener {old} {told}", error.message);
        Outcome::Rejected(error)
    }
}
