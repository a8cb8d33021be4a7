//! The right-hand side of a declared field: where its value comes from when none is given, and what else must
//! hold.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use crate::document::{Node, Source, Value};
use crate::problem::Place;
use crate::read::{At, Problems};
use crate::setting::{FieldShape, Setting, Settings, Shape};

type Check<T> = Box<dyn Fn(&T) -> Result<(), String>>;
type NodeCheck = Box<dyn Fn(&Node) -> Result<(), String>>;

/// A field's declaration. Made by [`required`], [`default`], [`optional`], [`list`] or [`group`].
pub struct Field<T> {
    absent: Absent<T>,
    environment: Vec<&'static str>,
    allowed: Option<String>,
    checks: Vec<Check<T>>,
    /// What the value has to find on this machine: checked where the settings are to be run with.
    machine_checks: Vec<Check<T>>,
    /// What can be said of a value that could not be read as a whole.
    remains_checks: Vec<NodeCheck>,
}

enum Absent<T> {
    /// A mistake.
    Wrong,
    /// The default, as YAML, parsed as if it had been given.
    Text(&'static str),
    /// Nothing: `None` or an empty list.
    Nothing(fn() -> T),
    /// A group all of whose fields are absent.
    EmptyGroup,
}

/// A field that has to be given.
#[must_use]
pub fn required<T: Setting>() -> Field<T> {
    Field::new(Absent::Wrong)
}

/// A field with a default, written as it would be written in the file.
#[must_use]
pub fn default<T: Setting>(text: &'static str) -> Field<T> {
    Field::new(Absent::Text(text))
}

/// A field that may be left out.
#[must_use]
pub fn optional<T: Setting>() -> Field<Option<T>> {
    Field::new(Absent::Nothing(|| None))
}

/// A list that is empty when it is left out.
#[must_use]
pub fn list<T: Setting>() -> Field<Vec<T>> {
    Field::new(Absent::Nothing(Vec::new))
}

/// A group of fields that has its own declaration; left out, each of its fields is as if left out.
#[must_use]
pub fn group<T: Settings>() -> Field<T> {
    Field::new(Absent::EmptyGroup)
}

impl<T: Setting> Field<T> {
    fn new(absent: Absent<T>) -> Self {
        Self {
            absent,
            environment: Vec::new(),
            allowed: None,
            checks: Vec::new(),
            machine_checks: Vec::new(),
            remains_checks: Vec::new(),
        }
    }

    /// Reads one more environment variable, named as the field's users know it (`SLB_ENDPOINT`). Comes after
    /// `CLB_<SERVICE>_<FIELD>`, before the file.
    #[must_use]
    pub fn env(mut self, name: &'static str) -> Self {
        self.environment.push(name);
        self
    }

    /// Replaces the type's words for what is allowed.
    #[must_use]
    pub fn allowed(mut self, words: impl Into<String>) -> Self {
        self.allowed = Some(words.into());
        self
    }

    /// Adds a condition; the error says what is wrong in words.
    #[must_use]
    pub fn check(mut self, check: impl Fn(&T) -> Result<(), String> + 'static) -> Self {
        self.checks.push(Box::new(check));
        self
    }

    /// The field from outside.
    #[must_use]
    pub fn shape(&self, name: &'static str, doc: &str) -> FieldShape {
        let shape = T::shape();
        FieldShape {
            name,
            doc: doc.to_owned(),
            default: match self.absent {
                Absent::Text(text) => Some(text.to_owned()),
                _ => None,
            },
            required: matches!(self.absent, Absent::Wrong),
            environment: self.environment.clone(),
            allowed: self.allowed.clone().unwrap_or_else(|| shape.allowed()),
            shape,
        }
    }

    pub(crate) fn read(&self, node: &Node, at: &mut At<'_>) -> Option<T> {
        if matches!(node.value, Value::Null) {
            match (&self.absent, T::shape()) {
                (Absent::Wrong, Shape::Group(_)) => {}
                (Absent::Wrong, _) => return None,
                _ => return self.absent(at),
            }
        }
        let Some(value) = T::from_node(node, at) else {
            for why in self.remains_checks.iter().filter_map(|check| check(node).err()) {
                at.wrong(node, why);
            }
            return None;
        };
        let mut wrong = self.wrong_with(&value);
        if at.is_for_this_machine() {
            wrong.extend(self.machine_checks.iter().filter_map(|check| check(&value).err()));
        }
        for why in &wrong {
            at.wrong(node, why.as_str());
        }
        wrong.is_empty().then_some(value)
    }

    fn wrong_with(&self, value: &T) -> Vec<String> {
        self.checks
            .iter()
            .filter_map(|check| check(value).err())
            .collect()
    }

