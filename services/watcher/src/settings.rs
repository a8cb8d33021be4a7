//! The watcher's settings.

use std::path::PathBuf;
use std::time::Duration;

use clb_model::ClusterId;
use clb_settings::{Checker, HostPort, Partial, settings};
use clb_telemetry::{AdminSettings, LogSettings, OtlpSettings};
use clb_tls::{SecurityFields, TlsSettings, check_security};
use kube::config::Kubeconfig;

use crate::pending::Debounce;

settings! {
    /// Everything that a watcher is told from outside.
    pub struct WatcherSettings checked by consistent {
        /// Id of the cluster, as the planner's configuration names it.
        cluster_id: String = required().check(|id: &String| {
            ClusterId::new(id.as_str()).map(|_| ()).map_err(|_| "not an id".to_owned())
        }).allowed("1 to 128 characters of letters, digits, - _ . *"),
        /// Name of this instance, for logs and events; the pod's name.
        instance: String = default("clb-watcher").env("POD_NAME").not_blank(),
        /// The Kubernetes API.
        kubernetes: KubernetesSettings = group(),
        /// The planner, as host:port.
        planner: HostPort = required(),
        /// Certificates; all three files or --insecure.
        tls: Option<TlsSettings> = optional(),
        /// Plaintext, on loopback only; the cluster's id then travels in gRPC metadata.
        insecure: bool = default("false"),
        /// Only Services that name this class are ours, by spec.loadBalancerClass or by the annotation
        /// service.beta.kubernetes.io/class; without one, only Services that name none.
        load_balancer_class: Option<String> = optional(),
        /// How long changes are collected before they are sent.
        debounce: DebounceSettings = group(),
        /// The stream to the planner.
        stream: StreamSettings = group(),
        /// Directives that are carried out at the same time.
        directive_concurrency: u16 = default("16").between("1", "256"),
        /// The admin port.
        admin: AdminSettings = group(),
        /// Logs.
        log: LogSettings = group(),
        /// Traces.
        otlp: OtlpSettings = group(),
    }
}

settings! {
    /// How the Kubernetes API is reached.
    pub struct KubernetesSettings {
        /// A kubeconfig file, whose current context is taken; without it the pod's ServiceAccount.
        kubeconfig: Option<PathBuf> = optional().env("KUBECONFIG").file(is_kubeconfig),
        /// After this the API server ends a watch and it is opened again. A healthy watch is never silent for
        /// longer, so the planner's stale_after has to be longer.
        watch_timeout: Duration = default("20s").between("5s", "4m"),
        /// How long an answer may take to begin.
        answer_timeout: Duration = default("30s").between("1s", "5m"),
        /// Whether pods are read for the readiness gates service.readiness.alibabacloud.com/<service>. Without it no pod that has
        /// one becomes Ready; a cluster in which nobody uses them saves the watch.
        readiness_gates: bool = default("true"),
    }
}

settings! {
    /// How long changes are collected before they are sent.
    pub struct DebounceSettings {
        /// Changes of endpoints.
        endpoints: Duration = default("100ms").between("0ms", "10s"),
        /// Changes of Services.
        services: Duration = default("500ms").between("0ms", "30s"),
        /// Nodes that leave or stop being backends.
        nodes_leaving: Duration = default("2s").between("0ms", "60s"),
        /// Nodes that join wait until none has joined for this long.
        nodes_joining_quiet: Duration = default("2s").between("0ms", "60s"),
        /// But no longer than this.
        nodes_joining_max: Duration = default("15s").between("0ms", "5m"),
    }
}

settings! {
    /// The stream to the planner.
    pub struct StreamSettings {
        /// Most bytes of objects in one message; a single larger object goes alone.
        chunk_bytes: u32 = default("1048576").between("1024", "3145728"),
        /// Time between heartbeats, which say how fresh the watches are.
        heartbeat: Duration = default("3s").between("100ms", "60s"),
    }
}

/// The library's error is left out: it could quote credentials.
fn is_kubeconfig(content: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(content).map_err(|_| "it is no text".to_owned())?;
    Kubeconfig::from_yaml(text)
        .map(drop)
        .map_err(|_| "it is no kubeconfig".to_owned())
}

fn consistent(settings: &Partial<WatcherSettings>, checker: &mut Checker<'_, '_>) {
    let fields = SecurityFields {
        tls: settings.tls.as_ref(),
        insecure: settings.insecure,
        listen: &[],
        dial: &[("planner", settings.planner.as_ref())],
    };
    check_security(&fields, checker);
    if let Some(debounce) = &settings.debounce
        && debounce.nodes_joining_max < debounce.nodes_joining_quiet
    {
        checker.wrong(
            "debounce.nodes_joining_max",
            "less than debounce.nodes_joining_quiet",
            "at least as long as debounce.nodes_joining_quiet",
        );
    }
}

impl From<&DebounceSettings> for Debounce {
    fn from(settings: &DebounceSettings) -> Self {
        Self {
            endpoints: settings.endpoints,
            services: settings.services,
            nodes_leaving: settings.nodes_leaving,
            nodes_joining_quiet: settings.nodes_joining_quiet,
            nodes_joining_max: settings.nodes_joining_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use clb_settings::{check_declaration, from_yaml};

    use super::WatcherSettings;

    #[test]
    fn the_declaration_is_sound() {
        check_declaration::<WatcherSettings>().unwrap();
    }

    #[test]
    fn three_fields_are_enough() {
        from_yaml::<WatcherSettings>("{cluster_id: c-1, planner: '127.0.0.1:7000', insecure: true}").unwrap();
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let errors = from_yaml::<WatcherSettings>(
            "{cluster_id: 'a b', planner: nowhere, stream: {heartbeat: 1h}, debounce: {endpoint: 1s}}",
        )
        .unwrap_err();
        let fields: Vec<_> = errors
            .problems()
            .iter()
            .map(|problem| problem.field.as_str())
            .collect();
        assert_eq!(
            fields,
            [
                "cluster_id",
                "planner",
                "debounce.endpoint",
                "stream.heartbeat",
                "tls"
            ],
            "{errors}"
        );
    }

    #[test]
    fn certificates_or_insecure_but_not_neither_and_insecure_on_loopback_only() {
        for (security, wrong) in [
            ("planner: 'planner:7000'", "tls"),
            (
                "planner: '127.0.0.1:7000', insecure: true, tls: {ca_file: a, cert_file: b, key_file: c}",
                "tls",
            ),
            ("planner: 'planner:7000', insecure: true", "planner"),
        ] {
            let errors =
                from_yaml::<WatcherSettings>(&format!("{{cluster_id: c-1, {security}}}")).unwrap_err();
            let [problem] = errors.problems() else {
                panic!("{errors}")
            };
            assert_eq!(problem.field, wrong, "{errors}");
        }
    }
}
