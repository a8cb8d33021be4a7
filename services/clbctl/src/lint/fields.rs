//! Fields of a mapping in a manifest, each read as the type that the Kubernetes API gives it; every one that is not is noted.

use std::fmt::Display;
use std::ops::RangeInclusive;

use clb_planner_core::problem::Problem;

use super::document::{Line, Node, Value};

/// A mapping that is read, and what was wrong so far.
pub(super) struct Fields<'d> {
    node: Option<&'d Node>,
    line: Line,
    path: String,
    pub(super) problems: Vec<(Line, Problem)>,
}

impl<'d> Fields<'d> {
    /// Of a mapping; a missing one has no fields. `line` is where to point at what is missing then.
    pub(super) fn of(node: Option<&'d Node>, line: Line, path: &str) -> Self {
        let mut fields = Self {
            node,
            line: node.map_or(line, |node| node.line),
            path: path.to_owned(),
            problems: Vec::new(),
        };
        if let Some(node) = node
            && !matches!(node.value, Value::Mapping(_))
        {
            fields.wrong(node, path, "a mapping", "");
        }
        fields
    }

    /// The field as it is.
    pub(super) fn node(&self, name: &str) -> Option<&'d Node> {
        self.node.and_then(|node| node.get(name))
    }

    /// Notes a value that is not allowed.
    pub(super) fn wrong(&mut self, node: &Node, place: &str, allowed: &str, example: &str) {
        let problem = Problem {
            place: place.to_owned(),
            value: node.written(),
            allowed: allowed.to_owned(),
            example: example.to_owned(),
        };
        self.problems.push((node.line, problem));
    }

    /// Notes a field that is missing.
    pub(super) fn missing(&mut self, name: &str, why: &str, example: &str) {
        let problem = Problem {
            place: format!("{}.{name}", self.path),
            value: String::new(),
            allowed: why.to_owned(),
            example: example.to_owned(),
        };
        self.problems.push((self.line, problem));
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let node = self.node(name)?;
        if let Some(text) = node.as_text() {
            return Some(text.to_owned());
        }
        let example = format!("{:?}", node.written());
        self.wrong(node, &self.place(name), "a text, so put it in quotes", &example);
        None
    }

    pub(super) fn required_text(&mut self, name: &str, example: &str) -> Option<String> {
        if self.node(name).is_none() {
            self.missing(name, "a text", example);
        }
        self.text(name)
    }

    pub(super) fn boolean(&mut self, name: &str) -> Option<bool> {
        let node = self.node(name)?;
        if let Value::Boolean(boolean, _) = node.value {
            return Some(boolean);
        }
        self.wrong(node, &self.place(name), "true or false, without quotes", "true");
        None
    }

    /// A whole number of a range.
    pub(super) fn number<T>(&mut self, name: &str, range: &RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let node = self.node(name)?;
        if let Value::Number(number, _) = node.value
            && let Ok(number) = T::try_from(number)
            && range.contains(&number)
        {
            return Some(number);
        }
        let allowed = format!("{}, without quotes", whole_number(range));
        self.wrong(node, &self.place(name), &allowed, "");
        None
    }

    pub(super) fn required_number<T>(
        &mut self,
        name: &str,
        range: &RangeInclusive<T>,
        example: &str,
    ) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        if self.node(name).is_none() {
            self.missing(name, &whole_number(range), example);
        }
        self.number(name, range)
    }

    /// Which of these words it is, by its index.
    pub(super) fn one_of(&mut self, name: &str, words: &[&str]) -> Option<usize> {
        let node = self.node(name)?;
        let found = words.iter().position(|word| node.as_text() == Some(word));
        if found.is_none() {
            self.wrong(node, &self.place(name), &words.join(" or "), "");
        }
        found
    }

    /// The items of a list.
    pub(super) fn items(&mut self, name: &str) -> &'d [Node] {
        match self.node(name) {
            None => &[],
            Some(node) => {
                if let Value::List(items) = &node.value {
                    return items;
                }
                self.wrong(node, &self.place(name), "a list", "");
                &[]
            }
        }
    }

    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for (index, item) in self.items(name).iter().enumerate() {
            match item.as_text() {
                Some(text) => texts.push(text.to_owned()),
                None => {
                    let place = format!("{}[{index}]", self.place(name));
                    self.wrong(item, &place, "a text, so put it in quotes", "");
                }
            }
        }
        texts
    }

    fn place(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }
}

fn whole_number<T: Display>(range: &RangeInclusive<T>) -> String {
    format!("a whole number from {} to {}", range.start(), range.end())
}
