//! Creating Services: defaults, allocation, refusals.

use serde_json::{Value, json};

use crate::harness::{Api, conforms};

conforms!(
    service_defaults,
    service_requested_values,
    service_refusals,
    service_ports_refused,
    service_decoding,
    service_names
);

fn service(name: &str, spec: Value) -> Value {
    json!({"metadata": {"name": name}, "spec": spec})
}

async fn service_defaults(api: &Api) {
    for (name, spec) in [
        ("cluster-ip", json!({"ports": [{"port": 80}]})),
        (
            "node-port",
            json!({"type": "NodePort", "selector": {"app": "x"}, "ports": [{"port": 80, "targetPort": "http"}]}),
        ),
        (
            "balancer",
            json!({"type": "LoadBalancer", "ports": [{"port": 80, "name": "a"}, {"port": 443, "name": "b", "protocol": "UDP"}]}),
        ),
        (
            "local",
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 80}]}),
        ),
        (
            "without-node-ports",
            json!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "loadBalancerClass": "a.example/b", "ports": [{"port": 80}]}),
        ),
        ("headless", json!({"clusterIP": "None", "selector": {"a": "b"}})),
        (
            "bare-headless",
            json!({"clusterIP": "None", "ports": [{"port": 80}]}),
        ),
        (
            "external-name",
            json!({"type": "ExternalName", "externalName": "example.com"}),
        ),
        (
            "affinity",
            json!({"sessionAffinity": "ClientIP", "ports": [{"port": 80}]}),
        ),
        (
            "external-ips",
            json!({"externalIPs": ["203.0.113.7"], "ports": [{"port": 80}]}),
        ),
        (
            "same-port",
            json!({"type": "NodePort", "ports": [{"name": "t", "port": 53}, {"name": "u", "port": 53, "protocol": "UDP"}]}),
        ),
        (
            "dual",
            json!({"ipFamilyPolicy": "PreferDualStack", "ports": [{"port": 80}]}),
        ),
        (
            "extras",
            json!({"type": "LoadBalancer", "loadBalancerIP": "203.0.113.9", "loadBalancerSourceRanges": ["192.0.2.0/24"], "publishNotReadyAddresses": true, "trafficDistribution": "PreferClose", "ports": [{"port": 1, "appProtocol": "kubernetes.io/h2c"}]}),
        ),
    ] {
        api.create("services", service(name, spec)).await;
    }
    let with_status = json!({"metadata": {"name": "with-status"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}});
    api.create("services", with_status).await;
}

async fn service_requested_values(api: &Api) {
    api.create("services", service("a", json!({"type": "NodePort", "clusterIP": "10.111.7.9", "ports": [{"port": 80, "nodePort": 31999}]}))).await;
    for (name, spec) in [
        (
            "taken-port",
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 31999}]}),
        ),
        (
            "taken-address",
            json!({"clusterIP": "10.111.7.9", "ports": [{"port": 80}]}),
        ),
        (
            "far-address",
            json!({"clusterIP": "10.200.0.1", "ports": [{"port": 80}]}),
        ),
        (
            "no-address",
            json!({"clusterIP": "nope", "ports": [{"port": 80}]}),
        ),
        ("v6", json!({"clusterIP": "fd00::1", "ports": [{"port": 80}]})),
        (
            "low-port",
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]}),
        ),
        (
            "taken-check",
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 31999, "ports": [{"port": 80}]}),
        ),
        (
            "check",
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 31998, "ports": [{"port": 80}]}),
        ),
        (
            "shared",
            json!({"type": "NodePort", "ports": [{"name": "t", "port": 53, "nodePort": 31997}, {"name": "u", "port": 53, "protocol": "UDP", "nodePort": 31997}]}),
        ),
        (
            "twice",
            json!({"type": "NodePort", "ports": [{"name": "t", "port": 53, "nodePort": 31996}, {"name": "u", "port": 54, "nodePort": 31996}]}),
        ),
        (
            "require-dual",
            json!({"ipFamilyPolicy": "RequireDualStack", "ports": [{"port": 80}]}),
        ),
        (
            "family-6",
            json!({"ipFamilies": ["IPv6"], "ports": [{"port": 80}]}),
        ),
        (
            "family-x",
            json!({"ipFamilies": ["IPv5", "IPv4", "IPv4"], "ports": [{"port": 80}]}),
        ),
        (
            "policy-x",
            json!({"ipFamilyPolicy": "Both", "ports": [{"port": 80}]}),
        ),
        (
            "none-and-more",
            json!({"clusterIP": "None", "clusterIPs": ["None", "10.111.7.10"], "ports": [{"port": 80}]}),
        ),
        (
            "plural-only",
            json!({"clusterIPs": ["10.111.7.11"], "ports": [{"port": 80}]}),
        ),
        (
            "unlike",
            json!({"clusterIP": "10.111.7.11", "clusterIPs": ["10.111.7.12"], "ports": [{"port": 80}]}),
        ),
    ] {
        api.create("services", service(name, spec)).await;
    }
    api.delete("services", "a").await;
    api.create("services", service("again", json!({"type": "NodePort", "clusterIP": "10.111.7.9", "ports": [{"port": 80, "nodePort": 31999}]}))).await;
}

