//! `clbctl lint` over the repository's examples and over manifests with mistakes.

use std::path::Path;

use crate::command::{Ran, clbctl, clbctl_reading, repository};

fn lint(place: &Path) -> Ran {
    clbctl(&["lint", place.to_str().unwrap()])
}

/// Lints one file; the findings without the file's name.
fn lint_text(text: &str) -> (i32, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.yaml");
    std::fs::write(&file, text).unwrap();
    let ran = lint(&file);
    let prefix = format!("{}:", file.display());
    let findings = ran
        .out
        .lines()
        .filter_map(|line| line.strip_prefix(&prefix))
        .map(str::to_owned)
        .collect();
    (ran.code, findings)
}

/// A Service with these annotations, each `name: value` without the prefix, from line 7 on.
fn service(annotations: &[&str], ports: &str) -> String {
    let lines: String = annotations
        .iter()
        .map(|line| format!("    service.beta.kubernetes.io/alibaba-cloud-loadbalancer-{line}\n"))
        .collect();
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: shop\n  annotations:\n{lines}spec:\n  type: LoadBalancer\n  \
         selector: {{app: web}}\n  ports: {ports}\n"
    )
}

#[test]
fn the_examples_have_no_mistakes() {
    for (folder, services) in [("deploy/examples", 11), ("tests/examples", 47)] {
        let ran = lint(&repository(folder));
        assert_eq!(ran.code, 0, "{}", ran.out);
        assert!(!ran.out.contains(": mistake: "), "{}", ran.out);
        let summary = ran.out.lines().last().unwrap();
        assert!(
            summary.starts_with(&format!("{services} Services of type LoadBalancer in ")),
            "{summary}"
        );
    }
}

#[test]
fn every_mistake_is_named_at_once_with_its_line() {
    let text = service(
        &[
            "bandwidth: \"9999\"",
            "spec: \"slb.huge\"",
            "sticky-session: \"on\"",
        ],
        "[{port: 80}, {port: 443, name: b, protocol: SCTP}]",
    );
    let (code, findings) = lint_text(&text);
    assert_eq!(code, 1, "{findings:#?}");
    let starts = |line: &str, words: &[&str]| {
        let wanted = format!("{line}: mistake: Service shop/web: ");
        let found = findings
            .iter()
            .any(|finding| finding.starts_with(&wanted) && words.iter().all(|word| finding.contains(word)));
        assert!(found, "{wanted}…{words:?}\n{findings:#?}");
    };
    starts(
        "7",
        &[
            "loadbalancer-bandwidth: \"9999\"",
            "from 1 to 5120",
            "for example",
        ],
    );
    starts("8", &["\"slb.huge\"", "slb.s1.small"]);
    starts("13", &["spec.ports[1]", "SCTP"]);
}

#[test]
fn a_port_that_cannot_be_read_hides_no_other_mistake() {
    let text = service(
        &[
            "schedulr: \"wrr\"",
            "idle-timeout: \"99\"",
            "sticky-session: \"on\"",
            "protocol-port: \"http:80,https:99\"",
            "forward-port: \"80:99\"",
        ],
        "[{port: 80}, {port: 99999}]",
    );
    let (code, findings) = lint_text(&text);
    assert_eq!(code, 1);
    let expected = [
        "schedulr is not known; did you mean",
        "idle-timeout: \"99\"",
        "sticky-session-type is missing",
        "spec.ports[1].port: \"99999\"",
    ];
    for words in expected {
        assert!(
            findings.iter().any(|finding| finding.contains(words)),
            "{words}\n{findings:#?}"
        );
    }
    // Whether there is a port 99 is not known.
    assert!(
        !findings
            .iter()
            .any(|finding| finding.contains("99\" is not valid: it needs")
                || finding.contains("does not have")),
        "{findings:#?}"
    );
}

#[test]
fn a_misspelt_name_is_told_beside_the_mistake_that_it_makes() {
    let text = service(
        &["protocol-port: \"https:80\"", "cert-idd: \"cert-a\""],
        "[{port: 80}]",
    );
    let (code, findings) = lint_text(&text);
    assert_eq!((code, findings.len()), (1, 2), "{findings:#?}");
    assert!(
        findings
            .iter()
            .any(|finding| finding.contains("cert-id is missing"))
            && findings.iter().any(|finding| finding.contains("did you mean")),
        "{findings:#?}"
    );
}

#[test]
fn what_the_api_server_would_refuse_is_a_mistake() {
    let text = service(
        &["acl-status: on", "bandwidth: 50"],
        "[{port: http}, {port: 80, targetPort: 99999}]",
    ) + "  sessionAffinity: Sometimes\n";
    let (code, findings) = lint_text(&text);
    assert_eq!(code, 1);
    let expected = [
        ("4: mistake", "acl-id is missing: acl-status on needs it"),
        ("4: mistake", "acl-type is missing: acl-status on needs it"),
        (
            "7: mistake",
            "acl-status: \"on\" is not valid: a text, so put it in quotes",
        ),
        (
            "8: mistake",
            "bandwidth: \"50\" is not valid: a text, so put it in quotes",
        ),
        (
            "12: mistake",
            "spec.ports[0].port: \"http\" is not valid: a whole number from 1 to 65535",
        ),
        ("12: mistake", "spec.ports[1].targetPort: \"99999\""),
        (
            "13: mistake",
            "spec.sessionAffinity: \"Sometimes\" is not valid: None or ClientIP",
        ),
    ];
    assert_eq!(findings.len(), expected.len(), "{findings:#?}");
    for (finding, (start, words)) in findings.iter().zip(expected) {
        assert!(finding.starts_with(start) && finding.contains(words), "{finding}");
    }
}

