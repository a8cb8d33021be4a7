//! Conditions, from the planner core's table.

use std::fmt::Write as _;

use clb_planner_core::conditions::{TABLE, meaning};

/// All types with their reasons.
pub(super) fn all() -> String {
    let width = TABLE
        .iter()
        .flat_map(|kind| kind.reasons)
        .map(|reason| reason.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for kind in TABLE {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}\n  {}", kind.kind, kind.meaning);
        for reason in kind.reasons {
            let _ = writeln!(
                text,
                "    {reason:<width$}  {}",
                meaning(reason).unwrap_or_default()
            );
        }
        text.push('\n');
    }
    text.push_str("kubectl get service NAME -o jsonpath='{.status.conditions}' shows those of a Service.\n");
    text
}