async fn service_refusals(api: &Api) {
    let port = json!([{"port": 80}]);
    for (name, spec) in [
        ("no-ports", json!({})),
        ("empty-balancer", json!({"type": "LoadBalancer"})),
        ("bad-type", json!({"type": "Balancer", "ports": port})),
        (
            "bad-affinity",
            json!({"sessionAffinity": "Cookie", "ports": port}),
        ),
        (
            "affinity-seconds",
            json!({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 90000}}, "ports": port}),
        ),
        (
            "affinity-headless",
            json!({"sessionAffinity": "ClientIP", "clusterIP": "None", "selector": {"a": "b"}, "ports": port}),
        ),
        (
            "bad-policy",
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Global", "ports": port}),
        ),
        (
            "policy-on-cluster-ip",
            json!({"externalTrafficPolicy": "Local", "ports": port}),
        ),
        (
            "bad-internal-policy",
            json!({"internalTrafficPolicy": "Near", "ports": port}),
        ),
        (
            "check-without-local",
            json!({"type": "LoadBalancer", "healthCheckNodePort": 31995, "ports": port}),
        ),
        (
            "check-low",
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 99, "ports": port}),
        ),
        (
            "class-on-node-port",
            json!({"type": "NodePort", "loadBalancerClass": "a.example/b", "ports": port}),
        ),
        (
            "bad-class",
            json!({"type": "LoadBalancer", "loadBalancerClass": "a b", "ports": port}),
        ),
        (
            "empty-class",
            json!({"type": "LoadBalancer", "loadBalancerClass": "", "ports": port}),
        ),
        (
            "allocate-on-cluster-ip",
            json!({"allocateLoadBalancerNodePorts": true, "ports": port}),
        ),
        (
            "bad-ranges",
            json!({"type": "LoadBalancer", "loadBalancerSourceRanges": ["192.0.2.1", "x/8", "fe80::/64", "300.0.0.0/8"], "ports": port}),
        ),
        (
            "ranges-on-cluster-ip",
            json!({"loadBalancerSourceRanges": ["192.0.2.0/24"], "ports": port}),
        ),
        (
            "bad-external-ips",
            json!({"externalIPs": ["nope", "127.0.0.1", "0.0.0.0", "169.254.1.1", "224.0.0.1"], "ports": port}),
        ),
        ("external-name-missing", json!({"type": "ExternalName"})),
        (
            "external-name-bad",
            json!({"type": "ExternalName", "externalName": "-x", "clusterIP": "10.96.3.3"}),
        ),
        (
            "external-name-families",
            json!({"type": "ExternalName", "externalName": "a.example", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}),
        ),
        (
            "headless-balancer",
            json!({"type": "LoadBalancer", "clusterIP": "None", "ports": port}),
        ),
        (
            "headless-node-port",
            json!({"type": "NodePort", "clusterIP": "None", "ports": port}),
        ),
        ("bad-selector", json!({"selector": {"a b": "c"}, "ports": port})),
        (
            "bad-distribution",
            json!({"trafficDistribution": "Far", "ports": port}),
        ),
        (
            "node-port-on-cluster-ip",
            json!({"ports": [{"port": 80, "nodePort": 31994}]}),
        ),
    ] {
        api.create("services", service(name, spec)).await;
    }
    let ranges = json!({"metadata": {"name": "annotated", "annotations": {"service.beta.kubernetes.io/load-balancer-source-ranges": "10.0.0.0/8, x"}},
        "spec": {"type": "LoadBalancer", "ports": port}});
    api.create("services", ranges).await;
}

