//! The reference of a service's settings in Markdown, from its declaration.

use std::fmt::Write as _;

use crate::command_line::{flag_name, variable_name};
use crate::load::Program;
use crate::setting::{FieldShape, Settings, Shape};

/// What a table begins with.
const HEADER: &str = "| setting | value | default | what it is |\n|---|---|---|---|\n";

/// A section about one program: a heading, then a row for each setting in the order of declaration. The fields of a list's items are
/// written `clusters[].id`.
#[must_use]
pub fn reference<T: Settings>(program: &Program) -> String {
    let prefix = program.variable_prefix();
    let example = ["log", "level"];
    let mut section = format!(
        "## {}\n\n{}\n\nIn the file `{}`, as a flag `--{}`, in the environment `{}`; the file itself is named by `--config` or \
         `{}`.\n\n{HEADER}",
        program.name,
        program.about,
        example.join("."),
        flag_name(example.into_iter()),
        variable_name(&prefix, example.into_iter()),
        variable_name(&prefix, ["config"].into_iter()),
    );
    rows("", &T::fields(), &mut section);
    section
}

fn rows(group: &str, fields: &[FieldShape], section: &mut String) {
    for field in fields {
        let name = if group.is_empty() {
            field.name.to_owned()
        } else {
            format!("{group}.{}", field.name)
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            section,
            "| `{name}` | {} | {} | {} |",
            value(field),
            default(group, field),
            meaning(field)
        );
        match &field.shape {
            Shape::Scalar { .. } => {}
            Shape::Group(inner) => rows(&name, inner, section),
            Shape::List(item) => {
                if let Shape::Group(inner) = &**item {
                    rows(&format!("{name}[]"), inner, section);
                }
            }
        }
    }
}

fn value(field: &FieldShape) -> String {
    match &field.shape {
        Shape::Group(_) => "a group of settings".to_owned(),
        Shape::List(item) if matches!(**item, Shape::Group(_)) => "a list of mappings".to_owned(),
        _ => cell(&field.allowed),
    }
}

fn default(group: &str, field: &FieldShape) -> String {
    match (&field.default, &field.shape) {
        (Some(default), _) => format!("`{}`", cell(default)),
        (None, Shape::Group(_)) => String::new(),
        (None, _) if !field.required => "none".to_owned(),
        (None, _) if group.is_empty() => "required".to_owned(),
        (None, _) => format!("required in `{group}`"),
    }
}

/// The declaration's comment, and the variables that others know the field by.
fn meaning(field: &FieldShape) -> String {
    let mut text = cell(&field.doc);
    if !field.environment.is_empty() {
        let names: Vec<_> = field.environment.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(text, " Also from the environment: {}.", names.join(", "));
    }
    text
}

/// A text that is one cell of a table: on one line, with no mark that Markdown would take for its own.
fn cell(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
#[expect(dead_code, reason = "only the declarations are looked at")]
mod tests {
    use super::reference;
    use crate::{Program, settings};

    settings! {
        /// For the test.
        struct Example {
            /// A name | with
            /// two lines.
            name: String = required().not_blank(),
            /// Its group.
            group: Inner = group(),
            /// Its list.
            list: Vec<Inner> = list(),
        }
    }

    settings! {
        /// Fields of a group.
        struct Inner {
            /// How many.
            count: u32 = default("3").between("1", "9").env("COUNT"),
            /// Where.
            place: String = required(),
        }
    }

    #[test]
    fn every_field_has_a_row_with_all_that_is_declared() {
        let program = Program {
            name: "clb-example",
            version: "1",
            about: "Shows how.",
        };
        let section = reference::<Example>(&program);
        let rows: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), 7, "{section}");
        assert!(
            section.starts_with(
                "## clb-example\n\nShows how.\n\nIn the file `log.level`, as a flag `--log-level`"
            )
        );
        assert!(section.contains("`CLB_EXAMPLE_LOG_LEVEL`") && section.contains("`CLB_EXAMPLE_CONFIG`"));
        assert!(
            rows[0].starts_with("| `name` | ")
                && rows[0].ends_with("| required | A name \\| with two lines. |")
        );
        assert_eq!(rows[1], "| `group` | a group of settings |  | Its group. |");
        assert_eq!(
            rows[2],
            "| `group.count` | a whole number from 1 to 9 | `3` | How many. Also from the environment: `COUNT`. |"
        );
        assert!(rows[3].contains("| required in `group` |"), "{}", rows[3]);
        assert_eq!(rows[4], "| `list` | a list of mappings | none | Its list. |");
        assert!(rows[5].starts_with("| `list[].count` |"), "{}", rows[5]);
    }
}
