//! Every mistake at once, with its place, and secrets never shown.

use clb_settings::{ExposeSecret, check_declaration, from_yaml, settings};

use crate::example::{Example, file, lines, run, wrong};

#[test]
fn every_mistake_is_named_at_once_with_its_place() {
    let (_guard, path) = file(
        "clusterId: c1\n\
         workers: 99\n\
         log:\n\
         \x20 format: jsn\n\
         \x20 levle: info\n\
         clusters:\n\
         - id: a\n\
         \x20 vswitches:\n\
         \x20 - id: vsw-1\n\
         \x20   zone: eu-1\n\
         - vswitches: []\n",
    );
    let arguments = [
        "--config",
        &path,
        "--resync",
        "5",
        "--wrokers",
        "3",
        "--listen=here",
    ];
    let errors = wrong(&arguments, &[("CLB_EXAMPLE_INSECURE", "maybe")]);
    assert_eq!(
        lines(&errors, &path),
        [
            "flag --wrokers: unknown; did you mean --workers? --help lists all flags",
            "FILE:1:1: clusterId: unknown field; did you mean cluster_id? allowed here: cluster_id, listen, planner, insecure, \
             workers, resync, slb_endpoint, secret, networks, log, tls, clusters",
            "cluster_id: required, but not given; set cluster_id in the configuration file, --cluster-id or \
             CLB_EXAMPLE_CLUSTER_ID; allowed: text",
            "flag --listen: listen: \"here\": not an IP address with a port; allowed: an IP address with a port, such as \
             127.0.0.1:8080 or [::]:8080",
            "environment variable CLB_EXAMPLE_INSECURE: insecure: \"maybe\": neither true nor false; allowed: true or false",
            "FILE:2:10: workers: \"99\": more than 64; allowed: a whole number from 1 to 64",
            "flag --resync: resync: \"5\": no unit; did you mean 5s?; allowed: a duration from 1s to 24h",
            "FILE:5:3: log.levle: unknown field; did you mean level? allowed here: format, level",
            "FILE:4:11: log.format: \"jsn\": unknown; did you mean json?; allowed: json or pretty",
            "FILE:10:11: clusters[0].vswitches[0].zone: \"eu-1\": no zone of this region; allowed: a zone such as \
             cn-hangzhou-b",
            "clusters[1].id: required, but not given; set clusters[1].id in the configuration file; allowed: text",
            "FILE:11:14: clusters[1].vswitches: empty; at least one is needed; allowed: a list, each item a mapping with id, zone",
        ]
    );
}