    /// The value that holds when none is given; `None` if one has to be given, or the default is wrong.
    pub(crate) fn absent(&self, at: &mut At<'_>) -> Option<T> {
        match &self.absent {
            Absent::Wrong => None,
            Absent::EmptyGroup => self.read(&Node::mapping(Place::Default), at),
            Absent::Nothing(make) => {
                let value = make();
                let wrong = self.wrong_with(&value);
                for why in &wrong {
                    at.not_given(why);
                }
                wrong.is_empty().then_some(value)
            }
            Absent::Text(text) => match T::shape() {
                Shape::Scalar { .. } => self.read(&Node::text(Place::Default, *text), at),
                _ => match crate::document::parse(text, &Source::Inline(Place::Default)) {
                    Ok(node) => self.read(&node, at),
                    Err(problem) => {
                        at.wrong(&Node::text(Place::Default, *text), problem.wrong);
                        None
                    }
                },
            },
        }
    }
}

/// A type with an order, whose bounds can be written as a text.
pub trait Bounded: Setting + PartialOrd {
    /// Reads a bound that the code declares, as the file would write it.
    fn bound(text: &str) -> Option<Self>;
}

impl<T: Bounded + 'static> Field<T> {
    /// Both bounds are allowed; written as in the file (`between("1s", "24h")`). A bound that is no value of
    /// the type makes every value wrong, which [`check_declaration`](crate::check_declaration) finds.
    #[must_use]
    pub fn between(self, least: &'static str, most: &'static str) -> Self {
        let words = format!("{} from {least} to {most}", kind_of(&T::shape()));
        self.allowed(words)
            .check(move |value| match (T::bound(least), T::bound(most)) {
                (Some(low), Some(high)) if *value >= low && *value <= high => Ok(()),
                (Some(low), Some(_)) if *value < low => Err(format!("less than {least}")),
                (Some(_), Some(_)) => Err(format!("more than {most}")),
                _ => Err(format!(
                    "the declared bounds {least} and {most} are no values of this type"
                )),
            })
    }
}

/// The type's words without its own bounds and examples.
fn kind_of(shape: &Shape) -> String {
    let allowed = shape.allowed();
    let end = [" from ", " such as ", ","]
        .iter()
        .filter_map(|stop| allowed.find(stop))
        .min();
    allowed[..end.unwrap_or(allowed.len())].to_owned()
}

impl<T: Setting> Field<Vec<T>> {
    /// At least one item.
    #[must_use]
    pub fn not_empty(self) -> Self {
        self.check(|items| {
            if items.is_empty() {
                Err("empty; at least one is needed".to_owned())
            } else {
                Ok(())
            }
        })
    }

    /// No two items with the same key, such as an id. Items with mistakes of their own do not hide two others.
    #[must_use]
    pub fn unique_by<K: PartialEq + Display + 'static>(mut self, key: impl Fn(&T) -> K + 'static) -> Self {
        let key = Rc::new(key);
        let key_of_remains = key.clone();
        self.remains_checks.push(Box::new(move |node| {
            let Value::List(items) = &node.value else {
                return Ok(());
            };
            // What is wrong with the others has been said.
            let mut said = Problems::default();
            let keys = items.iter().enumerate().filter_map(|(index, item)| {
                let item = T::from_node(item, &mut At::root(&mut said))?;
                Some((index, key_of_remains(&item)))
            });
            all_different(keys)
        }));
        self.check(move |items| all_different(items.iter().map(|item| key(item)).enumerate()))
    }
}

fn all_different<K: PartialEq + Display>(keys: impl Iterator<Item = (usize, K)>) -> Result<(), String> {
    let mut seen: Vec<(usize, K)> = Vec::new();
    for (index, key) in keys {
        if let Some((first, _)) = seen.iter().find(|(_, other)| *other == key) {
            return Err(format!("items {first} and {index} are both {key}"));
        }
        seen.push((index, key));
    }
    Ok(())
}

/// Says in words what is wrong with the content of a file.
type Content = fn(&[u8]) -> Result<(), String>;

/// A type that names a file, or may name one.
pub trait NamesFile: Setting {
    /// The file, if one is named.
    fn file(&self) -> Option<&Path>;
}

impl NamesFile for PathBuf {
    fn file(&self) -> Option<&Path> {
        Some(self)
    }
}

impl NamesFile for Option<PathBuf> {
    fn file(&self) -> Option<&Path> {
        self.as_deref()
    }
}

impl<T: NamesFile> Field<T> {
    /// A file that can be read and whose content `content` accepts; its error must not quote the content. Looked at by
    /// [`load`](crate::load) only: [`from_yaml`](crate::from_yaml) also reads settings that are meant for other machines.
    #[must_use]
    pub fn file(mut self, content: Content) -> Self {
        self.machine_checks.push(Box::new(move |value| {
            value.file().map_or(Ok(()), |path| check_file(path, content))
        }));
        self
    }
}

fn check_file(path: &Path, content: Content) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(|error| format!("the file cannot be read: {error}"))?;
    content(&bytes)
}

impl Field<String> {
    /// At least one character that is no blank.
    #[must_use]
    pub fn not_blank(self) -> Self {
        self.check(|text| {
            if text.trim().is_empty() {
                Err("empty".to_owned())
            } else {
                Ok(())
            }
        })
    }
}

impl Bounded for Duration {
    fn bound(text: &str) -> Option<Self> {
        crate::scalar::parse_duration(text).ok()
    }
}
