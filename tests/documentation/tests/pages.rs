//! The pages of `docs/` against what the code declares.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use clb_documentation::{configuration, metrics, repository};

/// Fails where a page differs from its file, or writes the file where `UPDATE_DOCS` is set.
fn compare(file: &str, page: &str) {
    let path = repository(file);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "{file} is out of date: run the tests of clb-documentation with UPDATE_DOCS=1"
    );
}

#[test]
fn the_page_on_configuration_is_made_from_the_declarations() {
    let page = configuration::page();
    compare("docs/configuration.md", &page);
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let bars = line.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 5, "{line}");
    }
}

#[tokio::test]
async fn the_page_on_metrics_is_made_from_what_services_register() {
    let services = metrics::declared().await.unwrap();
    for service in &services {
        assert!(service.metrics.len() > 5, "{service:?}");
        for metric in &service.metrics {
            assert!(
                !metric.help.contains('|') && !metric.help.is_empty(),
                "{}",
                metric.name
            );
        }
    }
    compare("docs/metrics.md", &metrics::page(&services));
}
