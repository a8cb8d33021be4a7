//! A call's turn: the limit first, then the CLB's lock, so that nothing waits for a limit while it holds a lock. And what follows a
//! failed attempt: wait, read back, or give up with an outcome.

use std::time::Duration;

use clb_cloud_client::{Action, CallError, Class, Failure, Refusal};
use clb_model::operation::{CloudError, ErrorClass, Outcome};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use super::locks::LockKey;
use super::run::Run;
use crate::cloud::{Backoff, ReadError};
use crate::limits::{Asker, NoPermit, Permit};
use crate::mirror::{PartKey, Wanted, WriteGuard};

/// How long a permit is held while another call has the CLB; then it goes back and is asked for again.
const HOLD_PERMIT: Duration = Duration::from_secs(1);
/// How long a read-back may take beyond the batch's deadline: an outcome that nobody knows is worth some seconds.
const READ_BACK: Duration = Duration::from_secs(15);

/// The right to change the CLB with one call. Held until the mirror has taken the change over.
pub(super) struct Turn {
    permit: Option<Permit>,
    _write: Option<WriteGuard>,
    _lock: OwnedMutexGuard<()>,
}

/// The attempts at one change.
#[derive(Debug)]
pub(super) struct Attempts {
    backoff: Backoff,
    /// An attempt was sent whose outcome nobody knows.
    pub(super) unsure: bool,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self {
            backoff: Backoff::new(),
            unsure: false,
        }
    }

    /// How long to wait before the next attempt.
    pub(super) fn next_delay(&mut self) -> Duration {
        self.backoff.next_delay()
    }

    /// The outcome where the mirror shows what was wanted: by an attempt of ours, or before any.
    pub(super) fn already(&self, id: Option<String>) -> Outcome {
        if self.unsure {
            Outcome::Applied { created: id }
        } else {
            Outcome::Unchanged { found: id }
        }
    }
}

impl Run {
    /// For whom permits are.
    pub(super) fn asker(&self) -> Asker {
        Asker {
            cluster: self.batch.cluster.to_string(),
            priority: self.batch.priority,
        }
    }

    /// Waits for the right to call an action.
    pub(super) async fn turn(&mut self, action: &'static str) -> Result<Turn, Outcome> {
        let key = match &self.load_balancer {
            Some(id) => LockKey::LoadBalancer(id.clone()),
            None => LockKey::Service(self.batch.cluster.clone(), self.batch.service.clone()),
        };
        loop {
            let permit = self.permit(action).await?;
            let lock = self.region.locks.lock(&key);
            if let Ok(lock) = tokio::time::timeout(HOLD_PERMIT, lock).await {
                self.check_time()?;
                let write = self.load_balancer.as_ref().map(|id| self.region.mirror.write(id));
                return Ok(Turn {
                    permit: Some(permit),
                    _write: write,
                    _lock: lock,
                });
            }
            drop(permit);
            self.wait_for_lock(&key).await?;
        }
    }

    /// A permit for an action: one that was reserved before, or a new one.
    pub(super) async fn permit(&mut self, action: &'static str) -> Result<Permit, Outcome> {
        if let Some(index) = self.reserved.iter().position(|(name, _)| *name == action) {
            return Ok(self.reserved.swap_remove(index).1);
        }
        self.check_time()?;
        let asker = self.asker();
        let acquire = self
            .region
            .cloud
            .limits()
            .acquire(action, &asker, self.give_up_at());
        let result = tokio::select! {
            result = acquire => result,
            () = self.interrupted() => return Err(Outcome::Superseded),
        };
        result.map_err(|refused| match self.check_time() {
            Err(expired) => expired,
            Ok(()) => throttled(&refused),
        })
    }

    async fn wait_for_lock(&self, key: &LockKey) -> Result<(), Outcome> {
        let wait = tokio::time::timeout_at(self.give_up_at(), self.region.locks.lock(key));
        tokio::select! {
            lock = wait => match lock {
                Ok(_) => Ok(()),
                Err(_) => {
                    self.check_time()?;
                    Err(Outcome::Busy { retry_after: HOLD_PERMIT })
                }
            },
            () = self.interrupted() => Err(Outcome::Superseded),
        }
    }

    /// Sends one attempt.
    pub(super) async fn send<A: Action>(&self, turn: &mut Turn, action: &A) -> Result<A::Answer, CallError> {
        match turn.permit.take() {
            Some(permit) => self.region.cloud.send(permit, action).await,
            // A turn is for one call; a second one has to wait as everybody does.
            None => Err(CallError {
                action: action.name(),
                region: self.region.cloud.region().to_owned(),
                failure: Failure::NotSent("the turn was used up".to_owned()),
            }),
        }
    }

