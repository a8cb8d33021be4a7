//! Rows as text.

use crate::annotations::explain::{explain, reference_page, similar_names};
use crate::annotations::table;

#[test]
fn a_row_is_explained_with_all_that_it_says() {
    insta::assert_snapshot!("health-check-timeout", explain("health-check-timeout").unwrap());
    insta::assert_snapshot!(
        "backend-type",
        explain("service.beta.kubernetes.io/backend-type").unwrap()
    );
    insta::assert_snapshot!("name", explain("alibaba-cloud-loadbalancer-name").unwrap());
    assert_eq!(explain("nonsense"), None);
}

#[test]
fn every_field_of_every_row_is_said() {
    for row in table() {
        let text = explain(row.suffix).unwrap();
        for field in [
            "type:",
            "range:",
            "default:",
            "example:",
            "applies to:",
            "immutable:",
            "since:",
        ] {
            let said = text
                .lines()
                .find_map(|line| line.trim_start().strip_prefix(field));
            assert!(said.is_some_and(|said| !said.trim().is_empty()), "{field} {text}");
        }
        assert!(
            text.contains(&(row.allowed)()) && text.contains(row.default),
            "{text}"
        );
        assert!(row.names().iter().all(|name| text.contains(name)), "{text}");
    }
}

#[test]
fn a_name_that_is_not_there_leads_to_those_that_resemble_it() {
    let similar = similar_names("bandwith");
    assert_eq!(similar.len(), 3);
    assert_eq!(
        similar[0],
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-bandwidth"
    );
}

#[test]
fn the_reference_page_has_a_line_for_each_annotation() {
    let page = reference_page();
    for row in table() {
        let lines = page
            .lines()
            .filter(|line| line.contains(&format!("| `{}` |", row.name())));
        assert_eq!(lines.count(), 1, "{}", row.suffix);
    }
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(rows.clone().count(), table().count());
    // A stray bar in a text would break the table.
    assert!(
        rows.into_iter().all(|line| line.matches('|').count() == 9),
        "{page}"
    );
}

#[test]
fn the_page_in_the_documentation_is_made_from_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/annotations.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, reference_page()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert!(
        written == reference_page(),
        "docs/annotations.md is out of date: run the planner core's tests with UPDATE_DOCS=1"
    );
}
