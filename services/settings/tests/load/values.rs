//! Where values come from and which place wins; `--help`.

use std::time::Duration;

use clb_settings::{IpNet, LoadError, check_declaration, from_yaml};

use crate::example::{Example, Format, file, run};

#[test]
fn the_declaration_is_sound() {
    check_declaration::<Example>().unwrap();
}

#[test]
fn defaults_fill_what_is_not_given() {
    let settings = run(&["--cluster-id", "c1"], &[]).unwrap();
    assert_eq!(settings.cluster_id, "c1");
    assert_eq!(settings.listen, "127.0.0.1:7000".parse().unwrap());
    assert_eq!(settings.workers, 4);
    assert_eq!(settings.resync, Duration::from_secs(600));
    assert_eq!(settings.log.format, Format::Json);
    assert_eq!(settings.networks, ["10.0.0.0/8".parse::<IpNet>().unwrap()]);
    assert!(settings.tls.is_none() && settings.clusters.is_empty() && !settings.insecure);
}

#[test]
fn a_flag_wins_over_a_variable_that_over_the_file_that_over_the_default() {
    let (_guard, path) =
        file("cluster_id: from-file\nworkers: 5\nlog: {level: debug, format: pretty}\nresync: 30s\n");
    let config = ["--config", path.as_str()];
    let settings = run(&config, &[]).unwrap();
    assert_eq!((settings.workers, settings.log.level.as_str()), (5, "debug"));

    let environment = [("CLB_EXAMPLE_WORKERS", "6"), ("CLB_EXAMPLE_LOG_LEVEL", "warn")];
    let settings = run(&config, &environment).unwrap();
    assert_eq!((settings.workers, settings.log.level.as_str()), (6, "warn"));
    assert_eq!(
        (settings.resync, settings.log.format),
        (Duration::from_secs(30), Format::Pretty)
    );

    let arguments = ["--config", path.as_str(), "--workers=7", "--log-level", "error"];
    let settings = run(&arguments, &environment).unwrap();
    assert_eq!((settings.workers, settings.log.level.as_str()), (7, "error"));
    assert_eq!(settings.cluster_id, "from-file");
}

#[test]
fn the_file_may_be_named_by_a_variable() {
    let (_guard, path) = file("cluster_id: from-file\n");
    assert_eq!(
        run(&[], &[("CLB_EXAMPLE_CONFIG", &path)]).unwrap().cluster_id,
        "from-file"
    );
}

#[test]
fn own_variable_wins_over_the_well_known_one_and_an_empty_one_is_not_set() {
    let base = ("CLB_EXAMPLE_CLUSTER_ID", "c1");
    let known = ("SLB_ENDPOINT", "http://127.0.0.1:1");
    let settings = run(&[], &[base, known]).unwrap();
    assert_eq!(settings.slb_endpoint.unwrap().as_str(), "http://127.0.0.1:1/");
    let settings = run(
        &[],
        &[base, known, ("CLB_EXAMPLE_SLB_ENDPOINT", "http://127.0.0.1:2")],
    )
    .unwrap();
    assert_eq!(settings.slb_endpoint.unwrap().as_str(), "http://127.0.0.1:2/");
    assert!(
        run(&[], &[base, ("SLB_ENDPOINT", "")])
            .unwrap()
            .slb_endpoint
            .is_none()
    );
}

#[test]
fn a_switch_needs_no_value_and_may_have_one() {
    assert!(run(&["--cluster-id=c", "--insecure"], &[]).unwrap().insecure);
    assert!(
        !run(
            &["--cluster-id=c", "--insecure=false"],
            &[("CLB_EXAMPLE_INSECURE", "true")]
        )
        .unwrap()
        .insecure
    );
}

#[test]
fn lists_come_with_commas_or_as_inline_yaml() {
    let settings = run(&["--cluster-id=c", "--networks", "10.1.0.0/16, 10.2.0.0/16"], &[]).unwrap();
    assert_eq!(settings.networks.len(), 2);
    let clusters = "[{id: 0123, vswitches: [{id: vsw-1, zone: cn-a}]}]";
    let settings = run(&["--cluster-id=c", "--clusters", clusters], &[]).unwrap();
    assert_eq!(settings.clusters[0].id, "0123", "an id keeps its leading zero");
    assert_eq!(settings.clusters[0].vswitches[0].zone, "cn-a");
}

#[test]
fn a_group_that_may_be_left_out_appears_with_its_first_field() {
    let settings = run(&["--cluster-id=c", "--tls-ca-file", "/ca.pem"], &[]).unwrap();
    assert_eq!(settings.tls.unwrap().ca_file.to_str(), Some("/ca.pem"));
}

#[test]
fn anchors_keep_the_place_where_they_are_used() {
    let text = "cluster_id: c\nclusters:\n- id: a\n  vswitches: &v [{id: v, zone: cn-a}]\n- id: b\n  vswitches: *v\n";
    assert_eq!(
        from_yaml::<Example>(text).unwrap().clusters[1].vswitches[0].id,
        "v"
    );
}

#[test]
fn help_and_version_are_printed_not_errors() {
    let Err(LoadError::Print(help)) = run(&["--help"], &[]) else {
        panic!("no help")
    };
    for part in [
        "--log-format <VALUE>",
        "Name of the cluster.",
        "[default: 10m]",
        "allowed: a duration from 1s to 24h",
        "CLB_EXAMPLE_SLB_ENDPOINT, SLB_ENDPOINT",
        "--config <FILE>",
    ] {
        let flat = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(part), "{part} is not in\n{help}");
    }
    let Err(LoadError::Print(version)) = run(&["--version"], &[]) else {
        panic!("no version")
    };
    assert_eq!(version.trim(), "clb-example 1.2.3");
}
