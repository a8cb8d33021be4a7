//! A row of the table as text: for `clbctl explain annotation NAME` and for the reference page.

use std::fmt::Write as _;

use super::row::Row;
use super::similar::distance;
use super::{find, table};

/// Names that hold a word, of which more are listed than of those that are only like it.
const MOST_HOLDING: usize = 10;
/// Names that are like one.
const MOST_LIKE: usize = 3;

/// What a person should know of an annotation, in some lines; none when there is no such annotation.
#[must_use]
pub fn explain(name: &str) -> Option<String> {
    find(name).map(explain_row)
}

/// The names of the table that hold a word which is no name, in the order of the table, at most ten; where none does, the three that
/// resemble it most, the nearest first.
#[must_use]
pub fn similar_names(name: &str) -> Vec<String> {
    let word = name.to_ascii_lowercase();
    let holding: Vec<String> = table()
        .filter(|row| row.suffix.contains(&word))
        .map(|row| row.name_like(name))
        .take(MOST_HOLDING)
        .collect();
    if !holding.is_empty() {
        return holding;
    }
    let mut names: Vec<(usize, String)> = table()
        .map(|row| (distance(name, row), row.name_like(name)))
        .collect();
    names.sort();
    names.into_iter().take(MOST_LIKE).map(|(_, name)| name).collect()
}

/// What a person should know of an annotation, in some lines.
#[must_use]
pub fn explain_row(row: &Row) -> String {
    let mut lines = vec![row.name(), format!("  {}", row.description), String::new()];
    let mut line = |title: &str, text: &str| lines.push(format!("  {:<13}{text}", format!("{title}:")));
    line("type", row.kind);
    line("range", &(row.allowed)());
    line("default", or_none(row.default));
    line("example", &format!("{}: \"{}\"", row.name(), row.example));
    line("applies to", &scopes(row));
    line("immutable", immutable(row));
    line("since", since(row));
    if let Some(instead) = row.instead {
        let instead = find(instead).map_or_else(|| instead.to_owned(), Row::name);
        line("elsewhere", &format!("{instead} for other listeners"));
    }
    if let Some(older) = row.names().get(1) {
        line("older name", older);
    }
    lines.push(String::new());
    lines.join("\n")
}

fn or_none(default: &str) -> &str {
    if default.is_empty() { "none" } else { default }
}

fn immutable(row: &Row) -> &'static str {
    if row.immutable {
        "yes, a change after creation has no effect"
    } else {
        "no"
    }
}

fn since(row: &Row) -> &str {
    if row.since.is_empty() {
        "not published"
    } else {
        row.since
    }
}

/// What stands above the table of the reference page.
const HEADER: &str = "# Annotations\n\n\
    What a Service of type LoadBalancer may ask for. This page is made from the planner's table of \
    annotations; do not edit it.\n\n\
    Names and values are matched exactly, case included. Instead of `alibaba-cloud-` the older prefix \
    `alicloud-` is read too; where both are there, the newer one counts. `clbctl explain annotation NAME` \
    prints one row. An immutable one cannot change what is there already. Since: the version of Alibaba's controller that has it \
    first, where that is published.\n\n\
    | annotation | type | range | default | applies to | immutable | since | what it does |\n\
    |---|---|---|---|---|---|---|---|\n";

/// The reference page: the whole table in Markdown.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(HEADER);
    for row in table() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} For example `{}`. |",
            row.name(),
            row.kind,
            (row.allowed)(),
            or_none(row.default),
            scopes(row),
            if row.immutable { "yes" } else { "no" },
            since(row),
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