async fn service_ports_refused(api: &Api) {
    for (name, ports) in [
        ("unnamed", json!([{"port": 80}, {"port": 81}])),
        (
            "same-name",
            json!([{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]),
        ),
        (
            "same-port",
            json!([{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]),
        ),
        (
            "same-number",
            json!([{"port": 80, "name": "a"}, {"port": 80, "name": "b", "protocol": "UDP"}]),
        ),
        (
            "bad-name",
            json!([{"port": 80, "name": "A_b"}, {"port": 81, "name": "-"}]),
        ),
        ("long-name", json!([{"port": 80, "name": "a".repeat(64)}])),
        ("zero", json!([{"port": 0}])),
        ("high", json!([{"port": 70000}])),
        ("missing", json!([{}])),
        ("protocol", json!([{"port": 80, "protocol": "tcp"}])),
        ("target", json!([{"port": 80, "targetPort": 70000}])),
        ("target-name", json!([{"port": 80, "targetPort": "Http_x"}])),
        (
            "target-long",
            json!([{"port": 80, "targetPort": "abcdefghijklmnopq"}]),
        ),
        ("app", json!([{"port": 80, "appProtocol": "a b/"}])),
        ("sctp", json!([{"port": 80, "protocol": "SCTP"}])),
    ] {
        api.create("services", service(name, json!({"ports": ports})))
            .await;
    }
}

async fn service_decoding(api: &Api) {
    let path = api.path("services", "");
    for (query, body) in [
        (
            "",
            r#"{"metadata":{"name":"a"},"spec":{"ports":[{"port":"80"}]}}"#,
        ),
        ("", r#"{"metadata":{"name":"a"},"spec":{"ports":{"port":80}}}"#),
        (
            "",
            r#"{"metadata":{"name":"a","labels":{"x":1}},"spec":{"ports":[{"port":80}]}}"#,
        ),
        (
            "",
            r#"{"metadata":{"name":"a","annotations":["x"]},"spec":{"ports":[{"port":80}]}}"#,
        ),
        ("", r#"{"metadata":{"name":7},"spec":{"ports":[{"port":80}]}}"#),
        ("", r#"{"metadata":"a","spec":{"ports":[{"port":80}]}}"#),
        ("", r#"{"metadata":{"name":"a"},"spec":[]}"#),
        (
            "",
            r#"{"metadata":{"name":"a"},"spec":{"allocateLoadBalancerNodePorts":"yes"}}"#,
        ),
        (
            "",
            r#"{"metadata":{"name":"a"},"spec":{"ports":[{"port":80.5}]}}"#,
        ),
        (
            "",
            r#"{"metadata":{"name":"a"},"spec":{"ports":[{"port":3000000000}]}}"#,
        ),
        (
            "",
            r#"{"metadata":{"name":"a"},"spec":{"ports":[{"targetPort":true}]}}"#,
        ),
        ("", r#"{"metadata":{"name":"a"},"spec":{"ports":["x"]}}"#),
        ("", r#"{"metadata":{"name":"a"},"spec":{"clusterIPs":[1]}}"#),
        (
            "",
            r#"{"metadata":{"name":"a"},"spec":{"selector":{"a":null,"b":true}}}"#,
        ),
        ("", r#"{"metadata":{"name":"a","creationTimestamp":"yesterday"}}"#),
        ("", r#"{"metadata":{"name":"a","finalizers":"x"}}"#),
        ("", r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}"#),
        (
            "",
            r#"{"kind":"Service","apiVersion":"v2","metadata":{"name":"a"}}"#,
        ),
        ("", r#"{"kind":"Foo","apiVersion":"v1","metadata":{"name":"a"}}"#),
        ("", r#"[]"#),
        ("", r#""#),
        ("", r#"{"metadata":{"name":"a"}"#),
        (
            "?fieldValidation=Strict",
            r#"{"metadata":{"name":"a","foo":1},"spec":{"bar":{"x":1},"ports":[{"port":80},{"name":"x","port":81,"baz":1}]},"qux":2}"#,
        ),
        (
            "?fieldValidation=Strict",
            r#"{"metadata":{"name":"a"},"spec":{"ports":[{"port":80,"port":81}],"type":"NodePort","type":"ClusterIP"}}"#,
        ),
        (
            "?fieldValidation=Sloppy",
            r#"{"metadata":{"name":"a"},"spec":{"ports":[{"port":80}]}}"#,
        ),
        (
            "?fieldValidation=Warn",
            r#"{"metadata":{"name":"warned","foo":1},"spec":{"ports":[{"port":80,"baz":1,"port":80}]}}"#,
        ),
        (
            "?fieldValidation=Ignore",
            r#"{"metadata":{"name":"ignored","foo":1},"spec":{"ports":[{"port":80,"baz":1}]}}"#,
        ),
        (
            "",
            r#"{"metadata":{"name":"default","foo":1},"spec":{"ports":[{"port":80,"baz":1}]}}"#,
        ),
        (
            "",
            r#"{"metadata":{"name":"nulls","labels":null,"annotations":{}},"spec":{"ports":[{"port":80,"nodePort":null,"name":null}],"selector":{},"externalIPs":[],"type":null}}"#,
        ),
        (
            "?dryRun=All",
            r#"{"metadata":{"name":"dry"},"spec":{"type":"NodePort","ports":[{"port":80}]}}"#,
        ),
        (
            "?dryRun=Some",
            r#"{"metadata":{"name":"dry"},"spec":{"ports":[{"port":80}]}}"#,
        ),
    ] {
        api.send_text(
            reqwest::Method::POST,
            &format!("{path}{query}"),
            "application/json",
            Some(body.to_owned()),
        )
        .await;
    }
    api.send_text(reqwest::Method::POST, &path, "text/plain", Some("{}".to_owned()))
        .await;
    let yaml = "metadata:\n  name: yaml\nspec:\n  ports:\n  - port: 80\n";
    api.send_text(
        reqwest::Method::POST,
        &path,
        "application/yaml",
        Some(yaml.to_owned()),
    )
    .await;
    api.get("services", "dry").await;
}

async fn service_names(api: &Api) {
    let spec = json!({"ports": [{"port": 80}]});
    for metadata in [
        json!({"name": "UPPER"}),
        json!({"name": "1digit"}),
        json!({"name": "dots.in.it"}),
        json!({"name": "a".repeat(64)}),
        json!({"name": "label-1", "labels": {"a/b/c": "x"}}),
        json!({"name": "label-2", "labels": {"ok": "not ok"}}),
        json!({"name": "label-3", "labels": {"-": "y"}}),
        json!({"name": "label-4", "labels": {"example.com/": "z"}}),
        json!({"name": "label-5", "labels": {"/x": "z"}}),
        json!({"name": "label-6", "labels": {"l".repeat(64): "v".repeat(64)}}),
        json!({"name": "annotations", "annotations": {"a b": "x", "UPPER.example/x": "y"}}),
        json!({"name": "finalizers", "finalizers": ["x", "a b", "example.com/ok", "kubernetes"]}),
        json!({"name": "owners", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "", "uid": ""}]}),
        json!({"name": "other", "namespace": "elsewhere"}),
        json!({"name": "versioned", "resourceVersion": "5"}),
        json!({"name": "mine", "uid": "11111111-1111-1111-1111-111111111111", "generation": 7, "creationTimestamp": "2001-01-01T00:00:00Z", "deletionTimestamp": "2001-01-01T00:00:00Z", "selfLink": "x"}),
        json!({"name": "mine"}),
        json!({"name": "ok", "labels": {"example.com/a": "b", "c": ""}, "annotations": {"example.com/A_b": " any thing \n"}, "finalizers": ["example.com/ok"]}),
    ] {
        api.create("services", json!({"metadata": metadata, "spec": spec}))
            .await;
    }
    let generated = json!({"metadata": {"generateName": "made-"}, "spec": spec});
    let (status, made) = api
        .quiet(
            reqwest::Method::POST,
            &api.path("services", ""),
            "application/json",
            Some(&generated),
        )
        .await;
    let name = made["metadata"]["name"].as_str().unwrap_or_default();
    assert!(
        status.is_success() && name.starts_with("made-") && name.len() == 10,
        "{made}"
    );
    api.send(
        reqwest::Method::POST,
        "/api/v1/namespaces/not-there/services",
        "application/json",
        Some(&service("a", spec.clone())),
    )
    .await;
    api.send(
        reqwest::Method::POST,
        "/api/v1/services",
        "application/json",
        Some(&service("a", spec)),
    )
    .await;
}