#[test]
fn a_remark_is_no_mistake() {
    let text = service(&["http2-enabled: \"on\"", "bandwith: \"50\""], "[{port: 80}]");
    let (code, findings) = lint_text(&text);
    assert_eq!(code, 0, "{findings:#?}");
    assert!(
        findings[0].starts_with("7: remark: Service shop/web: ")
            && findings[0].contains("has no effect here"),
        "{findings:#?}"
    );
    assert!(
        findings[1].starts_with("8: remark: ") && findings[1].contains("did you mean") && findings.len() == 2,
        "{findings:#?}"
    );
}

#[test]
fn a_remark_stands_at_the_line_of_its_annotation() {
    // The name of the second begins with that of the first.
    let text = service(&["id: \"lb-a\"", "idle-timeout: \"30\""], "[{port: 80}]");
    let (_, findings) = lint_text(&text);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].starts_with("8: remark: "), "{findings:#?}");
}

#[test]
fn ranges_that_restrict_nobody_are_told_where_they_belong() {
    let text = service(&[], "[{port: 80}]").replace(
        "annotations:\n",
        "annotations:\n    service.beta.kubernetes.io/load-balancer-source-ranges: 7.7.7.7/32\n",
    );
    let (code, findings) = lint_text(&text);
    assert_eq!(code, 0);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(
        findings[0].starts_with("7: ")
            && findings[0].contains("write the ranges into spec.loadBalancerSourceRanges"),
        "{findings:?}"
    );
}

#[test]
fn what_only_the_cloud_knows_is_said_to_be_unchecked() {
    let text = service(
        &["protocol-port: \"https:443\"", "cert-id: \"cert-a\""],
        "[{port: 443}]",
    );
    let (code, findings) = lint_text(&text);
    assert_eq!(code, 0, "{findings:#?}");
    assert_eq!(
        findings,
        ["8: not checked: Service shop/web: whether server certificate cert-a exists"]
    );
}

#[test]
fn other_objects_and_other_types_are_passed_over_and_lists_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let within = folder.path().join("within");
    std::fs::create_dir(&within).unwrap();
    let others = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: b}\n\
                  spec: {type: ClusterIP, ports: [{port: wrong}]}\n";
    std::fs::write(within.join("others.yml"), others).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "no: [yaml").unwrap();
    let list = r#"{"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "c"},
         "spec": {"type": "LoadBalancer", "ports": [{"port": 0}]}}]}"#;
    std::fs::write(folder.path().join("list.json"), list).unwrap();
    let ran = lint(folder.path());
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(
        ran.out
            .contains("list.json:3: mistake: Service default/c: spec.ports[0].port: \"0\""),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .ends_with("1 Service of type LoadBalancer in 2 files: 1 mistake, 0 remarks\n"),
        "{}",
        ran.out
    );
}

#[test]
fn a_service_of_another_class_is_not_judged() {
    let text = "apiVersion: v1\nkind: Service\nmetadata:\n  name: nlb\n  annotations:\n    \
                service.beta.kubernetes.io/alibaba-cloud-loadbalancer-tunnel-type: \"x\"\nspec: {type: LoadBalancer, ports: [{port: 80}]}\n";
    let (code, findings) = lint_text(text);
    assert_eq!(code, 0);
    assert!(
        findings.len() == 1 && findings[0].contains("for another controller"),
        "{findings:#?}"
    );
}

#[test]
fn what_is_no_yaml_is_a_mistake_with_its_place() {
    let (code, findings) = lint_text("apiVersion: v1\nkind: [Service\n");
    assert_eq!(code, 1);
    assert!(
        findings[0].contains("mistake: is not valid YAML: "),
        "{findings:?}"
    );
}

#[test]
fn what_cannot_be_read_is_no_mistake_and_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let empty = lint(folder.path());
    assert_eq!(empty.code, 2, "{}", empty.out);
    assert!(empty.out.contains("no file here ends in .yaml"), "{}", empty.out);
    let missing = folder.path().join("missing.yaml");
    std::fs::write(
        folder.path().join("web.yaml"),
        service(&["spec: \"x\""], "[{port: 80}]"),
    )
    .unwrap();
    let ran = clbctl(&["lint", missing.to_str().unwrap(), folder.path().to_str().unwrap()]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    for text in [
        "missing.yaml: not read: No such file",
        "web.yaml:7: mistake: ",
        "in 1 file: 1 mistake, 0 remarks, 1 not read\n",
    ] {
        assert!(ran.out.contains(text), "{text}\n{}", ran.out);
    }
}

#[test]
fn standard_input_is_read_too() {
    let text = service(&["spec: \"x\""], "[{port: 80}]");
    let ran = clbctl_reading(&["lint", "-"], &text);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.out.starts_with("<stdin>:7: mistake: Service shop/web: ")
            && ran.out.contains("in 1 file: 1 mistake"),
        "{}",
        ran.out
    );
}
