//! From a program's arguments, environment and file to its settings.

use std::process::exit;
use std::sync::Arc;

use crate::command_line::{CONFIG, Given, leaves, overlay, read, variable_name};
use crate::document::{Mapping, Node, Source, Value, parse};
use crate::problem::{Place, Problem, SettingsErrors};
use crate::read::{At, Problems, read_group};
use crate::setting::Settings;

/// The program whose settings are read.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The binary's name, such as `clb-watcher`; `CLB_WATCHER_` is then the prefix of its variables.
    pub name: &'static str,
    /// Its version, shown by `--version`.
    pub version: &'static str,
    /// What it is, in a sentence, shown by `--help`.
    pub about: &'static str,
}

impl Program {
    pub(crate) fn variable_prefix(&self) -> String {
        self.name.replace('-', "_").to_uppercase()
    }
}

/// Why there are no settings to run with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// Not an error: `--help` or `--version` was asked for; print this and end with success.
    Print(String),
    /// Every mistake that was found.
    Wrong(SettingsErrors),
}

/// Reads the settings from `arguments` (without the program's name), `environment` and the file that
/// `--config` names.
///
/// # Errors
/// [`LoadError::Print`] for `--help` and `--version`, otherwise every wrong field at once.
pub fn load<T: Settings>(
    program: &Program,
    arguments: impl IntoIterator<Item = String>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<T, LoadError> {
    let leaves = leaves(T::fields());
    let (config, flags, usage) = match read(program, &leaves, arguments.into_iter().collect()) {
        Given::Print(text) => return Err(LoadError::Print(text)),
        Given::Values {
            config,
            flags,
            problems,
        } => (config, flags, problems),
    };
    let environment: Vec<_> = environment.into_iter().collect();
    let prefix = program.variable_prefix();
    let mut problems = Problems {
        found: usage,
        prefix: Some(prefix.clone()),
        missing_is_unknown: false,
        unreadable: Vec::new(),
        for_this_machine: true,
    };

    let config_variable = variable_name(&prefix, [CONFIG].into_iter());
    let config = config.or_else(|| {
        let (name, file) = environment
            .iter()
            .find(|(key, file)| *key == config_variable && !file.is_empty())?;
        Some((file.clone(), Place::Environment(name.clone())))
    });
    let mut root = Mapping::default();
    if let Some((file, place)) = config {
        match read_file(&file, place) {
            Ok(mapping) => root = mapping,
            Err(problem) => {
                problems.found.push(*problem);
                problems.missing_is_unknown = true;
            }
        }
    }
    overlay(&mut root, &prefix, &leaves, &flags, &environment, &mut problems);
    finish(root, problems).map_err(LoadError::Wrong)
}

/// [`load`] with the process's own arguments and environment. Prints `--help` and ends the process with 0;
/// prints mistakes to stderr and ends it with 2.
pub fn load_or_exit<T: Settings>(program: &Program) -> T {
    let arguments = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned());
    // A variable that is no Unicode is not one of ours: its name would have to match, and then its value be
    // checked.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    match load(program, arguments, environment) {
        Ok(settings) => settings,
        Err(LoadError::Print(text)) => {
            #[expect(clippy::print_stdout, reason = "--help and --version are for stdout")]
            {
                print!("{text}");
            }
            exit(0)
        }
        Err(LoadError::Wrong(errors)) => {
            eprintln!("{}: {errors}", program.name);
            exit(2)
        }
    }
}

/// Reads settings from YAML alone, without flags and environment: for tests, and for the sandbox, which
/// starts services itself.
///
/// # Errors
/// Every wrong field.
pub fn from_yaml<T: Settings>(text: &str) -> Result<T, SettingsErrors> {
    let mut problems = Problems::default();
    let root =
        match parse(text, &Source::File(Arc::from("settings"))).and_then(|node| top_mapping(node, None)) {
            Ok(mapping) => mapping,
            Err(problem) => {
                problems.found.push(*problem);
                problems.missing_is_unknown = true;
                Mapping::default()
            }
        };
    finish(root, problems)
}

/// Checks a declaration itself, for a test of each service: defaults are values of their types, no two fields
/// share a flag.
///
/// # Errors
/// What is wrong with the declaration; fields that are required and lists that must not be empty are none of
/// it.
pub fn check_declaration<T: Settings>() -> Result<(), SettingsErrors> {
    let leaves = leaves(T::fields());
    let mut found: Vec<Problem> = Vec::new();
    let mut names = vec![CONFIG.to_owned(), "help".to_owned(), "version".to_owned()];
    for leaf in &leaves {
        let flag = crate::command_line::flag_name(leaf.path.iter().copied());
        if names.contains(&flag) {
            found.push(Problem {
                place: None,
                field: leaf.id(),
                value: None,
                wrong: format!("the flag --{flag} is there already"),
                allowed: String::new(),
            });
        }
        names.push(flag);
    }
    if let Err(errors) = from_yaml::<T>("{}") {
        found.extend(
            errors
                .problems()
                .iter()
                .filter(|problem| problem.place == Some(Place::Default))
                .cloned(),
        );
    }
    SettingsErrors::from_problems(found).map_or(Ok(()), Err)
}

fn read_file(file: &str, place: Place) -> Result<Mapping, Box<Problem>> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Box::new(Problem {
            place: Some(place),
            field: String::new(),
            value: Some(file.to_owned()),
            wrong: format!("cannot read the configuration file: {error}"),
            allowed: "name a readable YAML file".to_owned(),
        })
    })?;
    top_mapping(parse(&text, &Source::File(Arc::from(file)))?, Some(file))
}

fn top_mapping(node: Node, file: Option<&str>) -> Result<Mapping, Box<Problem>> {
    match node.value {
        Value::Mapping(mapping) => Ok(mapping),
        Value::Null => Ok(Mapping::default()),
        other => Err(Box::new(Problem {
            place: Some(node.place),
            field: String::new(),
            value: None,
            wrong: format!(
                "{} holds {} where a mapping of settings is needed",
                file.unwrap_or("it"),
                other.kind()
            ),
            allowed: "write one field per line, such as `log: {level: info}`".to_owned(),
        })),
    }
}

fn finish<T: Settings>(root: Mapping, mut problems: Problems) -> Result<T, SettingsErrors> {
    let node = Node {
        place: Place::Default,
        value: Value::Mapping(root),
        overridden: Vec::new(),
    };
    let settings = read_group(&node, &mut At::root(&mut problems));
    match (settings, SettingsErrors::from_problems(problems.found)) {
        (Some(settings), None) => Ok(settings),
        (_, Some(errors)) => Err(errors),
        (None, None) => Err(SettingsErrors::without_reason()),
    }
}
