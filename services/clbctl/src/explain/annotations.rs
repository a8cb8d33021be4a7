//! Annotations, from the planner core's table.

use clb_model::marks::ANNOTATION_DOMAIN;
use clb_planner_core::annotations::explain::{explain, similar_names};
use clb_planner_core::annotations::{Scope, table};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use super::or_dash;

/// Columns of the table where there is no terminal that says how many it has.
const WIDTH: u16 = 160;

/// A name that no annotation has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no annotation is called {name:?}; the nearest names are:\n  {}\nclbctl explain annotations lists all", .similar.join("\n  "))]
pub struct UnknownAnnotation {
    /// As it was given.
    pub name: String,
    /// Whole names of annotations, the nearest first.
    pub similar: Vec<String>,
}

/// One annotation by any of its names.
pub(super) fn one(name: &str) -> Result<String, UnknownAnnotation> {
    explain(name).ok_or_else(|| UnknownAnnotation {
        name: name.to_owned(),
        similar: similar_names(name),
    })
}

/// All of them, a line each.
pub(super) fn all() -> String {
    let mut lines = Table::new();
    lines.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    lines.set_content_arrangement(ContentArrangement::Dynamic);
    if !lines.is_tty() {
        lines.set_width(WIDTH);
    }
    lines.set_header(["Annotation", "Value", "Default", "Applies to"]);
    // A name that is cut in two cannot be copied.
    if let Some(names) = lines.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    for row in table() {
        let name = row.name();
        let scopes: Vec<_> = row.applies.iter().copied().map(Scope::describe).collect();
        lines.add_row([
            name.strip_prefix(ANNOTATION_DOMAIN).unwrap_or(&name),
            &(row.allowed)(),
            or_dash(row.default),
            &scopes.join(", "),
        ]);
    }
    format!(
        "Each name has {ANNOTATION_DOMAIN} before it. More of one: clbctl explain annotation NAME\n{lines}\n"
    )
}
