//! The settings that every service has for logs, traces and the admin port.

use std::net::SocketAddr;
use std::time::Duration;

use clb_settings::{Url, choice, settings};

choice! {
    /// How log lines look.
    pub enum LogFormat {
        /// One JSON object per line, for collectors.
        Json = "json",
        /// One coloured line per event, for people.
        Pretty = "pretty",
    }
}

settings! {
    /// How and how much is logged: a service's group `log`.
    pub struct LogSettings {
        /// Form of a log line.
        format: LogFormat = default("json"),
        /// What is logged: a level, or levels by module such as info,clb_planner=debug.
        level: String = default("info").env("RUST_LOG").check(|text: &String| {
            bare_words_are_levels(text)?;
            crate::log_filter::log_filter(text).map(|_| ()).map_err(|error| error.to_string())
        }).allowed("error, warn, info, debug, trace or off, also per module as in info,clb_planner=debug"),
    }
}

/// The filter takes a word that is no level for the name of a module, and then logs nothing else: a misspelt level would make the
/// service silent.
fn bare_words_are_levels(text: &str) -> Result<(), String> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let mut given = text
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
        .peekable();
    if given.peek().is_none() {
        return Err("empty".to_owned());
    }
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    match given.find(|directive| !directive.contains(['=', '[']) && !is_level(directive)) {
        Some(word) => Err(format!("{word:?} is no level")),
        None => Ok(()),
    }
}

settings! {
    /// Where traces go: a service's group `otlp`.
    pub struct OtlpSettings {
        /// Collector that takes OTLP over gRPC; without one no trace leaves the process.
        endpoint: Option<Url> = optional().env("OTEL_EXPORTER_OTLP_ENDPOINT")
            .allowed("an http URL of a gRPC receiver, such as http://127.0.0.1:4317")
            .check(|endpoint: &Option<Url>| match endpoint {
                Some(url) if url.scheme() != "http" => {
                    Err("only http: run a collector beside the service, which sends on with TLS".to_owned())
                }
                _ => Ok(()),
            }),
        /// Share of the traces that begin here which are kept, 1 for all.
        sample_ratio: f64 = default("1").between("0", "1"),
        /// Deadline of one export.
        timeout: Duration = default("10s").between("100ms", "60s"),
    }
}

settings! {
    /// The admin port: a service's group `admin`.
    pub struct AdminSettings {
        /// Address of /livez, /readyz and /metrics.
        listen: SocketAddr = default("127.0.0.1:9090"),
        /// Time between readiness off and the end of serving after SIGTERM, for callers to notice.
        drain: Duration = default("0s").between("0s", "5m"),
    }
}

#[cfg(test)]
mod tests {
    use clb_settings::{check_declaration, from_yaml};

    use super::{AdminSettings, LogSettings, OtlpSettings};

    #[test]
    fn the_declarations_are_sound() {
        check_declaration::<LogSettings>().unwrap();
        check_declaration::<OtlpSettings>().unwrap();
        check_declaration::<AdminSettings>().unwrap();
    }

    #[test]
    fn wrong_filters_and_schemes_are_refused() {
        for wrong in [
            "clb=loud",
            "loud",
            "info,loud",
            "loud,clb_planner=debug",
            "clb_planner",
            " ",
            "info=debug=trace",
        ] {
            let errors = from_yaml::<LogSettings>(&format!("level: '{wrong}'")).unwrap_err();
            assert_eq!(errors.problems()[0].field, "level", "{wrong}: {errors}");
        }
        for right in [
            "info",
            "WARN",
            "off",
            "info,clb_planner=debug",
            "clb_planner=debug",
            "warn,[pass{a}]=trace",
        ] {
            from_yaml::<LogSettings>(&format!("level: '{right}'")).unwrap();
        }
        let errors = from_yaml::<OtlpSettings>("{endpoint: 'https://x', sample_ratio: 2}").unwrap_err();
        assert_eq!(errors.problems().len(), 2, "{errors}");
    }
}
