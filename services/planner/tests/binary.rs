//! The binary `clb-planner` as it is run: its help, a configuration with mistakes, its end.

use std::path::Path;

use clb_processes::{Process, ends_after_readiness, help_names, refuses_file};

const BINARY: &str = env!("CARGO_BIN_EXE_clb-planner");

#[tokio::test]
async fn help_names_every_setting() -> anyhow::Result<()> {
    let settings = [
        "--config",
        "--insecure",
        "--listen",
        "--actuator",
        "--tls-ca-file",
        "CLB_PLANNER_LISTEN",
    ];
    help_names(Path::new(BINARY), &settings).await
}

#[tokio::test]
async fn every_mistake_in_the_configuration_is_named_with_its_place() -> anyhow::Result<()> {
    let text = "insecure: true\nlisen: 127.0.0.1:0\nstale_after: soon\nclusters:\n  - {id: c-1, region: cn-hangzhou, vpc_id: vpc-1, default_backend_type: pods}\n";
    let parts = [
        "planner.yaml:2",
        "lisen",
        "listen",
        "planner.yaml:3",
        "stale_after",
        "soon",
        "planner.yaml:5",
        "default_backend_type",
        "ecs",
        "eni",
    ];
    refuses_file(Path::new(BINARY), "planner.yaml", text, &parts).await
}

#[tokio::test]
async fn sigterm_turns_readiness_off_and_ends_it_with_success() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("planner.yaml");
    let text = "insecure: true\nlisten: 127.0.0.1:0\nactuator: 127.0.0.1:1\nadmin: {listen: \"127.0.0.1:0\", drain: 5m}\nclusters: [{id: c-1, region: cn-hangzhou, vpc_id: vpc-1}]\n";
    std::fs::write(&file, text)?;
    let planner = Process::start(Path::new(BINARY), &["--config", &file.to_string_lossy()], &[])?;
    let admin = planner.logged("the planner is serving", "admin").await?;
    ends_after_readiness(planner, &admin).await
}
