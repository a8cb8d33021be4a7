//! Files that settings name: looked at where the settings are to be run with, and only there.

use std::path::PathBuf;

use clb_settings::{LoadError, from_yaml, load, settings};

use crate::example::{PROGRAM, file, lines};

settings! {
    /// Two files.
    struct Files {
        /// One that is needed.
        certificate: PathBuf = required().file(|content| {
            if content.starts_with(b"PEM") { Ok(()) } else { Err("no PEM".to_owned()) }
        }),
        /// One that is not.
        kubeconfig: Option<PathBuf> = optional().file(|_| Ok(())),
        /// A number.
        workers: u8 = default("4").between("1", "8"),
    }
}

fn problems(arguments: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
    let arguments = arguments.iter().map(|&argument| argument.to_owned());
    let environment = environment
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    match load::<Files>(&PROGRAM, arguments, environment) {
        Ok(_) => Vec::new(),
        Err(LoadError::Wrong(errors)) => lines(&errors, "(no file)"),
        Err(LoadError::Print(text)) => panic!("printed {text}"),
    }
}

#[test]
fn all_that_cannot_be_used_are_named_with_the_other_mistakes() {
    let (_guard, other) = file("something else");
    let found = problems(
        &["--certificate", &other, "--kubeconfig=/no/such", "--workers=9"],
        &[],
    );
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found[0].contains("certificate: ") && found[0].contains("no PEM"),
        "{found:?}"
    );
    assert!(!found[0].contains("something else"), "{found:?}");
    assert!(
        found[1].starts_with("flag --kubeconfig: kubeconfig: \"/no/such\": the file cannot be read"),
        "{found:?}"
    );
    assert!(found[2].contains("workers"), "{found:?}");
}

#[test]
fn a_file_that_is_not_used_is_not_looked_at() {
    let (_guard, good) = file("PEM");
    let arguments = ["--certificate", good.as_str(), "--kubeconfig", good.as_str()];
    assert_eq!(problems(&arguments[..2], &[]), [""; 0]);
    assert_eq!(
        problems(&arguments, &[("CLB_EXAMPLE_KUBECONFIG", "/no/such")]),
        [""; 0]
    );
}

#[test]
fn settings_for_another_machine_can_be_read() {
    let settings = from_yaml::<Files>("{certificate: /no/such, kubeconfig: /no/such}").unwrap();
    assert_eq!(
        (settings.certificate, settings.workers),
        (PathBuf::from("/no/such"), 4)
    );
    assert!(settings.kubeconfig.is_some());
}
