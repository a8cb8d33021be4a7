//! Reading a Service's annotations by the table: every mistake at once, and a remark on each name that does
//! nothing.

use std::collections::BTreeMap;

use clb_model::marks;

use super::find;
use super::nearly::nearly;
use super::row::Row;
use super::similar::meant;
use super::value::Value;
use crate::problem::{Notice, Problem, reason};

/// A value that was read, and how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// The annotation's whole name as it stands in the manifest.
    pub place: String,
    /// The text that stands there.
    pub text: String,
    /// What it means.
    pub value: T,
}

impl<T> Written<T> {
    /// The mistake that this value makes together with something else.
    #[must_use]
    pub fn problem(&self, allowed: impl Into<String>, example: impl Into<String>) -> Problem {
        Problem {
            place: self.place.clone(),
            value: self.text.clone(),
            allowed: allowed.into(),
            example: example.into(),
        }
    }
}

/// An annotation of the table that a Service has, with a valid value or not.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// Its row.
    pub row: &'static Row,
    /// Its whole name as it stands in the manifest.
    pub place: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Kubernetes' own annotation for what became `spec.loadBalancerSourceRanges`. Alibaba's controller never read it.
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

/// The state of reading one Service's annotations.
#[derive(Debug)]
pub struct Reading<'a> {
    annotations: &'a BTreeMap<String, String>,
    pub(super) found: Vec<Found<'a>>,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(annotations: &'a BTreeMap<String, String>) -> Self {
        Self {
            annotations,
            found: Vec::new(),
            problems: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// The value of a row's annotation. An empty text counts as if the annotation were not there, as it does
    /// for Alibaba's controller.
    pub(super) fn take<T: Value>(&mut self, row: &'static Row) -> Option<Written<T>> {
        let mut names = row
            .names()
            .into_iter()
            .filter_map(|name| self.annotations.get_key_value(&name));
        let (place, text) = names.next()?;
        if let Some((other, other_text)) = names.next()
            && other_text != text
        {
            self.notices
                .push(without_effect(other, &format!("{place} is there too and counts")));
        }
        if text.is_empty() {
            if !row.may_be_empty {
                self.notices.push(without_effect(place, "its value is empty"));
            }
            return None;
        }
        self.found.push(Found { row, place, text });
        match T::parse(text) {
            Some(value) => Some(Written {
                place: place.clone(),
                text: text.clone(),
                value,
            }),
            None => {
                let (allowed, example) = match nearly::<T>(text) {
                    Some(meant) => (
                        format!("{}; write it {}", T::allowed(), meant.difference),
                        meant.text,
                    ),
                    None => (T::allowed(), row.example.to_owned()),
                };
                self.problems.push(Problem {
                    place: place.clone(),
                    value: text.clone(),
                    allowed,
                    example,
                });
                None
            }
        }
    }

    /// A remark on source ranges where nobody reads them: who wrote them believes that others cannot connect.
    pub(super) fn source_ranges(&mut self) {
        let ranges = self.annotations.get(SOURCE_RANGES);
        if ranges.is_some_and(|ranges| !ranges.trim().is_empty()) {
            self.notices.push(without_effect(
                SOURCE_RANGES,
                "it restricts nobody; write the ranges into spec.loadBalancerSourceRanges",
            ));
        }
    }

    /// Remarks on names that look like ours and are none, with the nearest that is.
    pub(super) fn unknown_names(&mut self) {
        let not_read = self
            .annotations
            .keys()
            .filter(|name| !self.found.iter().any(|found| found.place == name.as_str()));
        for name in not_read {
            if let Some(notice) = unknown_name(name) {
                self.notices.push(notice);
            }
        }
    }
}

/// The remark that an annotation does nothing here.
#[must_use]
pub fn without_effect(place: &str, why: &str) -> Notice {
    Notice {
        warning: true,
        reason: reason::ANNOTATION_WITHOUT_EFFECT,
        message: format!("annotation {place} has no effect here: {why}"),
    }
}

fn unknown_name(name: &str) -> Option<Notice> {
    if let Some(row) = of_another_domain(name) {
        return Some(unknown(name, &did_you_mean(row, name)));
    }
    let behind_domain = name.strip_prefix(marks::ANNOTATION_DOMAIN)?;
    if find(name).is_some() || is_of_another_reader(name) {
        return None;
    }
    let meant = meant(name);
    // Behind the domain there are other controllers' annotations too: only names that resemble ours are spoken of.
    let forgot_the_prefix = |row: &Row| behind_domain == row.suffix;
    let misspelt = |row: &Row| row.plain && strsim::osa_distance(behind_domain, row.suffix) <= 2;
    let resembles = behind_domain.to_ascii_lowercase().starts_with("ali")
        || meant.is_some_and(|row| forgot_the_prefix(row) || misspelt(row));
    if !resembles {
        return None;
    }
    let suggestion = meant.map_or_else(
        || ", and no annotation has a name like it".to_owned(),
        |row| did_you_mean(row, name),
    );
    Some(unknown(name, &suggestion))
}

fn unknown(name: &str, suggestion: &str) -> Notice {
    Notice {
        warning: true,
        reason: reason::UNKNOWN_ANNOTATION,
        message: format!("annotation {name} is not known{suggestion}"),
    }
}

fn did_you_mean(row: &Row, name: &str) -> String {
    format!("; did you mean {}?", row.name_like(name))
}

/// The row whose name a person wrote behind another domain or none. What follows the domain has Alibaba Cloud's name in it and is in the
/// table, so it can be no other controller's.
fn of_another_domain(name: &str) -> Option<&'static Row> {
    let (domain, end) = name.rsplit_once('/').unwrap_or(("", name));
    let is_ours = format!("{domain}/") == marks::ANNOTATION_DOMAIN;
    let suffix = ["alibaba-cloud-", "alicloud-"]
        .iter()
        .find_map(|prefix| end.strip_prefix(prefix))?;
    find(suffix).filter(|row| !is_ours && row.suffix == suffix)
}

/// Annotations that decide whose a Service is: see [`clb_model::ownership`].
fn is_of_another_reader(name: &str) -> bool {
    name == marks::CLASS_ANNOTATION || name.ends_with(marks::TUNNEL_TYPE_SUFFIX)
}
