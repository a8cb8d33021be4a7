//! The reference page on conditions and events, in Markdown.

use std::fmt::Write as _;

use clb_model::events;
use clb_planner_core::conditions;

use super::events::types;
use super::or_dash;

const HEADER: &str = "# Conditions and events\n\n\
    What clb-controller says on a Service of type LoadBalancer. This page is made from the tables in the code; do not edit it. \
    `clbctl explain conditions` and `clbctl explain events` print the same.\n";

const CONDITIONS: &str = "\n## Conditions\n\n\
    They stand in `status.conditions`. A Service that was right from the start, because another controller made its CLB, has none until \
    something changes.\n";

const EVENTS: &str = "\n## Events\n\n\
    Each is sent once, and again when what it says has ceased and comes back. The reporting controller is `clb-controller`.\n\n\
    | reason | type | when it is sent | what to do |\n\
    |---|---|---|---|\n";

/// `docs/conditions-and-events.md`.
#[must_use]
pub fn conditions_and_events() -> String {
    let mut page = format!("{HEADER}{CONDITIONS}");
    // Writing to a String cannot fail.
    for kind in conditions::TABLE {
        let _ = writeln!(
            page,
            "\n### {}\n\n{}\n\n| reason | meaning |\n|---|---|",
            kind.kind, kind.meaning
        );
        for reason in kind.reasons {
            let _ = writeln!(
                page,
                "| `{reason}` | {} |",
                conditions::meaning(reason).unwrap_or_default()
            );
        }
    }
    page.push_str(EVENTS);
    for reason in events::TABLE {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            reason.name,
            types(reason),
            reason.meaning,
            or_dash(reason.remedy)
        );
    }
    page
}
