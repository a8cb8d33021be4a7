//! Reading a tree of values into settings, collecting every mistake on the way.

use crate::document::{Mapping, Node, Value};
use crate::field::Field;
use crate::problem::{Place, Problem};
use crate::setting::{FieldShape, Setting, Settings};
use crate::suggest::nearest;

/// Collects mistakes; knows how fields are called on the command line.
#[derive(Default)]
pub(crate) struct Problems {
    pub(crate) found: Vec<Problem>,
    /// Prefix of the environment variables, such as `CLB_WATCHER`; `None` where there is no command line.
    pub(crate) prefix: Option<String>,
    /// The file could not be read: what is missing may be in it, so that saying "missing" would mislead.
    pub(crate) missing_is_unknown: bool,
    /// Paths of fields that were given in a form that cannot be read; they are not missing as well.
    pub(crate) unreadable: Vec<String>,
    /// The settings are to be run with here, so the files that they name have to be there.
    pub(crate) for_this_machine: bool,
}

/// The field that is being read, and where to report what is wrong with it.
pub struct At<'p> {
    problems: &'p mut Problems,
    path: String,
    allowed: String,
    secret: bool,
}

impl<'p> At<'p> {
    pub(crate) fn root(problems: &'p mut Problems) -> Self {
        Self {
            problems,
            path: String::new(),
            allowed: String::new(),
            secret: false,
        }
    }

    fn field<'a>(&'a mut self, shape: &FieldShape) -> At<'a> {
        let path = self.path_of(shape.name);
        At {
            problems: &mut *self.problems,
            path,
            allowed: shape.allowed.clone(),
            secret: shape.shape.holds_secret(),
        }
    }

    pub(crate) fn item<'a>(&'a mut self, index: usize) -> At<'a> {
        At {
            path: format!("{}[{index}]", self.path),
            problems: &mut *self.problems,
            allowed: self.allowed.clone(),
            secret: self.secret,
        }
    }

    pub(crate) fn is_for_this_machine(&self) -> bool {
        self.problems.for_this_machine
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// Says that `node` is wrong and why; adds what is allowed, and the value unless it is, or may hold, a
    /// secret.
    pub fn wrong(&mut self, node: &Node, why: impl Into<String>) {
        let value = match &node.value {
            Value::Text(text) if !self.secret && !may_hold_password(text) => Some(text.clone()),
            _ => None,
        };
        let allowed = if self.allowed.is_empty() {
            String::new()
        } else {
            format!("allowed: {}", self.allowed)
        };
        self.report(
            Some(node.place.clone()),
            self.path.clone(),
            value,
            why.into(),
            allowed,
        );
    }

    /// Says that the field is not given, but has to be.
    fn missing(&mut self) {
        self.not_given("required, but not given");
    }

    /// Says what is wrong with what holds when the field is not given, and where it can be given.
    pub(crate) fn not_given(&mut self, why: &str) {
        if self.problems.missing_is_unknown || self.problems.unreadable.contains(&self.path) {
            return;
        }
        let mut ways = format!("set {} in the configuration file", self.path);
        if let Some(prefix) = &self.problems.prefix
            && !self.path.contains('[')
        {
            let flag = crate::command_line::flag_name(self.path.split('.'));
            let variable = crate::command_line::variable_name(prefix, self.path.split('.'));
            ways = format!("{ways}, --{flag} or {variable}");
        }
        let allowed = format!("{ways}; allowed: {}", self.allowed);
        self.report(None, self.path.clone(), None, why.to_owned(), allowed);
    }

    fn report(
        &mut self,
        place: Option<Place>,
        field: String,
        value: Option<String>,
        wrong: String,
        allowed: String,
    ) {
        self.problems.found.push(Problem {
            place,
            field,
            value,
            wrong,
            allowed,
        });
    }
}

/// A URL such as `https://user:password@host`, in whichever field it was put.
fn may_hold_password(text: &str) -> bool {
    text.contains("://") && text.contains('@')
}

/// Reads the fields of one group; made by [`read_group`], used by the code that
/// [`settings!`](crate::settings) generates.
pub struct GroupReader<'n, 'p> {
    mapping: &'n Mapping,
    at: &'n mut At<'p>,
}

