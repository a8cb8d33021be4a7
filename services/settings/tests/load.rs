//! What a service's start shows: precedence of the places, every mistake at once, secrets never shown.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use clb_settings::{
    Checker, ExposeSecret, HostPort, IpNet, LoadError, Partial, Program, SecretString, SettingsErrors, Url,
    check_declaration, choice, from_yaml, load, settings,
};

choice! {
    /// How log lines look.
    pub enum Format {
        /// JSON.
        Json = "json",
        /// For people.
        Pretty = "pretty",
    }
}

settings! {
    /// Everything that a declaration can have.
    pub struct Example checked by certificate_unless_insecure {
        /// Name of the
        /// cluster.
        cluster_id: String = required().not_blank(),
        /// Where to listen.
        listen: SocketAddr = default("127.0.0.1:7000"),
        /// What to dial.
        planner: Option<HostPort> = optional(),
        /// Plaintext.
        insecure: bool = default("false"),
        /// Calls at a time.
        workers: u32 = default("4").between("1", "64"),
        /// Time between reads.
        resync: Duration = default("10m").between("1s", "24h"),
        /// Endpoint of the SLB.
        slb_endpoint: Option<Url> = optional().env("SLB_ENDPOINT"),
        /// Key secret.
        secret: Option<SecretString> = optional().env("ACCESS_KEY_SECRET"),
        /// Networks.
        networks: Vec<IpNet> = default("[10.0.0.0/8]"),
        /// Logs.
        log: Log = group(),
        /// Certificates.
        tls: Option<Tls> = optional(),
        /// The clusters.
        clusters: Vec<Cluster> = list().unique_by(|cluster: &Cluster| cluster.id.clone()),
    }
}

settings! {
    /// Logs.
    pub struct Log {
        /// Form.
        format: Format = default("json"),
        /// Level.
        level: String = default("info"),
    }
}

settings! {
    /// Certificates.
    pub struct Tls {
        /// Authority.
        ca_file: std::path::PathBuf = required(),
    }
}

settings! {
    /// A cluster.
    pub struct Cluster {
        /// Its id.
        id: String = required(),
        /// Its vSwitches.
        vswitches: Vec<VSwitch> = required().not_empty(),
        /// Token.
        token: Option<SecretString> = optional(),
    }
}

settings! {
    /// A vSwitch.
    pub struct VSwitch {
        /// Id.
        id: String = required(),
        /// Zone.
        zone: String = required().check(|zone: &String| {
            if zone.starts_with("cn-") { Ok(()) } else { Err("no zone of this region".to_owned()) }
        }).allowed("a zone such as cn-hangzhou-b"),
    }
}

fn certificate_unless_insecure(settings: &Partial<Example>, checker: &mut Checker<'_, '_>) {
    if settings.insecure == Some(true) && matches!(settings.tls, Some(Some(_))) {
        checker.wrong(
            "tls.ca_file",
            "given together with --insecure",
            "leave one of the two out",
        );
    }
}

const PROGRAM: Program = Program {
    name: "clb-example",
    version: "1.2.3",
    about: "An example.",
};

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Example, LoadError> {
    load(
        &PROGRAM,
        arguments.iter().map(|&argument| argument.to_owned()),
        environment
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned())),
    )
}

fn wrong(arguments: &[&str], environment: &[(&str, &str)]) -> SettingsErrors {
    match run(arguments, environment) {
        Err(LoadError::Wrong(errors)) => errors,
        Err(LoadError::Print(text)) => panic!("printed {text}"),
        Ok(settings) => panic!("accepted as {settings:?}"),
    }
}

/// The problems as lines, the file's name taken out.
fn lines(errors: &SettingsErrors, file: &str) -> Vec<String> {
    errors
        .problems()
        .iter()
        .map(|problem| problem.to_string().replace(file, "FILE"))
        .collect()
}

fn file(text: &str) -> (tempfile::NamedTempFile, String) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    (file, path)
}

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

#[test]
fn an_unknown_positional_argument_is_named() {
    assert!(
        wrong(&["--cluster-id=c", "run"], &[])
            .to_string()
            .contains("argument run: unknown")
    );
}
