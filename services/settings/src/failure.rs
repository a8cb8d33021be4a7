//! How a service says why it cannot run, in the same form in all of them.

use std::error::Error;
use std::process::ExitCode;

use crate::load::Program;

impl Program {
    /// Says on stderr in one line why the program cannot run, or ends before it was told to. The exit code is 1; wrong settings have
    /// 2, see [`load_or_exit`](crate::load_or_exit).
    #[must_use]
    pub fn failure(&self, error: &(dyn Error + 'static)) -> ExitCode {
        eprintln!("{}", self.failure_line(error));
        ExitCode::FAILURE
    }

    fn failure_line(&self, error: &(dyn Error + 'static)) -> String {
        let mut said = String::new();
        let mut next = Some(error);
        while let Some(cause) = next {
            let text = cause.to_string();
            // Many errors say their cause themselves.
            if !said.contains(&text) {
                if !said.is_empty() {
                    said.push_str(": ");
                }
                said.push_str(&text);
            }
            next = cause.source();
        }
        let said = said
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>();
        format!("{}: {}", self.name, said.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Caused(&'static str, Option<Box<Self>>);

    impl fmt::Display for Caused {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Caused {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn one_line_and_no_cause_twice() {
        let program = Program {
            name: "clb-example",
            version: "1",
            about: "",
        };
        let root = Caused("see\n  the manual", None);
        let inner = Caused("address in use", Some(Box::new(root)));
        let outer = Caused("cannot listen: address in use", Some(Box::new(inner)));
        assert_eq!(
            program.failure_line(&outer),
            "clb-example: cannot listen: address in use: see the manual"
        );
    }
}
