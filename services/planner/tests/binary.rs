//! The binary `clb-planner` as it is run: its help, a configuration with mistakes, its end.

use std::path::Path;

use clb_processes::{Process, finish};

const BINARY: &str = env!("CARGO_BIN_EXE_clb-planner");

#[tokio::test]
async fn help_names_every_setting() -> anyhow::Result<()> {
    let help = finish(Path::new(BINARY), &["--help"], Path::new(".")).await?;
    assert_eq!(help.code, Some(0), "{}", help.stderr);
    for setting in [
        "--config",
        "--insecure",
        "--listen",
        "--actuator",
        "--tls-ca-file",
        "CLB_PLANNER_LISTEN",
    ] {
        assert!(help.stdout.contains(setting), "no {setting} in {}", help.stdout);
    }
    Ok(())
}

#[tokio::test]
async fn every_mistake_in_the_configuration_is_named_with_its_place() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let text = "insecure: true\nlisen: 127.0.0.1:0\nstale_after: soon\nclusters:\n  - {id: c-1, region: cn-hangzhou, vpc_id: vpc-1, default_backend_type: pods}\n";
    std::fs::write(folder.path().join("planner.yaml"), text)?;
    let run = finish(Path::new(BINARY), &["--config", "planner.yaml"], folder.path()).await?;
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    for part in [
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
    ] {
        assert!(run.stderr.contains(part), "no {part} in {}", run.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn sigterm_turns_readiness_off_and_ends_it_with_success() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("planner.yaml");
    let text = "insecure: true\nlisten: 127.0.0.1:0\nactuator: 127.0.0.1:1\nadmin: {listen: \"127.0.0.1:0\", drain: 2s}\nclusters: [{id: c-1, region: cn-hangzhou, vpc_id: vpc-1}]\n";
    std::fs::write(&file, text)?;
    let planner = Process::start(Path::new(BINARY), &["--config", &file.to_string_lossy()], &[])?;
    let admin = planner.logged("the planner is serving", "admin").await?;
    let (status, report) = planner.page(&admin, "/readyz?verbose").await?;
    assert_eq!(status, 200, "{report}");
    planner.send_terminate().await?;
    planner.line("shutting down").await?;
    let (status, report) = planner.page(&admin, "/readyz?verbose").await?;
    assert_eq!(status, 503, "{report}");
    assert!(report.contains("[-]shutdown failed"), "{report}");
    assert_eq!(planner.ended().await?.code(), Some(0));
    Ok(())
}
