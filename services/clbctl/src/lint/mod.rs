//! Checks Service manifests with the planner's own core, before they are applied: [`lint`].
//!
//! `files` finds the manifests, `document` reads them with the line of each value, `manifest` (with `fields`) makes Services of them,
//! `check` asks the core, [`Report`] is what is printed.

mod check;
mod document;
mod fields;
mod files;
mod manifest;
mod report;

use std::path::{Path, PathBuf};

use clb_planner_core::annotations::instance::MASTER_ZONE;
use clb_planner_core::facts::Question;

use manifest::Manifest;
pub use report::{Finding, Level, Report};

/// In place of a file or folder: standard input.
const STANDARD_INPUT: &str = "-";
/// How findings in it name it, as compilers do.
const STANDARD_INPUT_NAME: &str = "<stdin>";

/// Checks all Services of type LoadBalancer in files and folders, `-` being standard input.
#[must_use]
pub fn lint(places: &[PathBuf]) -> Report {
    let mut report = Report::default();
    let mut files = Vec::new();
    let mut unreadable = Vec::new();
    for place in places {
        files::manifests(place, &mut files, &mut unreadable);
    }
    for unreadable in unreadable {
        report
            .findings
            .push(not_read(&unreadable.place, unreadable.reason));
    }
    for file in files {
        let read = if file.as_os_str() == STANDARD_INPUT {
            let text = std::io::read_to_string(std::io::stdin());
            text.map(|text| (PathBuf::from(STANDARD_INPUT_NAME), text))
        } else {
            std::fs::read_to_string(&file).map(|text| (file.clone(), text))
        };
        match read {
            Ok((file, text)) => {
                report.files += 1;
                lint_text(&file, &text, &mut report);
            }
            Err(error) => report.findings.push(not_read(&file, error.to_string())),
        }
    }
    report
}

fn lint_text(file: &Path, text: &str, report: &mut Report) {
    let documents = match document::parse(text) {
        Ok(documents) => documents,
        Err(error) => {
            report.findings.push(Finding {
                file: file.to_owned(),
                line: error.line,
                service: String::new(),
                level: Level::Mistake,
                message: format!("is not valid YAML: {}", error.reason),
            });
            return;
        }
    };
    for manifest in documents.iter().flat_map(manifest::services) {
        report.services += 1;
        let mut findings = findings(file, &manifest);
        findings.sort_by_key(|finding| (finding.line, finding.level));
        report.findings.append(&mut findings);
    }
}

fn findings(file: &Path, manifest: &Manifest<'_>) -> Vec<Finding> {
    let service = manifest.service.key.to_string();
    let finding = |line, level, message| Finding {
        file: file.to_owned(),
        line,
        service: service.clone(),
        level,
        message,
    };
    let mut findings: Vec<_> = manifest
        .problems
        .iter()
        .map(|(line, problem)| finding(*line, Level::Mistake, problem.to_string()))
        .collect();
    let verdict = check::check(&manifest.service, manifest.whole);
    if verdict.foreign {
        let message = "is for another controller, as its class or tunnel type says, so nothing is checked";
        findings.push(finding(
            manifest.line_of("metadata.name"),
            Level::Remark,
            message.to_owned(),
        ));
    }
    findings.extend(verdict.problems.iter().map(|problem| {
        finding(
            manifest.line_of(&problem.place),
            Level::Mistake,
            problem.to_string(),
        )
    }));
    findings.extend(verdict.notices.into_iter().map(|notice| {
        finding(
            manifest.line_of_remark(&notice.message),
            Level::Remark,
            notice.message,
        )
    }));
    findings.extend(verdict.granted.iter().map(|question| {
        let (what, id) = match question {
            Question::Certificate(id) => ("server certificate", id),
            Question::AccessControlList(id) => ("access control list", id),
            Question::VSwitch(id) => ("vSwitch", id),
            Question::ZonePairs => {
                let line = manifest.line_of(&MASTER_ZONE.name());
                let message = "whether the zones are of the region, and have such a CLB".to_owned();
                return finding(line, Level::Unchecked, message);
            }
            Question::StaticAddress(address) => {
                let line = manifest.line_of_value(&address.address.to_string());
                return finding(line, Level::Unchecked, format!("whether {address} is free"));
            }
        };
        let line = manifest.line_of_value(id);
        finding(line, Level::Unchecked, format!("whether {what} {id} exists"))
    }));
    findings
}

fn not_read(file: &Path, reason: String) -> Finding {
    Finding {
        file: file.to_owned(),
        line: 0,
        service: String::new(),
        level: Level::Unreadable,
        message: reason,
    }
}
