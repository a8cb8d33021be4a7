//! What is printed.

use std::collections::BTreeMap;
use std::time::Duration;

use clb_processes::{Process, Services};

#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// The most memory that each service has had.
pub(crate) fn memory(services: &Services) -> anyhow::Result<()> {
    for process in [&services.watcher, &services.planner, &services.actuator] {
        say(&format!(
            "  {:<13} {:>7.1} MiB at most (VmHWM)",
            process.name(),
            mebibytes(process)?
        ));
    }
    Ok(())
}

/// The most memory that a process has had, in MiB.
pub(crate) fn mebibytes(process: &Process) -> anyhow::Result<f64> {
    Ok(process.peak_memory_kib()? as f64 / 1024.0)
}

/// Calls of the cloud by action, those that there were.
pub(crate) fn actions(counts: &BTreeMap<String, u64>) {
    for (action, calls) in counts {
        say(&format!("  {action:<40} {calls:>7}"));
    }
}

/// Median, 99th percentile and longest.
pub(crate) fn percentiles(mut times: Vec<Duration>, floor: Duration) {
    times.sort_unstable();
    let Some(longest) = times.last() else { return };
    // The nearest rank: so many of a hundred are not longer.
    let at = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
    for (name, time) in [("p50", at(50)), ("p99", at(99)), ("max", *longest)] {
        let ratio = time.as_secs_f64() / floor.as_secs_f64();
        say(&format!(
            "  {name} {:>8.1} ms, {ratio:.2} × the floor",
            time.as_secs_f64() * 1e3
        ));
    }
}
