//! Nonces that were used within the time in which their dates are good.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

/// The nonces of the last while, by key id.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    used: HashSet<(String, String)>,
    by_age: VecDeque<(Timestamp, (String, String))>,
}

impl Nonces {
    /// Whether the nonce was not used before; it is from now on.
    pub(crate) fn is_new(&mut self, key_id: &str, nonce: &str, now: Timestamp, keep: Duration) -> bool {
        // A date may lie before or after now by the tolerance, so a nonce is kept for twice that.
        while let Some((at, _)) = self.by_age.front()
            && now.duration_since(*at).unsigned_abs() > keep * 2
        {
            if let Some((_, old)) = self.by_age.pop_front() {
                self.used.remove(&old);
            }
        }
        let entry = (key_id.to_owned(), nonce.to_owned());
        let new = self.used.insert(entry.clone());
        if new {
            self.by_age.push_back((now, entry));
        }
        new
    }
}
