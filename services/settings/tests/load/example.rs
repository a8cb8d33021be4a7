//! A declaration with everything that one can have, and how a service would read it.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use clb_settings::{
    Checker, HostPort, IpNet, LoadError, Partial, Program, SecretString, SettingsErrors, Url, choice, load,
    settings,
};

choice! {
    /// How log lines look.
    pub(crate) enum Format {
        /// JSON.
        Json = "json",
        /// For people.
        Pretty = "pretty",
    }
}

settings! {
    /// Everything that a declaration can have.
    pub(crate) struct Example checked by certificate_unless_insecure {
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
    pub(crate) struct Log {
        /// Form.
        format: Format = default("json"),
        /// Level.
        level: String = default("info"),
    }
}

settings! {
    /// Certificates.
    pub(crate) struct Tls {
        /// Authority.
        ca_file: std::path::PathBuf = required(),
    }
}

settings! {
    /// A cluster.
    pub(crate) struct Cluster {
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
    pub(crate) struct VSwitch {
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

pub(crate) const PROGRAM: Program = Program {
    name: "clb-example",
    version: "1.2.3",
    about: "An example.",
};

pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Example, LoadError> {
    load(
        &PROGRAM,
        arguments.iter().map(|&argument| argument.to_owned()),
        environment
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned())),
    )
}

pub(crate) fn wrong(arguments: &[&str], environment: &[(&str, &str)]) -> SettingsErrors {
    match run(arguments, environment) {
        Err(LoadError::Wrong(errors)) => errors,
        Err(LoadError::Print(text)) => panic!("printed {text}"),
        Ok(settings) => panic!("accepted as {settings:?}"),
    }
}

/// The problems as lines, the file's name taken out.
pub(crate) fn lines(errors: &SettingsErrors, file: &str) -> Vec<String> {
    errors
        .problems()
        .iter()
        .map(|problem| problem.to_string().replace(file, "FILE"))
        .collect()
}

pub(crate) fn file(text: &str) -> (tempfile::NamedTempFile, String) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    (file, path)
}
