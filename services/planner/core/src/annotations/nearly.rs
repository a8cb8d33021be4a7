//! What a person probably meant by a value that is not allowed: the same without blanks at its ends and between its items, or in lower
//! case. [`super::reading`] puts it into the mistake.

use super::value::Value;

/// A value that would be allowed.
pub(super) struct Nearly {
    /// The value.
    pub(super) text: String,
    /// How the one that was written differs from it, as the end of a sentence.
    pub(super) difference: &'static str,
}

/// What was probably meant; none when that is not plain.
pub(super) fn nearly<T: Value>(text: &str) -> Option<Nearly> {
    let close = without_blanks(text);
    let candidates = [
        (close.clone(), "without blanks"),
        (text.to_ascii_lowercase(), "in lower case"),
        (close.to_ascii_lowercase(), "in lower case and without blanks"),
    ];
    candidates
        .into_iter()
        .find(|(candidate, _)| T::parse(candidate).is_some())
        .map(|(text, difference)| Nearly { text, difference })
}

/// The text without the blanks at its ends and around the separators of lists and pairs. One inside of an item stays: what was meant by
/// it is not known.
fn without_blanks(text: &str) -> String {
    let mut close = text.to_owned();
    for separator in [",", ":", "="] {
        let parts: Vec<&str> = close.split(separator).map(str::trim).collect();
        close = parts.join(separator);
    }
    close
}
