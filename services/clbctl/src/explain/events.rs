//! Events, from the model's table.

use std::fmt::Write as _;

use clb_model::directive::Severity;
use clb_model::events::{EventReason, TABLE};

/// All reasons.
pub(super) fn all() -> String {
    let mut text = String::new();
    for reason in TABLE {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} ({})\n  {}", reason.name, types(reason), reason.meaning);
        if !reason.remedy.is_empty() {
            let _ = writeln!(text, "  What to do: {}", reason.remedy);
        }
        text.push('\n');
    }
    text.push_str("kubectl describe service NAME shows those of a Service, for an hour.\n");
    text
}

/// The types that events of this reason have, as the API writes them.
pub(super) fn types(reason: &EventReason) -> String {
    let names: Vec<_> = reason
        .severities
        .iter()
        .map(|severity| match severity {
            Severity::Normal => "Normal",
            Severity::Warning => "Warning",
        })
        .collect();
    names.join(" or ")
}
