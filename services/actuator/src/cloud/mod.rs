//! The cloud as one region of one account is seen from here: the client behind its limits, with metrics and a health check.

mod backoff;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clb_cloud_client::{Action, CallError, Class, Client, Failure};
use clb_model::LoadBalancerId;
use clb_telemetry::Check;
use tokio::time::Instant;

use crate::limits::{Asker, Limits, NoPermit, Permit};
use crate::metrics::ActuatorMetrics;

pub(crate) use backoff::Backoff;

/// A connection may break, and a server fail, now and then; this many in a row are an outage.
const LOST_IN_A_ROW: u32 = 5;

/// One region of one account.
pub(crate) struct Cloud {
    client: Client,
    limits: Arc<Limits>,
    metrics: Arc<ActuatorMetrics>,
    check: Check,
    /// Attempts in a row that were lost or broke the cloud.
    lost: AtomicU32,
    call_timeout: Duration,
}

/// A read that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadError {
    /// The cloud refused, or did not answer until the deadline.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The limit was used up until the deadline.
    #[error(transparent)]
    NoPermit(#[from] NoPermit),
    /// The answers did not fit together, or own writes were under way, until the deadline.
    #[error("what is on {0} could not be read as a whole until the deadline")]
    Incomplete(LoadBalancerId),
}

impl ReadError {
    /// Whether what was read does not exist.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_gone())
    }

    /// Whether the cloud may have failed at one of the things that it was asked for, and not as a whole.
    pub(crate) fn may_be_of_one(&self) -> bool {
        match self {
            Self::Call(error) => match &error.failure {
                Failure::Refused(_) => !passes(error),
                // Its answer may be one that cannot be understood.
                Failure::Unknown(_) => true,
                Failure::NotSent(_) | Failure::NoCredentials(_) => false,
            },
            Self::Incomplete(_) => true,
            Self::NoPermit(_) => false,
        }
    }
}

impl Cloud {
    pub(crate) fn new(
        client: Client,
        limits: Arc<Limits>,
        metrics: Arc<ActuatorMetrics>,
        check: Check,
        call_timeout: Duration,
    ) -> Self {
        Self {
            client,
            limits,
            metrics,
            check,
            lost: AtomicU32::new(0),
            call_timeout,
        }
    }

    /// The region.
    pub(crate) fn region(&self) -> &str {
        self.client.region()
    }

    /// The limits, for those who need a permit before they take a lock.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sends one attempt. Its deadline is the client's own: a batch that ends meanwhile must still learn what happened.
    pub(crate) async fn send<A: Action>(&self, permit: Permit, action: &A) -> Result<A::Answer, CallError> {
        let name = action.name();
        permit.spend();
        let started = Instant::now();
        let result = self.client.send(action, self.call_timeout).await;
        self.metrics
            .cloud_call_seconds
            .with_label_values(&[name])
            .observe(started.elapsed().as_secs_f64());
        let code = match &result {
            Ok(_) => "OK",
            Err(error) => error.label(),
        };
        self.metrics.cloud_calls.with_label_values(&[name, code]).inc();
        if let Err(error) = &result
            && error.class() == Some(Class::Throttled)
        {
            self.limits.throttled(name);
        }
        self.report(&result);
        result
    }

    /// Reads, and waits out what passes, until the deadline.
    pub(crate) async fn read<A: Action>(
        &self,
        asker: &Asker,
        action: &A,
        deadline: Instant,
    ) -> Result<A::Answer, ReadError> {
        let mut backoff = Backoff::new();
        loop {
            let permit = self.limits.acquire(action.name(), asker, deadline).await?;
            let error = match self.send(permit, action).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let delay = backoff.next_delay();
            if !passes(&error) || Instant::now() + delay >= deadline {
                return Err(error.into());
            }
            tokio::time::sleep(delay).await;
        }
    }

    /// Any answer that is not about the credentials shows that cloud and credentials are well, and a single lost one shows nothing.
    fn report<T>(&self, result: &Result<T, CallError>) {
        let Err(error) = result else {
            self.lost.store(0, Ordering::Relaxed);
            self.check.ok();
            return;
        };
        match &error.failure {
            Failure::NoCredentials(_) | Failure::NotSent(_) => self.check.failing(&error.to_string()),
            Failure::Unknown(_) => self.lost(error),
            Failure::Refused(refusal) => match refusal.class {
                Class::Credentials => self.check.failing(&error.to_string()),
                Class::Transient => self.lost(error),
                Class::Throttled | Class::Denied => self.lost.store(0, Ordering::Relaxed),
                Class::Busy | Class::Quota | Class::Billing | Class::Gone | Class::Invalid => {
                    self.lost.store(0, Ordering::Relaxed);
                    self.check.ok();
                }
            },
        }
    }

    fn lost(&self, error: &CallError) {
        if self.lost.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= LOST_IN_A_ROW {
            self.check.failing(&error.to_string());
        }
    }
}

/// Whether the same read may succeed a little later.
fn passes(error: &CallError) -> bool {
    match &error.failure {
        Failure::NotSent(_) | Failure::Unknown(_) | Failure::NoCredentials(_) => true,
        Failure::Refused(refusal) => matches!(
            refusal.class,
            Class::Busy | Class::Throttled | Class::Transient | Class::Credentials
        ),
    }
}
