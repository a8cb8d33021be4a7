//! Replaces a listener by a new one on the same port. In between the port is dead, so it begins only with the limits of all its calls
//! in hand, and once begun it is finished: neither expiry nor a newer plan stops it.

use std::time::Duration;

use clb_cloud_client::CreateListener;
use clb_model::cloud::{ListenerKey, ListenerProtocol};
use clb_model::operation::{NewListener, Operation, Outcome};
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
        self.delete_listener(operation, old).await?;
        self.create_listener(new).await?;
        Ok(Outcome::Applied { created: None })
    }
}
