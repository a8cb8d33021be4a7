//! What was found, and how it is printed: one finding a line, as compilers do, then a summary.

use std::fmt;
use std::path::PathBuf;

use super::document::Line;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It could not be looked at.
    Unreadable,
    /// The planner would leave the cloud alone until it is mended, or the API server would refuse the Service.
    Mistake,
    /// The Service works, but not in every respect as its author may think.
    Remark,
    /// What only the cloud or the cluster can say.
    Unchecked,
}

/// Something to say about a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the file as a whole.
    pub line: Line,
    /// Namespace and name of the Service; empty when the file as a whole is meant.
    pub service: String,
    /// How bad it is.
    pub level: Level,
    /// In words.
    pub message: String,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order of the files and lines.
    pub findings: Vec<Finding>,
    /// How many files were read.
    pub files: usize,
    /// How many Services of type LoadBalancer were looked at.
    pub services: usize,
}

impl Report {
    /// Whether anything has to be mended.
    #[must_use]
    pub fn has_mistakes(&self) -> bool {
        self.count(Level::Mistake) > 0
    }

    /// Whether not everything could be read.
    #[must_use]
    pub fn has_unreadable(&self) -> bool {
        self.count(Level::Unreadable) > 0
    }

    fn count(&self, level: Level) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        let level = match self.level {
            Level::Unreadable => "not read",
            Level::Mistake => "mistake",
            Level::Remark => "remark",
            Level::Unchecked => "not checked",
        };
        write!(f, ": {level}: ")?;
        if !self.service.is_empty() {
            write!(f, "Service {}: ", self.service)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        write!(
            f,
            "{} of type LoadBalancer in {}: {}, {}",
            count(self.services, "Service"),
            count(self.files, "file"),
            count(self.count(Level::Mistake), "mistake"),
            count(self.count(Level::Remark), "remark"),
        )?;
        match self.count(Level::Unreadable) {
            0 => writeln!(f),
            unreadable => writeln!(f, ", {unreadable} not read"),
        }
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
