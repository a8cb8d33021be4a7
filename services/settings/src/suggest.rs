//! "Did you mean …?" for a name that is not known.

/// The known name that is nearest to `given`, if any is near enough to be what was meant. Case, `-` and `_`
/// do not count, since other projects write the same names as `clusterId` or `cluster-id`.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = fold(given);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&plain, &fold(name)), name))
        .filter(|(distance, name)| *distance <= allowed_distance(name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The error for a text that is none of a few fixed ones.
#[doc(hidden)]
#[must_use]
pub fn not_one_of(given: &str, known: &[&str]) -> String {
    match nearest(given, known.iter().copied()) {
        Some(name) => format!("unknown; did you mean {name}?"),
        None => "unknown".to_owned(),
    }
}

/// Short names would otherwise match anything: one slip per three letters, three at most.
fn allowed_distance(name: &str) -> usize {
    (name.len() / 3).clamp(1, 3)
}

fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| *c != '-' && *c != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_slips_and_other_spellings() {
        let known = ["cluster_id", "region", "vswitches"];
        assert_eq!(nearest("clusterId", known), Some("cluster_id"));
        assert_eq!(nearest("vswitchs", known), Some("vswitches"));
        assert_eq!(nearest("regoin", known), Some("region"));
        assert_eq!(nearest("bandwidth", known), None);
    }
}
