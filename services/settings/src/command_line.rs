//! The command line and the environment: which flags and variables there are, and what was given with them.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use crate::document::{Mapping, Node, Source, Value, parse};
use crate::load::Program;
use crate::problem::{Place, Problem};
use crate::read::Problems;
use crate::setting::{FieldShape, Shape};

/// The id of the flag that names the file; no field may have it.
pub(crate) const CONFIG: &str = "config";

/// What was asked for on the command line.
pub(crate) enum Given {
    /// A text to print, for `--help` and `--version`.
    Print(String),
    /// Values.
    Values {
        /// The file and where it was named.
        config: Option<(String, Place)>,
        /// Each flag's path and text.
        flags: Vec<(Leaf, String)>,
        /// Flags that do not exist, or have no value.
        problems: Vec<Problem>,
    },
}

/// A field that can be given on the command line: not a group, not in a list.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) path: Vec<&'static str>,
    pub(crate) field: FieldShape,
}

impl Leaf {
    pub(crate) fn id(&self) -> String {
        self.path.join(".")
    }

    /// What was given as a node: a scalar's text as it is, anything else as inline YAML (a list of scalars
    /// also with commas).
    pub(crate) fn node(&self, text: &str, place: Place) -> Result<Node, Box<Problem>> {
        let Shape::List(item) = &self.field.shape else {
            return Ok(Node::text(place, text));
        };
        let yaml = parse(text, &Source::Inline(place.clone())).map_err(|mut problem| {
            problem.field = self.id();
            problem
        })?;
        match (&**item, yaml.value) {
            (Shape::Scalar { .. }, Value::Text(_)) => {
                let items = text
                    .split(',')
                    .map(|item| Node::text(place.clone(), item.trim()))
                    .collect();
                Ok(Node {
                    place,
                    value: Value::List(items),
                    overridden: Vec::new(),
                })
            }
            (_, value) => Ok(Node {
                place,
                value,
                overridden: Vec::new(),
            }),
        }
    }
}

/// All fields that have a flag, groups taken apart.
pub(crate) fn leaves(fields: Vec<FieldShape>) -> Vec<Leaf> {
    fn walk(prefix: &[&'static str], fields: Vec<FieldShape>, found: &mut Vec<Leaf>) {
        for field in fields {
            let path: Vec<_> = prefix.iter().copied().chain([field.name]).collect();
            match field.shape {
                Shape::Group(inner) => walk(&path, inner, found),
                _ => found.push(Leaf { path, field }),
            }
        }
    }
    let mut found = Vec::new();
    walk(&[], fields, &mut found);
    found
}

/// `log`, `format` → `log-format`.
pub(crate) fn flag_name<'a>(path: impl Iterator<Item = &'a str>) -> String {
    path.collect::<Vec<_>>().join("-").replace('_', "-")
}

/// `CLB_WATCHER`, `log`, `format` → `CLB_WATCHER_LOG_FORMAT`.
pub(crate) fn variable_name<'a>(prefix: &str, path: impl Iterator<Item = &'a str>) -> String {
    format!("{prefix}_{}", path.collect::<Vec<_>>().join("_").to_uppercase())
}

/// Reads the arguments (without the program's name), collecting every flag that does not exist.
pub(crate) fn read(program: &Program, leaves: &[Leaf], arguments: Vec<String>) -> Given {
    let mut arguments = arguments;
    let mut problems = Vec::new();
    loop {
        let attempt = command(program, leaves)
            .try_get_matches_from(std::iter::once(program.name.to_owned()).chain(arguments.iter().cloned()));
        let error = match attempt {
            Ok(matches) => {
                let text = |id: &str| matches.get_one::<String>(id).cloned();
                let flags = leaves
                    .iter()
                    .filter_map(|leaf| Some((leaf.clone(), text(&leaf.id())?)))
                    .collect();
                let config = text(CONFIG).map(|file| (file, Place::Flag(format!("--{CONFIG}"))));
                return Given::Values {
                    config,
                    flags,
                    problems,
                };
            }
            Err(error) => error,
        };
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            return Given::Print(error.render().to_string());
        }
        let Some(culprit) = culprit(&error, &arguments) else {
            problems.push(usage(&error, None));
            return Given::Values {
                config: None,
                flags: Vec::new(),
                problems,
            };
        };
        problems.push(usage(
            &error,
            Some(arguments[culprit].split('=').next().unwrap_or_default()),
        ));
        // The value of a flag that does not exist would be the next mistake, though nobody made it.
        let alone = arguments[culprit].starts_with('-') && !arguments[culprit].contains('=');
        let has_value = alone
            && arguments
                .get(culprit + 1)
                .is_some_and(|next| !next.starts_with('-'));
        arguments.drain(culprit..=culprit + usize::from(has_value));
    }
}

