//! The files of `deploy/` against the code: configuration files load, manifests fit them and give no more rights than are needed, alerts
//! name metrics that exist.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::BTreeSet;

use clb_actuator::ActuatorSettings;
use clb_documentation::manifests::{Manifest, documents, resources};
use clb_documentation::{metrics, repository};
use clb_planner::PlannerSettings;
use clb_settings::{Settings, from_yaml};
use clb_telemetry::MetricKind;
use clb_tls::{PeerIdentity, TlsSettings};
use clb_watcher::WatcherSettings;
use serde_json::{Value, json};

const WATCHER: &str = "deploy/kubernetes/watcher";
const CONTROL_PLANE: &str = "deploy/kubernetes/control-plane";

fn settings<T: Settings>(file: &str) -> T {
    let text = std::fs::read_to_string(repository(file)).unwrap();
    from_yaml(&text).unwrap_or_else(|errors| panic!("{file}: {errors}"))
}

#[test]
fn the_example_configurations_load() {
    settings::<WatcherSettings>("deploy/config/watcher.yaml");
    settings::<PlannerSettings>("deploy/config/planner.yaml");
    settings::<ActuatorSettings>("deploy/config/actuator.yaml");
}

/// A commented setting is a setting too: it has to load when somebody takes the comment sign off.
#[test]
fn the_example_configurations_load_with_every_comment_taken_off() {
    fn uncommented<T: Settings>(file: &str) {
        let text = std::fs::read_to_string(repository(file)).unwrap();
        let lines: Vec<String> = text
            .lines()
            .map(|line| {
                let Some((indent, comment)) = line.split_once('#') else {
                    return line.replace("kubernetes: {}", "kubernetes:");
                };
                let setting = comment.strip_prefix(' ').unwrap_or(comment);
                let name = setting.trim_start().trim_start_matches("- ");
                let is_setting = indent.trim().is_empty()
                    && (name.starts_with('{')
                        || name.split_once(':').is_some_and(|(key, _)| {
                            key.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !key.is_empty()
                        }));
                if is_setting {
                    format!("{indent}{setting}")
                } else {
                    String::new()
                }
            })
            .collect();
        let text = lines.join("\n");
        from_yaml::<T>(&text).unwrap_or_else(|errors| panic!("{file}: {errors}\n{text}"));
    }
    uncommented::<WatcherSettings>("deploy/config/watcher.yaml");
    uncommented::<PlannerSettings>("deploy/config/planner.yaml");
    uncommented::<ActuatorSettings>("deploy/config/actuator.yaml");
}

/// What a Deployment has to offer to a service's configuration.
fn fits(folder: &str, name: &str, tls: Option<&TlsSettings>, ports: &[(&str, u16)]) {
    let manifests = resources(folder).unwrap();
    let deployment = find(&manifests, "Deployment", name);
    let template = &deployment.object["spec"]["template"]["spec"];
    let container = &template["containers"][0];
    let service = name.strip_prefix("clb-").unwrap();
    assert_eq!(
        container["args"],
        json!(["--config", format!("/etc/clb/config/{service}.yaml")])
    );
    let mounts: Vec<_> = container["volumeMounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mount| mount["mountPath"].as_str().unwrap())
        .collect();
    assert_eq!(mounts, ["/etc/clb/config", "/etc/clb/tls"]);
    let tls = tls.unwrap();
    for (file, name) in [
        (&tls.ca_file, "ca.crt"),
        (&tls.cert_file, "tls.crt"),
        (&tls.key_file, "tls.key"),
    ] {
        assert_eq!(file.to_str().unwrap(), format!("/etc/clb/tls/{name}"));
    }
    let opened: Vec<_> = container["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|port| {
            let number = u16::try_from(port["containerPort"].as_u64().unwrap()).unwrap();
            (port["name"].as_str().unwrap(), number)
        })
        .collect();
    assert_eq!(opened, ports, "{name}");
}

