//! `clbctl explain`, and the page that is made from the same tables.

use clb_model::events;
use clb_planner_core::{annotations, conditions};

use crate::command::{clbctl, repository};

const PREFIX: &str = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";

#[test]
fn an_annotation_is_found_by_every_name_that_a_person_would_use() {
    let whole = clbctl(&["explain", "annotation", &format!("{PREFIX}bandwidth")]);
    assert_eq!(whole.code, 0, "{}", whole.err);
    assert!(
        whole.out.starts_with(&format!("{PREFIX}bandwidth\n")) && whole.out.contains("from 1 to 5120"),
        "{}",
        whole.out
    );
    for name in [
        "bandwidth",
        "loadbalancer-bandwidth",
        "alibaba-cloud-loadbalancer-bandwidth",
        "alicloud-loadbalancer-bandwidth",
        "service.beta.kubernetes.io/alicloud-loadbalancer-bandwidth",
    ] {
        let ran = clbctl(&["explain", "annotation", name]);
        assert_eq!((ran.code, &ran.out), (0, &whole.out), "{name}: {}", ran.err);
    }
}

#[test]
fn every_annotation_is_explained_with_every_field() {
    for row in annotations::table() {
        for name in row.names() {
            let ran = clbctl(&["explain", "annotation", &name]);
            assert_eq!(ran.code, 0, "{name}: {}", ran.err);
            for field in ["type", "range", "default", "applies to", "immutable", "since"] {
                let said = ran
                    .out
                    .lines()
                    .any(|line| line.trim_start().starts_with(&format!("{field}: ")));
                assert!(said, "{field}\n{}", ran.out);
            }
        }
    }
}

#[test]
fn misspelt_names_lead_to_the_nearest_first() {
    for (name, nearest) in [
        ("schedular", format!("{PREFIX}scheduler")),
        ("Bandwidth", format!("{PREFIX}bandwidth")),
        ("health_check_uri", format!("{PREFIX}health-check-uri")),
        (
            "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-certid",
            format!("{PREFIX}cert-id"),
        ),
        (
            "service.beta.kubernetes.io/alicloud-loadbalancer-certid",
            "service.beta.kubernetes.io/alicloud-loadbalancer-cert-id".to_owned(),
        ),
        (
            "alibaba-cloud-loadbalancer-backend-type",
            "service.beta.kubernetes.io/backend-type".to_owned(),
        ),
    ] {
        let ran = clbctl(&["explain", "annotation", name]);
        assert_eq!(ran.code, 1, "{name}");
        let first = ran.err.lines().nth(1).map(str::trim);
        assert_eq!(first, Some(nearest.as_str()), "{name}: {}", ran.err);
    }
}

#[test]
fn a_word_leads_to_the_names_that_hold_it() {
    let names = |word: &str| -> Vec<String> {
        let ran = clbctl(&["explain", "annotation", word]);
        assert_eq!(ran.code, 1, "{word}: {}", ran.out);
        let lines = ran.err.lines().filter_map(|line| line.strip_prefix("  "));
        lines.map(str::to_owned).collect()
    };
    let zones = names("zone");
    assert_eq!(
        zones,
        [format!("{PREFIX}master-zoneid"), format!("{PREFIX}slave-zoneid")]
    );
    let timeouts = names("timeout");
    assert_eq!(timeouts.len(), 8, "{timeouts:#?}");
    assert!(
        timeouts.iter().all(|name| name.ends_with("-timeout")),
        "{timeouts:#?}"
    );
    let types = names("type");
    for end in ["address-type", "charge-type", "sticky-session-type", "acl-type"] {
        assert!(types.contains(&format!("{PREFIX}{end}")), "{end}: {types:#?}");
    }
    assert_eq!(
        clbctl(&["explain", "annotation", ""]).out,
        clbctl(&["explain", "annotations"]).out
    );
}

#[test]
fn an_unknown_annotation_ends_with_1_and_the_nearest_names() {
    let ran = clbctl(&["explain", "annotation", "bandwith"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(
        ran.err.contains("\"bandwith\"") && ran.err.contains(&format!("\n  {PREFIX}bandwidth\n")),
        "{}",
        ran.err
    );
}

#[test]
fn all_annotations_are_listed() {
    let ran = clbctl(&["explain", "annotations"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(clbctl(&["explain", "annotation"]).out, ran.out);
    for row in annotations::table() {
        assert!(ran.out.contains(row.suffix), "{}", row.suffix);
    }
}

#[test]
fn the_markdown_is_the_page_of_the_documentation() {
    let ran = clbctl(&["explain", "annotations", "--markdown"]);
    let page = std::fs::read_to_string(repository("docs/annotations.md")).unwrap();
    assert!(
        ran.out == page,
        "docs/annotations.md differs from what clbctl prints"
    );
}

#[test]
fn all_conditions_are_listed_with_all_their_reasons() {
    let ran = clbctl(&["explain", "conditions"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for kind in conditions::TABLE {
        assert!(
            ran.out.contains(kind.kind) && ran.out.contains(kind.meaning),
            "{}",
            kind.kind
        );
        for reason in kind.reasons {
            let meaning = conditions::meaning(reason).unwrap();
            let explained = |line: &str| line.trim_start().starts_with(reason) && line.ends_with(meaning);
            assert!(ran.out.lines().any(explained), "{reason}\n{}", ran.out);
        }
    }
}

#[test]
fn all_events_are_listed_with_what_to_do() {
    let ran = clbctl(&["explain", "events"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for reason in events::TABLE {
        for text in [reason.name, reason.meaning, reason.remedy] {
            assert!(ran.out.contains(text), "{text}");
        }
    }
    assert!(
        ran.out.contains("SyncLoadBalancerFailed (Warning)"),
        "{}",
        ran.out
    );
}

#[test]
fn the_page_on_conditions_and_events_is_made_from_the_tables() {
    let path = repository("docs/conditions-and-events.md");
    let page = clbctl::explain::conditions_and_events();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/conditions-and-events.md is out of date: run clbctl's tests with UPDATE_DOCS=1"
    );
    // A stray bar in a text would break a table.
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        assert!([3, 5].contains(&line.matches('|').count()), "{line}");
    }
}

#[test]
fn wrong_use_ends_with_2_and_help_has_examples() {
    assert_eq!(clbctl(&["explain", "weather"]).code, 2);
    let help = clbctl(&["--help"]);
    assert_eq!(help.code, 0);
    for text in [
        "explain",
        "lint",
        "clusters",
        "services",
        "clbctl lint deploy/examples",
    ] {
        assert!(help.out.contains(text), "{text}\n{}", help.out);
    }
}