/// Which argument clap refused.
fn culprit(error: &clap::Error, arguments: &[String]) -> Option<usize> {
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    // clap shows a known flag with its value's name ("--zones <LIST>").
    let name = name.split([' ', '=']).next()?;
    arguments
        .iter()
        .position(|argument| argument.split('=').next() == Some(name))
}

fn usage(error: &clap::Error, name: Option<&str>) -> Problem {
    let (wrong, allowed) = match error.kind() {
        ErrorKind::UnknownArgument => {
            let suggestion = match error.get(ContextKind::SuggestedArg) {
                Some(ContextValue::String(flag)) => format!("did you mean {flag}? "),
                _ => String::new(),
            };
            (
                "unknown".to_owned(),
                format!("{suggestion}--help lists all flags"),
            )
        }
        ErrorKind::InvalidValue | ErrorKind::NoEquals | ErrorKind::WrongNumberOfValues => (
            "a value is missing".to_owned(),
            "--help lists all flags".to_owned(),
        ),
        _ => (
            error.to_string().lines().next().unwrap_or("wrong use").to_owned(),
            String::new(),
        ),
    };
    let place = name.map(|name| Place::Flag(name.to_owned()));
    Problem {
        place,
        field: String::new(),
        value: None,
        wrong,
        allowed,
    }
}

fn command(program: &Program, leaves: &[Leaf]) -> Command {
    let prefix = program.variable_prefix();
    let config = Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .help(format!(
            "YAML file with any of the settings below [env: {}]",
            variable_name(&prefix, [CONFIG].into_iter())
        ))
        .action(ArgAction::Set);
    Command::new(program.name)
        .version(program.version)
        .about(program.about)
        .after_help(
            "Every setting is a field of the configuration file, a flag and an environment variable; a flag wins over a \
             variable, that over the file. Lists of mappings are given to flags and variables as inline YAML.",
        )
        .args_override_self(true)
        .next_line_help(true)
        .arg(config)
        .args(leaves.iter().map(|leaf| argument(&prefix, leaf)))
}

fn argument(prefix: &str, leaf: &Leaf) -> Arg {
    let mut notes = vec![format!("allowed: {}", leaf.field.allowed)];
    if let Some(default) = &leaf.field.default {
        notes.push(format!("default: {default}"));
    } else if leaf.field.required {
        notes.push("required".to_owned());
    }
    let own = variable_name(prefix, leaf.path.iter().copied());
    let variables = std::iter::once(own.as_str()).chain(leaf.field.environment.iter().copied());
    notes.push(format!("env: {}", variables.collect::<Vec<_>>().join(", ")));
    notes.push(format!("file: {}", leaf.id()));
    let doc = leaf.field.doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let argument = Arg::new(leaf.id())
        .long(flag_name(leaf.path.iter().copied()))
        .help(format!("{doc}\n[{}]", notes.join("] [")))
        .action(ArgAction::Set);
    match &leaf.field.shape {
        Shape::Scalar { switch: true, .. } => argument
            .value_name("BOOL")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Shape::List(_) => argument.value_name("LIST"),
        _ => argument.value_name("VALUE").allow_negative_numbers(true),
    }
}

/// Puts flags and variables over what the file says.
pub(crate) fn overlay(
    root: &mut Mapping,
    prefix: &str,
    leaves: &[Leaf],
    flags: &[(Leaf, String)],
    environment: &[(String, String)],
    problems: &mut Problems,
) {
    let mut put = |leaf: &Leaf, text: &str, place: Place| match leaf.node(text, place) {
        Ok(node) => root.overlay(&leaf.path, node),
        Err(problem) => {
            problems.unreadable.push(leaf.id());
            problems.found.push(*problem);
        }
    };
    for leaf in leaves {
        let own = variable_name(prefix, leaf.path.iter().copied());
        // The last overlay wins, so the names go from the weakest to the strongest.
        for name in leaf.field.environment.iter().rev().copied().chain([own.as_str()]) {
            for (_, text) in environment
                .iter()
                .filter(|(key, text)| key == name && !text.is_empty())
            {
                put(leaf, text, Place::Environment(name.to_owned()));
            }
        }
    }
    for (leaf, text) in flags {
        let name = flag_name(leaf.path.iter().copied());
        put(leaf, text, Place::Flag(format!("--{name}")));
    }
}
