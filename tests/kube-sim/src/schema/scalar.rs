//! Scalars with a form of their own: times and quantities.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

/// `metav1.Time`: whole seconds in UTC.
pub(super) fn time(text: &str) -> Result<Value, String> {
    Ok(Value::from(format_time(parse(text)?)))
}

/// `metav1.MicroTime`: exactly six decimals, in UTC when written.
pub(super) fn micro_time(text: &str) -> Result<Value, String> {
    let layout = "2006-01-02T15:04:05.000000Z07:00";
    let refused = |rest: &str, part: &str| {
        format!("parsing time \"{text}\" as \"{layout}\": cannot parse \"{rest}\" as \"{part}\"")
    };
    let at: Timestamp = text
        .parse()
        .map_err(|_error: jiff::Error| refused(text, "2006"))?;
    let fraction = text.get(19..).unwrap_or_default();
    let decimals = fraction
        .strip_prefix('.')
        .map(|rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    if decimals != Some(6) {
        return Err(refused(fraction, ".000000"));
    }
    let at = at.to_zoned(TimeZone::UTC);
    Ok(Value::from(at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()))
}

/// Whole seconds in UTC, as `creationTimestamp` is written.
pub(crate) fn format_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

fn parse(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_error: jiff::Error| {
        format!(
            "parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\""
        )
    })
}

/// `resource.Quantity`: a number with an optional suffix, kept as it was written.
pub(super) fn quantity(raw: &Value) -> Result<Value, String> {
    let text = match raw {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let digits = text.trim_start_matches(['+', '-']);
    let number_end = digits
        .find(|symbol: char| !symbol.is_ascii_digit() && symbol != '.')
        .unwrap_or(digits.len());
    let (number, suffix) = digits.split_at(number_end);
    let suffix_is_known = matches!(
        suffix,
        "" | "n" | "u" | "m" | "k" | "M" | "G" | "T" | "P" | "E" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei"
    ) || suffix
        .strip_prefix(['e', 'E'])
        .is_some_and(|exponent| exponent.parse::<i32>().is_ok());
    if number.parse::<f64>().is_err() || !suffix_is_known {
        return Err("quantities must match the regular expression \
             '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            .to_owned());
    }
    Ok(text.into())
}
