//! What one call of the API is: a product, an action, parameters, and how its answer is read.

use std::fmt;

use crate::answer::{Node, UnexpectedAnswer};

/// A product of Alibaba Cloud with an API of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// Load balancers.
    Slb,
    /// Instances and their network interfaces.
    Ecs,
    /// Networks and elastic addresses.
    Vpc,
}

impl Product {
    /// The name in host names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slb => "slb",
            Self::Ecs => "ecs",
            Self::Vpc => "vpc",
        }
    }

    /// `x-acs-version`.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::Slb => "2014-05-15",
            Self::Ecs => "2014-05-26",
            Self::Vpc => "2016-04-28",
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One call of the API, ready to be sent.
pub trait Action {
    /// What the answer says.
    type Answer;

    /// Whose API it is of.
    fn product(&self) -> Product {
        Product::Slb
    }

    /// The action's name, as `CreateLoadBalancer`; limits are counted by it.
    fn name(&self) -> &'static str;

    /// Adds the parameters, all but `RegionId`.
    fn parameters(&self, parameters: &mut Parameters);

    /// Reads an answer of success.
    ///
    /// # Errors
    /// The answer lacks something without which it is of no use.
    fn read(&self, answer: Node<'_>) -> Result<Self::Answer, UnexpectedAnswer>;
}

/// The parameters of a call by their names on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Adds one.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers pass numbers, enums and texts alike"
    )]
    pub fn set(&mut self, name: impl Into<String>, value: impl ToString) {
        self.0.push((name.into(), value.to_string()));
    }

    /// Adds one if there is a value.
    pub fn set_some(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Adds `name.1`, `name.2` and so on.
    pub fn set_list(&mut self, name: &str, values: impl IntoIterator<Item = impl ToString>) {
        for (index, value) in values.into_iter().enumerate() {
            self.set(format!("{name}.{}", index + 1), value);
        }
    }

    /// Adds `Tag.1.Key`, `Tag.1.Value` and so on.
    pub fn set_tags<'a>(&mut self, tags: impl IntoIterator<Item = (&'a String, &'a String)>) {
        for (index, (key, value)) in tags.into_iter().enumerate() {
            self.set(format!("Tag.{}.Key", index + 1), key);
            self.set(format!("Tag.{}.Value", index + 1), value);
        }
    }

    /// The value of one, for tests and for the simulator's callers.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
    }

    /// As a canonical query: sorted by name, percent-encoded as RFC 3986 has it.
    #[must_use]
    pub(crate) fn into_query(mut self) -> String {
        self.0.sort();
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        pairs.join("&")
    }
}

/// All but letters, digits and `-_.~` is encoded, the space as `%20`.
const RESERVED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

fn encode(text: &str) -> percent_encoding::PercentEncode<'_> {
    percent_encoding::utf8_percent_encode(text, RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_is_sorted_and_encoded() {
        let mut parameters = Parameters::default();
        parameters.set("b", "x y*~/");
        parameters.set("a", 1);
        parameters.set_list("B", ["p"]);
        assert_eq!(parameters.into_query(), "B.1=p&a=1&b=x%20y%2A~%2F");
    }
}