fn find<'m>(manifests: &'m [Manifest], kind: &str, name: &str) -> &'m Manifest {
    manifests
        .iter()
        .find(|manifest| manifest.kind() == kind && manifest.name() == name)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn the_deployments_fit_their_configurations() {
    let watcher: WatcherSettings = settings("deploy/kubernetes/watcher/watcher.yaml");
    let planner: PlannerSettings = settings("deploy/kubernetes/control-plane/planner.yaml");
    let actuator: ActuatorSettings = settings("deploy/kubernetes/control-plane/actuator.yaml");
    fits(
        WATCHER,
        "clb-watcher",
        watcher.tls.as_ref(),
        &[("admin", watcher.admin.listen.port())],
    );
    fits(
        CONTROL_PLANE,
        "clb-planner",
        planner.tls.as_ref(),
        &[
            ("grpc", planner.listen.port()),
            ("admin", planner.admin.listen.port()),
        ],
    );
    fits(
        CONTROL_PLANE,
        "clb-actuator",
        actuator.tls.as_ref(),
        &[
            ("grpc", actuator.listen.port()),
            ("admin", actuator.admin.listen.port()),
        ],
    );
    // Each dials the Service of the next.
    let manifests = resources(CONTROL_PLANE).unwrap();
    for (peer, name) in [
        (&watcher.planner, "clb-planner"),
        (&planner.actuator, "clb-actuator"),
    ] {
        let service = find(&manifests, "Service", name);
        assert_eq!(
            peer.host,
            format!("{name}.{}.svc", service.text("/metadata/namespace"))
        );
        assert_eq!(service.object["spec"]["ports"][0]["port"], json!(peer.port));
    }
    // The planner's clusters are those that the actuator serves, as they stand in both.
    let planned: Vec<_> = planner
        .clusters
        .iter()
        .map(|cluster| (&cluster.id, &cluster.region))
        .collect();
    let served: Vec<_> = actuator
        .clusters
        .iter()
        .map(|cluster| (&cluster.id, &cluster.region))
        .collect();
    assert_eq!(planned, served);
    assert_eq!(watcher.cluster_id, planner.clusters[0].id);
}

#[test]
fn every_container_has_no_more_rights_than_it_needs() {
    for folder in [WATCHER, CONTROL_PLANE] {
        for manifest in resources(folder).unwrap() {
            if manifest.kind() != "Deployment" {
                continue;
            }
            let template = &manifest.object["spec"]["template"];
            let pod = &template["spec"];
            let labels = &template["metadata"]["labels"];
            assert_eq!(&manifest.object["spec"]["selector"]["matchLabels"], labels);
            assert_eq!(pod["securityContext"]["runAsNonRoot"], json!(true));
            assert_eq!(
                pod["securityContext"]["seccompProfile"],
                json!({"type": "RuntimeDefault"})
            );
            let has_account = pod.get("serviceAccountName").is_some();
            assert_eq!(
                has_account,
                pod.get("automountServiceAccountToken") != Some(&json!(false))
            );
            for container in pod["containers"].as_array().unwrap() {
                let security = json!({
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]},
                });
                assert_eq!(container["securityContext"], security, "{}", manifest.name());
                for (probe, path) in [("livenessProbe", "/livez"), ("readinessProbe", "/readyz")] {
                    assert_eq!(
                        container[probe]["httpGet"],
                        json!({"path": path, "port": "admin"})
                    );
                }
                assert!(container["resources"]["limits"]["memory"].is_string());
            }
        }
    }
}