#[test]
fn a_wrong_value_is_named_even_where_another_place_wins() {
    let (_guard, path) = file("cluster_id: c\nworkers: many\n");
    let errors = wrong(
        &["--config", &path, "--workers", "3"],
        &[("CLB_EXAMPLE_WORKERS", "-1")],
    );
    let places: Vec<_> = errors
        .problems()
        .iter()
        .map(|p| p.place.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(
        places,
        [
            "environment variable CLB_EXAMPLE_WORKERS".to_owned(),
            format!("{path}:2:10")
        ]
    );
}

#[test]
fn a_file_that_is_not_yaml_or_not_there_is_named_and_nothing_is_called_missing() {
    let (_guard, path) = file("cluster_id: c\nlog: [\n");
    let errors = wrong(&["--config", &path], &[]);
    assert_eq!(errors.problems().len(), 1, "{errors}");
    assert!(lines(&errors, &path)[0].starts_with("FILE:"), "{errors}");
    assert!(errors.to_string().contains("not valid YAML"), "{errors}");

    let errors = wrong(&["--config", "/no/such/file", "--workers=0"], &[]);
    let text = errors.to_string();
    assert_eq!(errors.problems().len(), 2, "{text}");
    assert!(
        text.contains("--config: \"/no/such/file\": cannot read") && text.contains("less than 1"),
        "{text}"
    );

    let (_guard, path) = file("- a\n- b\n");
    assert!(
        wrong(&["--config", &path], &[])
            .to_string()
            .contains("holds a list")
    );
}

#[test]
fn a_key_given_twice_and_a_value_of_the_wrong_kind_are_named() {
    let errors =
        from_yaml::<Example>("cluster_id: a\ncluster_id: b\nlog: json\nclusters: {a: b}\nworkers: [1]\n")
            .unwrap_err();
    assert_eq!(
        lines(&errors, "settings"),
        [
            "FILE:2:1: cluster_id: given twice; keep one of the two",
            "FILE:5:10: workers: a list where one plain value is needed; allowed: a whole number from 1 to 64",
            "FILE:3:6: log: \"json\": a plain value where a mapping is needed; allowed: a mapping with format, level",
            "FILE:4:11: clusters: a mapping where a list is needed; allowed: a list, each item a mapping with id, vswitches, token",
        ]
    );
}

#[test]
fn a_flag_without_its_value_and_inline_yaml_that_is_none_are_named() {
    let errors = wrong(&["--clusters", "[{", "--workers"], &[]);
    let text = errors.to_string();
    assert!(text.contains("flag --workers: a value is missing"), "{text}");
    let errors = wrong(&["--cluster-id=c", "--clusters", "[{"], &[]);
    assert_eq!(errors.problems().len(), 1, "{errors}");
    assert!(
        errors
            .to_string()
            .contains("flag --clusters: clusters: not valid YAML"),
        "{errors}"
    );
}

#[test]
fn a_negative_number_is_a_value() {
    let errors = wrong(&["--cluster-id=c", "--workers", "-1"], &[]);
    assert_eq!(errors.problems()[0].value.as_deref(), Some("-1"), "{errors}");
}

#[test]
fn checks_across_fields_name_the_place() {
    let errors = wrong(&["--cluster-id=c", "--insecure", "--tls-ca-file=/ca"], &[]);
    assert_eq!(
        lines(&errors, "(no file)"),
        ["flag --tls-ca-file: tls.ca_file: given together with --insecure; leave one of the two out"]
    );
}

#[test]
fn checks_across_fields_run_whatever_else_is_wrong() {
    let errors = wrong(&["--insecure", "--tls-ca-file=/ca", "--workers=0"], &[]);
    let fields: Vec<_> = errors
        .problems()
        .iter()
        .map(|problem| problem.field.as_str())
        .collect();
    assert_eq!(fields, ["cluster_id", "workers", "tls.ca_file"]);
}

settings! {
    /// A list that may not stay empty, and a default that is out of bounds.
    struct Bounds {
        /// Zones.
        zones: Vec<String> = list().not_empty(),
        /// Workers.
        workers: u8 = default("9").between("1", "8"),
    }
}

#[test]
fn what_holds_without_a_value_is_checked_too() {
    let errors = from_yaml::<Bounds>("{}").unwrap_err();
    assert_eq!(
        lines(&errors, "(no file)"),
        [
            "zones: empty; at least one is needed; set zones in the configuration file; allowed: a list, each item text",
            "default: workers: \"9\": more than 8; allowed: a whole number from 1 to 8",
        ]
    );
    let declared = check_declaration::<Bounds>().unwrap_err();
    assert_eq!(
        declared.problems().len(),
        1,
        "only the default is a mistake of the declaration: {declared}"
    );
    let settings = from_yaml::<Bounds>("{zones: [a], workers: 8}").unwrap();
    assert_eq!((settings.zones.len(), settings.workers), (1, 8));
}

#[test]
fn two_items_with_one_id_are_refused() {
    let text = "cluster_id: c\nclusters:\n- {id: a, vswitches: [{id: v, zone: cn-a}]}\n- {id: a, vswitches: [{id: v, zone: cn-a}]}\n";
    let errors = from_yaml::<Example>(text).unwrap_err();
    assert!(
        errors.to_string().contains("items 0 and 1 are both a"),
        "{errors}"
    );
}

#[test]
fn a_secret_is_read_and_never_shown() {
    let settings = run(&["--cluster-id=c"], &[("ACCESS_KEY_SECRET", "hunter2")]).unwrap();
    assert_eq!(settings.secret.as_ref().unwrap().expose_secret(), "hunter2");
    assert!(!format!("{settings:?}").contains("hunter2"));

    for yaml in [
        "secret: [hunter2]",
        "secrte: hunter2",
        "clusters: hunter2",
        "clusters: [{id: a, token: {x: hunter2}}, hunter2]",
        "secret: 'hunter2",
        "secret: a\nsecret: hunter2",
        "log: {secret: hunter2}",
        "secret: *hunter2",
    ] {
        let errors = from_yaml::<Example>(yaml).unwrap_err();
        assert!(!errors.to_string().contains("hunter2"), "{yaml}: {errors}");
        assert!(!format!("{errors:?}").contains("hunter2"), "{yaml}: {errors:?}");
    }
}

#[test]
fn urls_with_credentials_or_another_scheme_are_refused() {
    for (url, why) in [("ftp://host", "neither http nor https"), ("host", "not a URL")] {
        let errors = wrong(&["--cluster-id=c", "--slb-endpoint", url], &[]);
        assert!(errors.to_string().contains(why), "{errors}");
    }
    let errors = wrong(
        &["--cluster-id=c", "--slb-endpoint", "https://me:hunter2@host"],
        &[],
    );
    assert!(
        errors.to_string().contains("no user name or password"),
        "{errors}"
    );
    assert!(!errors.to_string().contains("hunter2"), "{errors}");
}

#[test]
fn an_unknown_positional_argument_is_named() {
    assert!(
        wrong(&["--cluster-id=c", "run"], &[])
            .to_string()
            .contains("argument run: unknown")
    );
}

#[test]
fn two_items_with_one_id_are_named_beside_an_item_with_a_mistake() {
    let good = "{id: a, vswitches: [{id: v, zone: cn-a}]}";
    let text = format!("cluster_id: c\nclusters:\n- {good}\n- {{id: b, vswitches: []}}\n- {good}\n");
    let errors = from_yaml::<Example>(&text).unwrap_err();
    assert_eq!(errors.problems().len(), 2, "{errors}");
    let text = errors.to_string();
    assert!(
        text.contains("items 0 and 2 are both a") && text.contains("clusters[1].vswitches: empty"),
        "{text}"
    );
}
