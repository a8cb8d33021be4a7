//! ClientToken: makes CreateLoadBalancer idempotent, also after the load balancer was deleted.

use std::collections::HashMap;

use serde_json::Value;
use tokio::time::Instant;

use crate::errors::{self, ApiError};
use crate::input::Input;

/// Tokens that were used, with what they were used for.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientTokens(HashMap<(String, String), Used>);

#[derive(Debug, Clone)]
struct Used {
    parameters: Input,
    answer: Value,
    done_at: Instant,
}

impl ClientTokens {
    /// The answer to replay, or none for a token that was not used in this region.
    ///
    /// # Errors
    /// A token that was used with other parameters, or whose first use is still being carried out.
    pub(crate) fn replay(&self, input: &Input, now: Instant) -> Result<Option<Value>, ApiError> {
        let Some(used) = key(input).and_then(|key| self.0.get(&key)) else {
            return Ok(None);
        };
        if used.parameters != *input {
            return Err(errors::TOKEN_CONFLICT.into());
        }
        if now < used.done_at {
            return Err(errors::TOKEN_PROCESSING.into());
        }
        Ok(Some(used.answer.clone()))
    }

    /// Remembers what a token was used for.
    pub(crate) fn remember(&mut self, input: &Input, answer: &Value, now: Instant) {
        if let Some(key) = key(input) {
            let used = Used {
                parameters: input.clone(),
                answer: answer.clone(),
                done_at: now,
            };
            self.0.insert(key, used);
        }
    }

    /// The creation that `load_balancer` came from takes until then.
    pub(crate) fn busy_until(&mut self, input: &Input, until: Instant) {
        if let Some(used) = key(input).and_then(|key| self.0.get_mut(&key)) {
            used.done_at = until;
        }
    }
}

fn key(input: &Input) -> Option<(String, String)> {
    Some((
        input.text("RegionId")?.to_owned(),
        input.filled("ClientToken")?.to_owned(),
    ))
}