    /// After a failed attempt: returns when it is time for the next one, or gives up with an outcome. Where nobody knows what became
    /// of the attempt, `part` is read back first, so that the next attempt begins by looking.
    pub(super) async fn failed(
        &mut self,
        attempts: &mut Attempts,
        turn: Turn,
        error: CallError,
        part: (&PartKey, Wanted),
    ) -> Result<(), Outcome> {
        drop(turn);
        tracing::debug!(%error, "an attempt failed");
        let delay = attempts.next_delay();
        if error.outcome_unknown() {
            attempts.unsure = true;
            self.was_unsure = true;
            self.read_after = self.read_after.and(part.1);
            return self.read_back(&error, delay, part).await;
        }
        let give_up = match &error.failure {
            Failure::Refused(refusal) => match refusal.class {
                Class::Busy => Outcome::Busy { retry_after: delay },
                Class::Throttled => Outcome::Throttled { retry_after: delay },
                Class::Credentials => Outcome::Rejected(cloud_error(refusal)),
                Class::Gone => {
                    // The mirror did not know.
                    if let Some(id) = &self.load_balancer {
                        self.region.mirror.refresh(id, Wanted::ALL);
                    }
                    return Err(Outcome::Rejected(cloud_error(refusal)));
                }
                _ => return Err(Outcome::Rejected(cloud_error(refusal))),
            },
            Failure::NoCredentials(reason) => rejected(ErrorClass::Denied, "NoCredentials", reason),
            Failure::NotSent(reason) => rejected(ErrorClass::Transient, "Unreachable", reason),
            Failure::Unknown(reason) => Outcome::Unknown {
                reason: reason.clone(),
            },
        };
        self.pause(delay, attempts.unsure)
            .await
            .then_some(())
            .ok_or(give_up)?;
        self.check_superseded(attempts.unsure)
    }

    /// Waits before the next attempt. Whether there is time for one.
    pub(super) async fn pause(&self, delay: Duration, unsure: bool) -> bool {
        if Instant::now() + delay >= self.give_up_at() {
            return false;
        }
        if unsure {
            tokio::time::sleep(delay).await;
        } else {
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.interrupted() => {}
            }
        }
        true
    }

    async fn read_back(
        &mut self,
        error: &CallError,
        delay: Duration,
        (part, wanted): (&PartKey, Wanted),
    ) -> Result<(), Outcome> {
        let unknown = || Outcome::Unknown {
            reason: error.to_string(),
        };
        let Some(id) = self.load_balancer.clone() else {
            return Err(unknown());
        };
        tokio::time::sleep(delay).await;
        let deadline = self.deadline.max(Instant::now()) + READ_BACK;
        loop {
            let read = self
                .region
                .mirror
                .read_now(&id, wanted, &self.asker(), deadline)
                .await;
            match read {
                Ok(true) => break,
                // Another change of the CLB was under way.
                Ok(false) if Instant::now() < deadline => tokio::time::sleep(delay).await,
                Ok(false) => return Err(unknown()),
                Err(read_error) => {
                    tracing::warn!(error = %read_error, "what became of a call could not be read back");
                    self.region.mirror.refresh(&id, wanted);
                    return Err(unknown());
                }
            }
        }
        self.mark_own(part);
        // Whether the deadline is over is the next attempt's to see, after it has looked.
        Ok(())
    }

    /// Whether a newer plan stops this one here. Not while nobody knows what an attempt did, nor within what must be finished.
    pub(super) fn check_superseded(&self, unsure: bool) -> Result<(), Outcome> {
        if self.superseded.is_cancelled() && !self.must_finish && !unsure {
            Err(Outcome::Superseded)
        } else {
            Ok(())
        }
    }

    async fn interrupted(&self) {
        if self.must_finish {
            std::future::pending::<()>().await;
        }
        self.superseded.cancelled().await;
    }
}

/// The outcome where a search failed.
pub(super) fn read_failed(error: &ReadError) -> Outcome {
    match error {
        ReadError::NoPermit(refused) => throttled(refused),
        ReadError::Incomplete(_) => Outcome::Busy {
            retry_after: HOLD_PERMIT,
        },
        ReadError::Call(error) => match &error.failure {
            Failure::Refused(refusal) => match refusal.class {
                Class::Busy => Outcome::Busy {
                    retry_after: HOLD_PERMIT,
                },
                Class::Throttled => Outcome::Throttled {
                    retry_after: HOLD_PERMIT,
                },
                _ => Outcome::Rejected(cloud_error(refusal)),
            },
            // Nothing was changed: a read is not a change whose outcome matters.
            Failure::NotSent(reason) => rejected(ErrorClass::Transient, "Unreachable", reason),
            Failure::Unknown(reason) => rejected(ErrorClass::Transient, "NoAnswer", reason),
            Failure::NoCredentials(reason) => rejected(ErrorClass::Denied, "NoCredentials", reason),
        },
    }
}

fn throttled(refused: &NoPermit) -> Outcome {
    Outcome::Throttled {
        retry_after: refused.retry_after(),
    }
}

fn rejected(class: ErrorClass, code: &str, message: &impl ToString) -> Outcome {
    Outcome::Rejected(CloudError {
        class,
        code: code.to_owned(),
        message: message.to_string(),
        request_id: String::new(),
    })
}

/// What the cloud answered, for the planner.
pub(super) fn cloud_error(refusal: &Refusal) -> CloudError {
    CloudError {
        class: match refusal.class {
            Class::Quota => ErrorClass::Quota,
            Class::Billing => ErrorClass::Billing,
            Class::Gone => ErrorClass::Gone,
            Class::Credentials | Class::Denied => ErrorClass::Denied,
            Class::Invalid => ErrorClass::Invalid,
            Class::Busy | Class::Throttled | Class::Transient => ErrorClass::Transient,
        },
        code: refusal.code.clone(),
        message: refusal.message.clone(),
        request_id: refusal.request_id.clone(),
    }
}
