//! Applies the rows of an action to the parameters of a call.

use super::{Action, Effect, Kind, Parameter, Presence};
use crate::errors::{self, ApiError};
use crate::input::Input;
use crate::tags;
use crate::zones;

/// Checks every parameter that a row names, fills defaults and returns the input of the handler.
///
/// # Errors
/// `MissingParameter` for a mandatory one that is not there, the row's refusal for a bad value.
pub(crate) fn validate(action: &Action, mut input: Input) -> Result<Input, ApiError> {
    for row in &action.parameters {
        match row.kind {
            Kind::List { max, too_many } => check_list(row, &input, max, too_many)?,
            Kind::Tags => check_tags(row, &input, action.effect)?,
            _ => check_value(row, &mut input)?,
        }
    }
    if action.name.starts_with("Create")
        && let Some(row) = missing_condition(action, |name| input.text(name).map(str::to_owned))
    {
        return Err(errors::missing_parameter(row.name));
    }
    Ok(input)
}

/// The first row whose condition holds while the parameter itself has no value. `value` looks a parameter
/// up; a Set action answers with what the listener will have after the change.
pub(crate) fn missing_condition(
    action: &Action,
    value: impl Fn(&str) -> Option<String>,
) -> Option<&Parameter> {
    action.parameters.iter().find(|row| {
        let Presence::When(conditions) = row.presence else {
            return false;
        };
        let holds = conditions
            .iter()
            .all(|(name, wanted)| value(name).as_deref() == Some(wanted));
        holds && value(row.name).is_none_or(|text| text.is_empty())
    })
}

fn check_value(row: &Parameter, input: &mut Input) -> Result<(), ApiError> {
    let Some(value) = input.text(row.name) else {
        if let Some(default) = row.default {
            input.set(row.name, default);
            return Ok(());
        }
        if row.presence == Presence::Required {
            return Err(errors::missing_parameter(row.name));
        }
        return Ok(());
    };
    if accepts(row.kind, value) {
        return Ok(());
    }
    if row.presence == Presence::Required && value.is_empty() {
        return Err(errors::missing_parameter(row.name));
    }
    let generic = row.refusal == errors::INVALID_PARAMETER;
    let refused = if row.kind == Kind::Region {
        errors::UNKNOWN_REGION
    } else {
        row.refusal
    };
    Err(if generic && row.kind != Kind::Region {
        errors::invalid_parameter(row.name)
    } else {
        refused.into()
    })
}

fn accepts(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::Chars { min, max, charset } => {
            (min..=max).contains(&value.chars().count()) && charset.accepts(value)
        }
        Kind::Integer { min, max } => value
            .parse::<i64>()
            .is_ok_and(|number| (min..=max).contains(&number)),
        Kind::Bandwidth { max } => value
            .parse::<i64>()
            .is_ok_and(|number| number == -1 || (1..=max).contains(&number)),
        Kind::OneOf(words) => words.contains(&value),
        Kind::CommaListOf(words) => value.split(',').all(|item| words.contains(&item)),
        // The official Python client writes them with a capital.
        Kind::Boolean => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
        Kind::TlsPolicy => zones::BUILT_IN_TLS_POLICIES.contains(&value) || value.starts_with("tls-"),
        Kind::Region => zones::region_exists(value),
        Kind::Text | Kind::List { .. } | Kind::Tags => true,
    }
}

fn check_list(row: &Parameter, input: &Input, max: usize, too_many: errors::Refusal) -> Result<(), ApiError> {
    let items = input.list(row.name);
    if items.is_empty() && row.presence == Presence::Required {
        return Err(errors::missing_parameter(row.name));
    }
    if items.len() > max {
        return Err(too_many.into());
    }
    Ok(())
}

fn check_tags(row: &Parameter, input: &Input, effect: Effect) -> Result<(), ApiError> {
    let pairs = input.tags(row.name);
    if pairs.is_empty() && row.presence == Presence::Required {
        return Err(errors::missing_parameter(row.name));
    }
    if pairs.len() > tags::MOST_PER_CALL {
        return Err(errors::TAGS_SIZE.into());
    }
    for (key, value) in &pairs {
        let Some(key) = key else {
            return Err(errors::TAG_KEY_MISSING.into());
        };
        // A filter may ask for what nobody can set.
        if effect == Effect::Write {
            tags::check(key, value.as_deref().unwrap_or_default())?;
        }
    }
    Ok(())
}
