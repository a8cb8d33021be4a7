//! The parameters of one call, read by handlers with the types that the catalogue has checked.

use std::collections::BTreeMap;

/// A tag as sent: its key and value, either of which may be missing.
pub(crate) type SentTag = (Option<String>, Option<String>);

/// Parameters by their wire name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Input(BTreeMap<String, String>);

impl Input {
    /// The value of `name`, if it was sent or has a default.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of `name`, empty if there is none.
    pub(crate) fn text_or_empty(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    /// The value of `name` if it is there and not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// The whole number in `name`.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// The whole number in `name`, which a row gives a default or makes mandatory.
    pub(crate) fn number(&self, name: &str) -> usize {
        self.integer(name)
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or_default()
    }

    /// Whether `name` is `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// Gives `name` a value.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// `name.1`, `name.2` … in the order of their numbers. Gaps are allowed.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let mut items: Vec<(u32, &String)> = self
            .with_prefix(name)
            .filter_map(|(rest, value)| rest.parse().ok().map(|number: u32| (number, value)))
            .collect();
        items.sort_by_key(|(number, _)| *number);
        items.into_iter().map(|(_, value)| value.clone()).collect()
    }

    /// `name.N.Key` and `name.N.Value` in the order of N.
    pub(crate) fn tags(&self, name: &str) -> Vec<SentTag> {
        let mut tags: BTreeMap<u32, SentTag> = BTreeMap::new();
        for (rest, value) in self.with_prefix(name) {
            let Some((number, field)) = rest.split_once('.') else {
                continue;
            };
            let Ok(number) = number.parse() else { continue };
            let tag = tags.entry(number).or_default();
            match field {
                "Key" => tag.0 = Some(value.clone()),
                "Value" => tag.1 = Some(value.clone()),
                _ => {}
            }
        }
        tags.into_values().collect()
    }

    /// The tags in `name` that a creation carries: a missing value is an empty one.
    pub(crate) fn new_tags(&self, name: &str) -> BTreeMap<String, String> {
        let pairs = self.tags(name).into_iter();
        pairs
            .filter_map(|(key, value)| Some((key?, value.unwrap_or_default())))
            .collect()
    }

    /// The items of a comma list.
    pub(crate) fn comma_list(&self, name: &str) -> Vec<&str> {
        self.filled(name)
            .map(|text| text.split(',').map(str::trim).collect())
            .unwrap_or_default()
    }

    /// All parameters, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The parameters whose name is `prefix`, a dot and something; the something and the value.
    fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a String)> {
        // Names in order: those with the prefix stand together.
        self.0
            .range(format!("{prefix}.")..)
            .map_while(move |(name, value)| Some((name.strip_prefix(prefix)?.strip_prefix('.')?, value)))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Input {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Input(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}
