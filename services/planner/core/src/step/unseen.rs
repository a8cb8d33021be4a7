//! A CLB that a batch made and that the mirror does not show yet: for a while it is waited for, and no other is made.

use super::pass::Pass;

/// How long a CLB that a batch created may be missing from the mirror before it counts as gone.
const LIMIT_MS: u64 = 60_000;
/// When to look again for it.
const RETRY_MS: u64 = 2_000;

/// Whether it has still to be waited for; then the next pass is made in time.
pub(super) fn is_awaited(pass: &mut Pass<'_>) -> bool {
    let now_ms = pass.inputs.now_ms;
    let since = *pass.memory.unseen_since_ms.get_or_insert(now_ms);
    let awaited = now_ms.saturating_sub(since) < LIMIT_MS;
    if awaited {
        pass.wake_at(Some(now_ms.saturating_add(RETRY_MS)));
    } else {
        pass.memory.unseen_since_ms = None;
    }
    awaited
}
