//! The binary `clb-watcher` as it is run: its help, a configuration with mistakes, its end.

use std::path::Path;

use clb_processes::{Process, ends_after_readiness, finish, help_names, refuses, refuses_file};

const BINARY: &str = env!("CARGO_BIN_EXE_clb-watcher");

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n\
    users: [{name: u, user: {}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n";

#[tokio::test]
async fn help_names_every_setting() -> anyhow::Result<()> {
    let settings = [
        "--config",
        "--insecure",
        "--cluster-id",
        "--planner",
        "KUBECONFIG",
        "POD_NAME",
    ];
    help_names(Path::new(BINARY), &settings).await
}

#[tokio::test]
async fn every_mistake_in_the_configuration_is_named_with_its_place() -> anyhow::Result<()> {
    let text = "insecure: true\ncluster_id: c 1\nplaner: 127.0.0.1:7443\nstream: {heartbeat: 1h}\n";
    let parts = [
        "watcher.yaml:2",
        "cluster_id",
        "letters, digits",
        "watcher.yaml:3",
        "planer",
        "planner",
        "watcher.yaml:4",
        "heartbeat",
        "60s",
    ];
    refuses_file(Path::new(BINARY), "watcher.yaml", text, &parts).await
}

#[tokio::test]
async fn files_that_are_not_there_are_named_together() -> anyhow::Result<()> {
    let arguments = [
        "--tls-ca-file=no-ca",
        "--tls-cert-file=no-cert",
        "--tls-key-file=no-key",
        "--cluster-id",
        "c-1",
        "--planner",
        "127.0.0.1:1",
        "--kubernetes-kubeconfig",
        "not-there",
    ];
    let files = ["no-ca", "no-cert", "no-key", "not-there"];
    refuses(Path::new(BINARY), &arguments, Path::new("."), &files).await
}

#[tokio::test]
async fn what_stops_a_start_is_said_in_one_line() -> anyhow::Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let folder = tempfile::tempdir()?;
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, KUBECONFIG)?;
    let (kubeconfig, admin) = (
        kubeconfig.to_string_lossy().into_owned(),
        taken.local_addr()?.to_string(),
    );
    let arguments = [
        "--insecure",
        "--cluster-id=c-1",
        "--planner=127.0.0.1:1",
        "--kubernetes-kubeconfig",
        &kubeconfig,
        "--admin-listen",
        &admin,
    ];
    let run = finish(Path::new(BINARY), &arguments, Path::new(".")).await?;
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let said: Vec<_> = run.stderr.lines().collect();
    assert_eq!(said.len(), 1, "{}", run.stderr);
    assert!(
        said[0].starts_with("clb-watcher: ") && said[0].contains(&admin),
        "{}",
        run.stderr
    );
    assert_eq!(said[0].matches("in use").count(), 1, "{}", run.stderr);
    Ok(())
}

#[tokio::test]
async fn sigterm_turns_readiness_off_and_ends_it_with_success() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, KUBECONFIG)?;
    let file = folder.path().join("watcher.yaml");
    let text = format!(
        "insecure: true\ncluster_id: c-1\nplanner: 127.0.0.1:1\nkubernetes: {{kubeconfig: {kubeconfig:?}}}\nadmin: {{listen: \"127.0.0.1:0\", drain: 5m}}\n"
    );
    std::fs::write(&file, text)?;
    let watcher = Process::start(Path::new(BINARY), &["--config", &file.to_string_lossy()], &[])?;
    let admin = watcher.logged("starting", "admin").await?;
    ends_after_readiness(watcher, &admin).await
}
