//! What a list or a watch may ask for, and what not (`ValidateListOptions`).

use super::request::Query;
use crate::errors::ApiError;
use crate::registry::VersionMatch;
use crate::validation::FieldError;

const MATCH: &str = "resourceVersionMatch";

/// Refuses combinations that mean nothing.
pub(super) fn check(query: &Query) -> Result<(), ApiError> {
    let errors = if query.wants_watch() {
        of_watch(query)
    } else {
        of_list(query)
    };
    if errors.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid_options("ListOptions", &errors))
    }
}

/// `resourceVersionMatch`, which [`check`] has found to be one of the known values.
pub(super) fn version_match(query: &Query) -> Option<VersionMatch> {
    match query.text(MATCH) {
        "Exact" => Some(VersionMatch::Exact),
        "NotOlderThan" => Some(VersionMatch::NotOlderThan),
        _ => None,
    }
}

fn of_list(query: &Query) -> Vec<FieldError> {
    let wanted = query.text(MATCH);
    let mut errors = Vec::new();
    let mut forbid = |field: &str, why: &str| errors.push(FieldError::forbidden(field, why));
    if !wanted.is_empty() {
        if query.text("resourceVersion").is_empty() {
            forbid(
                MATCH,
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            );
        }
        if !query.text("continue").is_empty() {
            forbid(
                MATCH,
                "resourceVersionMatch is forbidden when continue is provided",
            );
        }
        if wanted == "Exact" && query.text("resourceVersion") == "0" {
            forbid(
                MATCH,
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            );
        }
    }
    if query.has("sendInitialEvents") {
        forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    if !matches!(wanted, "" | "Exact" | "NotOlderThan") {
        errors.push(FieldError::not_supported(
            MATCH,
            wanted,
            &["Exact", "NotOlderThan", ""],
        ));
    }
    errors
}

fn of_watch(query: &Query) -> Vec<FieldError> {
    let wanted = query.text(MATCH);
    let mut errors = Vec::new();
    let sends_initial_events = query.has("sendInitialEvents");
    if sends_initial_events && wanted != "NotOlderThan" {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        errors.push(FieldError::forbidden(MATCH, why));
    }
    if wanted.is_empty() {
        return errors;
    }
    if !sends_initial_events {
        let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        errors.push(FieldError::forbidden(MATCH, why));
    }
    if wanted != "NotOlderThan" {
        errors.push(FieldError::not_supported(MATCH, wanted, &["NotOlderThan"]));
    }
    if !query.text("continue").is_empty() {
        errors.push(FieldError::forbidden(
            MATCH,
            "resourceVersionMatch is forbidden when continue is provided",
        ));
    }
    errors
}
