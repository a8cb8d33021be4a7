//! A row of the table as text: for `clbctl explain annotation NAME` and for the reference page.

use std::fmt::Write as _;

use super::row::Row;
use super::{find, table};

/// What a person should know of an annotation, in some lines; none when there is no such annotation.
#[must_use]
pub fn explain(name: &str) -> Option<String> {
    find(name).map(explain_row)
}

/// The names of the table that resemble a name which is not in it, the nearest first, at most three.
#[must_use]
pub fn similar_names(name: &str) -> Vec<String> {
    let mut names: Vec<(usize, String)> = table()
        .map(|row| {
            let short = row.suffix.trim_start_matches("loadbalancer-");
            let distance = strsim::osa_distance(short, name)
                .min(strsim::osa_distance(row.suffix, name))
                .min(strsim::osa_distance(&row.name(), name));
            (distance, row.name())
        })
        .collect();
    names.sort();
    names.into_iter().take(3).map(|(_, name)| name).collect()
}

/// What a person should know of an annotation, in some lines.
#[must_use]
pub fn explain_row(row: &Row) -> String {
    let mut lines = vec![row.name(), format!("  {}", row.description), String::new()];
    let mut line = |title: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("  {:<13}{text}", format!("{title}:")));
        }
    };
    line("value", &(row.allowed)());
    line("default", row.default);
    line("example", &format!("{}: \"{}\"", row.name(), row.example));
    line("applies to", &scopes(row));
    line(
        "change",
        if row.immutable {
            "not after creation"
        } else {
            "at any time"
        },
    );
    line("since", row.since);
    if let Some(instead) = row.instead {
        let instead = find(instead).map_or_else(|| instead.to_owned(), Row::name);
        line("elsewhere", &format!("{instead} for other listeners"));
    }
    line("older name", row.names().get(1).map_or("", String::as_str));
    lines.push(String::new());
    lines.join("\n")
}

/// What stands above the table of the reference page.
const HEADER: &str = "# Annotations\n\n\
    What a Service of type LoadBalancer may ask for. This page is made from the planner's table of \
    annotations; do not edit it.\n\n\
    Names and values are matched exactly, case included. Instead of `alibaba-cloud-` the older prefix \
    `alicloud-` is read too; where both are there, the newer one counts. `clbctl explain annotation NAME` \
    prints one row.\n\n\
    | annotation | value | default | applies to | can change | since | what it does |\n\
    |---|---|---|---|---|---|---|\n";

/// The reference page: the whole table in Markdown.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(HEADER);
    for row in table() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} | {} For example `{}`. |",
            row.name(),
            (row.allowed)(),
            row.default,
            scopes(row),
            if row.immutable { "no" } else { "yes" },
            row.since,
            row.description,
            row.example,
        );
    }
    page
}

fn scopes(row: &Row) -> String {
    row.applies
        .iter()
        .map(|scope| scope.describe())
        .collect::<Vec<_>>()
        .join(", ")
}