#[test]
fn every_deployment_has_a_network_policy_of_its_own() {
    for folder in [WATCHER, CONTROL_PLANE] {
        let manifests = resources(folder).unwrap();
        let deployments = manifests
            .iter()
            .filter(|manifest| manifest.kind() == "Deployment");
        for deployment in deployments {
            let policy = find(&manifests, "NetworkPolicy", deployment.name());
            assert_eq!(policy.object["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
            assert_eq!(
                policy.object["spec"]["podSelector"]["matchLabels"],
                deployment.object["spec"]["selector"]["matchLabels"]
            );
        }
    }
}

#[test]
fn the_watchers_role_has_the_rights_that_the_watcher_uses_and_no_other() {
    let manifests = resources(WATCHER).unwrap();
    let role = find(&manifests, "ClusterRole", "clb-watcher");
    let mut rights = BTreeSet::new();
    for rule in role.object["rules"].as_array().unwrap() {
        let words = |field: &str| {
            rule[field]
                .as_array()
                .into_iter()
                .flatten()
                .map(|word| word.as_str().unwrap())
        };
        for (group, resource) in
            words("apiGroups").flat_map(|group| words("resources").map(move |of| (group, of)))
        {
            rights.extend(words("verbs").map(|verb| (group, resource, verb)));
        }
    }
    let used = BTreeSet::from([
        ("", "services", "get"),
        ("", "services", "list"),
        ("", "services", "watch"),
        ("", "services", "patch"),
        ("", "services/status", "patch"),
        ("", "nodes", "list"),
        ("", "nodes", "watch"),
        ("", "pods", "list"),
        ("", "pods", "watch"),
        ("", "pods/status", "patch"),
        ("", "namespaces", "get"),
        ("discovery.k8s.io", "endpointslices", "list"),
        ("discovery.k8s.io", "endpointslices", "watch"),
        ("events.k8s.io", "events", "create"),
        ("events.k8s.io", "events", "patch"),
    ]);
    assert_eq!(rights, used);
}

#[test]
fn the_example_certificates_prove_the_identities_that_the_services_have() {
    let objects = documents(&repository("deploy/kubernetes/certificates/cert-manager.yaml")).unwrap();
    let watcher: WatcherSettings = settings("deploy/kubernetes/watcher/watcher.yaml");
    let planner: PlannerSettings = settings("deploy/kubernetes/control-plane/planner.yaml");
    let expected = [
        (
            "clb-planner-tls",
            PeerIdentity::Planner,
            Some(&watcher.planner.host),
        ),
        (
            "clb-actuator-tls",
            PeerIdentity::Actuator,
            Some(&planner.actuator.host),
        ),
        (
            "clb-watcher-tls",
            PeerIdentity::Watcher(watcher.cluster_id.parse().unwrap()),
            None,
        ),
    ];
    for (secret, identity, host) in expected {
        let certificate = objects
            .iter()
            .find(|object| object["kind"] == "Certificate" && object["spec"]["secretName"] == secret)
            .unwrap();
        assert_eq!(certificate["spec"]["uris"], json!([identity.uri()]));
        if let Some(host) = host {
            let names = certificate["spec"]["dnsNames"].as_array().unwrap();
            assert!(names.contains(&Value::from(host.as_str())), "{certificate}");
        }
    }
}

#[tokio::test]
async fn alerts_name_metrics_and_labels_that_exist() {
    let services = metrics::declared().await.unwrap();
    let mut names = BTreeSet::new();
    for metric in services.iter().flat_map(|service| &service.metrics) {
        names.insert(metric.name.clone());
        if metric.kind == MetricKind::Histogram {
            names.extend(["bucket", "sum", "count"].map(|end| format!("{}_{end}", metric.name)));
        }
    }
    for file in ["prometheus-rules.yaml", "prometheus-rules-test.yaml"] {
        let text = std::fs::read_to_string(repository("deploy/alerts").join(file)).unwrap();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let mut found = 0;
        for word in words.filter(|word| word.starts_with("clb_")) {
            assert!(names.contains(word), "{file}: no metric is called {word}");
            found += 1;
        }
        assert!(found > 5, "{file}");
    }
    // What a rule selects by has to be one of the metric's labels.
    let rules = documents(&repository("deploy/alerts/prometheus-rules.yaml")).unwrap();
    for rule in rules[0]["groups"][0]["rules"].as_array().unwrap() {
        for (name, label) in selections(rule["expr"].as_str().unwrap()) {
            let metric = services
                .iter()
                .flat_map(|service| &service.metrics)
                .find(|metric| metric.name == name)
                .unwrap();
            assert!(
                metric.labels.contains(&label),
                "{}: {name}{{{label}}}",
                rule["alert"]
            );
        }
    }
}

/// Metrics of ours and the first label that a rule selects them by: `name{label=…`.
fn selections(expression: &str) -> Vec<(String, String)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let braces = expression.match_indices('{');
    braces
        .filter_map(|(at, _)| {
            let start = expression[..at]
                .rfind(|c| !is_word(c))
                .map_or(0, |before| before + 1);
            let label = expression[at + 1..].split(|c| !is_word(c)).next()?;
            let name = &expression[start..at];
            name.starts_with("clb_")
                .then(|| (name.to_owned(), label.to_owned()))
        })
        .collect()
}
