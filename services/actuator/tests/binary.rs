//! The binary `clb-actuator` as it is run: its help, a configuration with mistakes, its end.

use std::path::Path;

use clb_processes::{Process, finish};

const BINARY: &str = env!("CARGO_BIN_EXE_clb-actuator");

#[tokio::test]
async fn help_names_every_setting() -> anyhow::Result<()> {
    let help = finish(Path::new(BINARY), &["--help"], Path::new(".")).await?;
    assert_eq!(help.code, Some(0), "{}", help.stderr);
    for setting in [
        "--config",
        "--insecure",
        "--listen",
        "--endpoints-slb",
        "SLB_ENDPOINT",
        "ECS_ENDPOINT",
        "VPC_ENDPOINT",
    ] {
        assert!(help.stdout.contains(setting), "no {setting} in {}", help.stdout);
    }
    Ok(())
}

#[tokio::test]
async fn every_mistake_in_the_configuration_is_named_with_its_place() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let text = "insecure: true\nclusters:\n  - {id: c-1, region: cn-hangzhou, vpc_id: vpc-1}\nlimits:\n  - {action: CreateLoadBalancer, calls: 0}\nnetwork: private\n";
    std::fs::write(folder.path().join("actuator.yaml"), text)?;
    let run = finish(Path::new(BINARY), &["--config", "actuator.yaml"], folder.path()).await?;
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    for part in [
        "actuator.yaml:3",
        "vpc_id",
        "vpc_ids",
        "actuator.yaml:5",
        "calls",
        "actuator.yaml:6",
        "private",
        "public",
        "vpc",
    ] {
        assert!(run.stderr.contains(part), "no {part} in {}", run.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn plaintext_is_for_loopback_only() -> anyhow::Result<()> {
    let arguments = ["--insecure", "--listen", "0.0.0.0:0"];
    let run = finish(Path::new(BINARY), &arguments, Path::new(".")).await?;
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(
        run.stderr.contains("--listen") && run.stderr.contains("loopback"),
        "{}",
        run.stderr
    );
    Ok(())
}

#[tokio::test]
async fn sigterm_turns_readiness_off_and_ends_it_with_success() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("actuator.yaml");
    let text = "insecure: true\nlisten: 127.0.0.1:0\nadmin: {listen: \"127.0.0.1:0\", drain: 2s}\nclusters: [{id: c-1, region: cn-hangzhou, vpc_ids: [vpc-1]}]\n";
    std::fs::write(&file, text)?;
    // Nobody listens there, and there are no credentials: neither keeps it from serving.
    let endpoints = ["SLB_ENDPOINT", "ECS_ENDPOINT", "VPC_ENDPOINT"].map(|name| (name, "http://127.0.0.1:1"));
    let actuator = Process::start(
        Path::new(BINARY),
        &["--config", &file.to_string_lossy()],
        &endpoints,
    )?;
    let admin = actuator.logged("the actuator is serving", "admin").await?;
    let (status, report) = actuator.page(&admin, "/readyz?verbose").await?;
    assert_eq!(status, 200, "{report}");
    actuator.send_terminate().await?;
    actuator.line("shutting down").await?;
    let (status, report) = actuator.page(&admin, "/readyz?verbose").await?;
    assert_eq!(status, 503, "{report}");
    assert!(report.contains("[-]shutdown failed"), "{report}");
    assert_eq!(actuator.ended().await?.code(), Some(0));
    Ok(())
}
