//! The binary `clb-actuator` as it is run: its help, a configuration with mistakes, its end.

use std::path::Path;

use clb_processes::{Process, ends_after_readiness, help_names, refuses, refuses_file};

const BINARY: &str = env!("CARGO_BIN_EXE_clb-actuator");

#[tokio::test]
async fn help_names_every_setting() -> anyhow::Result<()> {
    let settings = [
        "--config",
        "--insecure",
        "--listen",
        "--endpoints-slb",
        "SLB_ENDPOINT",
        "ECS_ENDPOINT",
        "VPC_ENDPOINT",
    ];
    help_names(Path::new(BINARY), &settings).await
}

#[tokio::test]
async fn every_mistake_in_the_configuration_is_named_with_its_place() -> anyhow::Result<()> {
    let text = "insecure: true\nclusters:\n  - {id: c-1, region: cn-hangzhou, vpc_id: vpc-1}\nlimits:\n  - {action: CreateLoadBalancer, calls: 0}\nnetwork: private\n";
    let parts = [
        "actuator.yaml:3",
        "vpc_id",
        "vpc_ids",
        "actuator.yaml:5",
        "calls",
        "actuator.yaml:6",
        "private",
        "public",
        "vpc",
    ];
    refuses_file(Path::new(BINARY), "actuator.yaml", text, &parts).await
}

#[tokio::test]
async fn plaintext_is_for_loopback_only() -> anyhow::Result<()> {
    let arguments = ["--insecure", "--listen", "0.0.0.0:0"];
    refuses(
        Path::new(BINARY),
        &arguments,
        Path::new("."),
        &["--listen", "loopback"],
    )
    .await
}

#[tokio::test]
async fn sigterm_turns_readiness_off_and_ends_it_with_success() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("actuator.yaml");
    let text = "insecure: true\nlisten: 127.0.0.1:0\nadmin: {listen: \"127.0.0.1:0\", drain: 5m}\nclusters: [{id: c-1, region: cn-hangzhou, vpc_ids: [vpc-1]}]\n";
    std::fs::write(&file, text)?;
    // Nobody listens there, and there are no credentials: neither keeps it from serving.
    let endpoints = ["SLB_ENDPOINT", "ECS_ENDPOINT", "VPC_ENDPOINT"].map(|name| (name, "http://127.0.0.1:1"));
    let actuator = Process::start(
        Path::new(BINARY),
        &["--config", &file.to_string_lossy()],
        &endpoints,
    )?;
    let admin = actuator.logged("the actuator is serving", "admin").await?;
    ends_after_readiness(actuator, &admin).await
}
