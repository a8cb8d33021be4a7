//! The table of all annotations, and reading a Service's by it. [`crate::desired`] calls [`read()`]; `clbctl`
//! and the reference page call [`explain`].
//!
//! The table is in four parts: [`instance`], [`listener`], [`health_check`], [`backend`]. A row is written
//! once, with the type of its value, and gives a field of that type in the part's struct. Rules that join
//! several annotations are not here but in [`crate::desired`], because they need the Service's ports.

pub mod backend;
pub mod explain;
pub mod health_check;
pub mod instance;
pub mod list;
pub mod listener;
mod nearly;
pub mod reading;
pub mod row;
mod similar;
#[cfg(test)]
mod tests;
pub mod text;
pub mod value;

use std::collections::BTreeMap;

use clb_model::marks;

pub use backend::BackendAnnotations;
pub use health_check::HealthCheckAnnotations;
pub use instance::InstanceAnnotations;
pub use listener::ListenerAnnotations;
pub use reading::{Found, Written};
pub use row::{Row, Scope};

use crate::problem::{Notice, Problem};
use reading::Reading;

/// The values of all annotations of a Service that have a valid one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Annotations {
    /// The CLB itself and the status.
    pub instance: InstanceAnnotations,
    /// Listeners.
    pub listener: ListenerAnnotations,
    /// Health checks.
    pub health_check: HealthCheckAnnotations,
    /// Backends and their groups.
    pub backend: BackendAnnotations,
}

/// What came of reading.
#[derive(Debug)]
pub struct Read<'a> {
    /// The valid ones.
    pub annotations: Annotations,
    /// All that are in the table, valid or not.
    pub found: Vec<Found<'a>>,
    /// The mistakes.
    pub problems: Vec<Problem>,
    /// Names that do nothing.
    pub notices: Vec<Notice>,
}

impl Read<'_> {
    /// Whether the annotation is there, even with an invalid value: then nobody should say that it is
    /// missing.
    #[must_use]
    pub fn has(&self, row: &Row) -> bool {
        self.found.iter().any(|found| found.row.suffix == row.suffix)
    }
}

/// The whole table, in the order of the reference.
pub fn table() -> impl Iterator<Item = &'static Row> {
    [instance::ROWS, listener::ROWS, health_check::ROWS, backend::ROWS]
        .into_iter()
        .flatten()
        .copied()
}

/// The row of an annotation, by its whole name, with either prefix, or by any end of it that a person would
/// write: `alibaba-cloud-loadbalancer-spec`, `loadbalancer-spec`, `spec`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Row> {
    let domain = marks::ANNOTATION_DOMAIN;
    let prefix = marks::ANNOTATION_PREFIX;
    let spellings = [
        name.to_owned(),
        format!("{domain}{name}"),
        format!("{prefix}{name}"),
        format!("{prefix}loadbalancer-{name}"),
    ];
    spellings
        .iter()
        .find_map(|spelling| table().find(|row| row.names().contains(spelling)))
}

/// Reads a Service's annotations.
#[must_use]
pub fn read(annotations: &BTreeMap<String, String>) -> Read<'_> {
    let mut reading = Reading::new(annotations);
    let values = Annotations {
        instance: InstanceAnnotations::read(&mut reading),
        listener: ListenerAnnotations::read(&mut reading),
        health_check: HealthCheckAnnotations::read(&mut reading),
        backend: BackendAnnotations::read(&mut reading),
    };
    reading.unknown_names();
    reading.source_ranges();
    Read {
        annotations: values,
        found: reading.found,
        problems: reading.problems,
        notices: reading.notices,
    }
}
