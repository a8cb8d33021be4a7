//! The health checks of a service, as an operator sees them.

use clb_sandbox::world::Component;

/// Checks that `/readyz?verbose` and the metric agree on whether a check is ok.
///
/// # Panics
/// When one of them says otherwise.
pub fn assert_check(component: &Component, check: &str, ok: bool) {
    let report = component.health.report();
    let line = if ok {
        format!("[+]{check} ok\n")
    } else {
        format!("[-]{check} failed: ")
    };
    assert!(report.contains(&line), "{}: {report}", component.name);
    let metrics = component
        .metrics
        .render()
        .unwrap_or_else(|error| panic!("{}: {error}", component.name));
    let sample = format!("clb_check_ok{{check=\"{check}\"}} {}\n", u8::from(ok));
    assert!(
        metrics.contains(&sample),
        "{}: no {sample}in {metrics}",
        component.name
    );
}