impl<'p> GroupReader<'_, 'p> {
    /// Reads one field from the place that wins, or takes its default. Values that lose are checked too.
    pub fn field<T: Setting>(&mut self, name: &'static str, field: &Field<T>) -> Option<T> {
        let shape = field.shape(name, "");
        let mut at = self.at.field(&shape);
        let Some(node) = self.mapping.get(name) else {
            if shape.required {
                at.missing();
            }
            return field.absent(&mut at);
        };
        let winner = field.read(node, &mut at);
        // A file that only a losing value names is not used, so it need not be there.
        let for_this_machine = std::mem::take(&mut at.problems.for_this_machine);
        for loser in &node.overridden {
            field.read(loser, &mut at);
        }
        at.problems.for_this_machine = for_this_machine;
        if winner.is_none() && shape.required && matches!(node.value, Value::Null) {
            at.missing();
        }
        winner
    }

    /// Runs the checks across fields, where the declaration names a function for them.
    pub fn checker(&mut self) -> Checker<'_, 'p> {
        Checker {
            mapping: self.mapping,
            at: &mut *self.at,
            wrong: false,
        }
    }

    fn refuse_unknown(&mut self, known: &[FieldShape]) {
        let mut seen: Vec<&str> = Vec::new();
        for entry in &self.mapping.entries {
            let path = self.at.path_of(&entry.key);
            let names = known.iter().map(|field| field.name);
            if !names.clone().any(|name| name == entry.key) {
                let suggestion = nearest(&entry.key, names.clone())
                    .map(|name| format!("did you mean {name}? "))
                    .unwrap_or_default();
                let allowed = format!(
                    "{suggestion}allowed here: {}",
                    names.collect::<Vec<_>>().join(", ")
                );
                self.at.report(
                    Some(entry.place.clone()),
                    path,
                    None,
                    "unknown field".to_owned(),
                    allowed,
                );
            } else if seen.contains(&entry.key.as_str()) {
                let allowed = "keep one of the two".to_owned();
                self.at.report(
                    Some(entry.place.clone()),
                    path,
                    None,
                    "given twice".to_owned(),
                    allowed,
                );
            } else {
                seen.push(&entry.key);
            }
        }
    }
}

/// For checks that look at more than one field, such as "a certificate unless insecure".
pub struct Checker<'n, 'p> {
    mapping: &'n Mapping,
    at: &'n mut At<'p>,
    wrong: bool,
}

impl Checker<'_, '_> {
    /// Says that `field` (its path from here, such as `tls.ca_file`) is wrong, why, and what to do. The value
    /// itself is not shown.
    pub fn wrong(&mut self, field: &str, why: impl Into<String>, what_to_do: impl Into<String>) {
        let place = place_of(self.mapping, field);
        let path = self.at.path_of(field);
        self.at.report(place, path, None, why.into(), what_to_do.into());
        self.wrong = true;
    }

    /// Whether anything was found wrong.
    #[must_use]
    pub fn found_any(&self) -> bool {
        self.wrong
    }
}

fn place_of(mapping: &Mapping, path: &str) -> Option<Place> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    let node = mapping.get(first)?;
    match (rest, &node.value) {
        (Some(rest), Value::Mapping(inner)) => place_of(inner, rest).or_else(|| Some(node.place.clone())),
        _ => Some(node.place.clone()),
    }
}

/// Reads a group from a mapping; called by the code that [`settings!`](crate::settings) generates.
#[doc(hidden)]
pub fn read_group<T: Settings>(node: &Node, at: &mut At<'_>) -> Option<T> {
    let empty = Mapping::default();
    let mapping = match &node.value {
        Value::Mapping(mapping) => mapping,
        Value::Null => &empty,
        other => {
            at.allowed = T::shape().allowed();
            at.secret |= T::shape().holds_secret();
            at.wrong(node, format!("{} where a mapping is needed", other.kind()));
            return None;
        }
    };
    let mut reader = GroupReader { mapping, at };
    reader.refuse_unknown(&T::fields());
    T::read(&mut reader)
}
