//! `clb-sandbox up` on a shell.

use std::path::Path;

use clb_processes::{Finished, Process, binary_beside, finish};

const BINARY: &str = env!("CARGO_BIN_EXE_clb-sandbox");
const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A Service as a manifest, with more annotations.
fn service(name: &str, annotations: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n  annotations: {{{annotations}}}\n\
         spec:\n  type: LoadBalancer\n  selector: {{app: {name}}}\n  ports:\n    - port: 80\n"
    )
}

/// Runs `up --once` on these manifests.
async fn up_once(manifests: &[(&str, &str)], more: &[&str]) -> anyhow::Result<Finished> {
    let folder = tempfile::tempdir()?;
    for (name, text) in manifests {
        std::fs::write(folder.path().join(name), text)?;
    }
    let place = folder.path().to_string_lossy();
    let arguments = [&["up", "--once", "--manifests", &place], more].concat();
    finish(Path::new(BINARY), &arguments, folder.path()).await
}

#[tokio::test]
async fn the_command_of_the_readme_brings_every_example_up() -> anyhow::Result<()> {
    let run = finish(Path::new(BINARY), &["up", "--once"], Path::new(REPOSITORY)).await?;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let examples = std::fs::read_dir(Path::new(REPOSITORY).join("deploy/examples"))?.count();
    let said = format!("{examples} of {examples} Services converged");
    assert!(run.stdout.contains(&said), "no {said:?} in {}", run.stdout);
    let rows = run
        .stdout
        .lines()
        .filter(|line| line.contains("default/") && line.contains("converged") && line.contains(" lb-"));
    assert_eq!(rows.count(), examples, "{}", run.stdout);
    assert_eq!(run.stderr, "", "nothing is wrong");
    Ok(())
}

#[tokio::test]
async fn several_clusters_and_limits() -> anyhow::Result<()> {
    let run = up_once(
        &[("web.yaml", &service("web", ""))],
        &["--clusters", "3", "--limits"],
    )
    .await?;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("3 of 3 Services converged"), "{}", run.stdout);
    for cluster in ["sandbox-1", "sandbox-2", "sandbox-3"] {
        assert!(run.stdout.contains(cluster), "{}", run.stdout);
    }
    Ok(())
}

#[tokio::test]
async fn a_service_that_cannot_be_built_is_named_with_the_reason() -> anyhow::Result<()> {
    let wrong = service(
        "wrong",
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-scheduler: fastest",
    );
    let run = up_once(
        &[("right.yaml", &service("right", "")), ("wrong.yaml", &wrong)],
        // It is the whole of it that is waited, for the wrong one; the right one has to be up by then on a busy machine too.
        &["--wait", "30"],
    )
    .await?;
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("1 of 2 Services converged"), "{}", run.stdout);
    let row = run
        .stdout
        .lines()
        .find(|line| line.contains("default/wrong") && line.contains("failed:"));
    let row = row.unwrap_or_default();
    for part in ["loadbalancer-scheduler", "fastest", "wrr"] {
        assert!(
            run.stdout.contains(part),
            "no {part} in {row:?} of {}",
            run.stdout
        );
    }
    Ok(())
}

#[tokio::test]
async fn mistakes_in_manifests_are_all_named_before_anything_starts() -> anyhow::Result<()> {
    let manifests = [
        ("1-good.yaml", service("good", "")),
        ("2-broken.yaml", "kind: Service\n  metadata: [\n".to_owned()),
        (
            "3-unknown.yaml",
            "apiVersion: v1\nkind: Servce\nmetadata: {name: a}\n".to_owned(),
        ),
    ];
    let manifests: Vec<_> = manifests
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let run = up_once(&manifests, &[]).await?;
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert_eq!(run.stdout, "", "nothing was started");
    for part in [
        "2-broken.yaml",
        "not valid YAML",
        "line 2",
        "3-unknown.yaml",
        "\"Servce\"",
        "v1 Service",
    ] {
        assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn an_object_that_the_api_refuses_is_named_with_its_file() -> anyhow::Result<()> {
    let refused = service("web", "").replace("port: 80", "port: 80000");
    let run = up_once(&[("web.yaml", &refused)], &[]).await?;
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    for part in ["web.yaml", "spec.ports[0].port", "65535"] {
        assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr);
    }
    Ok(())
}

/// The external address that the sandbox says a Service got.
fn said_address(written: &str, service: &str) -> Option<String> {
    let line = written
        .lines()
        .find(|line| line.contains(service) && line.contains('→'))?;
    line.split('→')
        .nth(1)?
        .split_whitespace()
        .next()
        .map(str::to_owned)
}

#[tokio::test]
async fn it_stays_up_for_kubectl_until_it_is_told_to_end() -> anyhow::Result<()> {
    let examples = format!("{REPOSITORY}/deploy/examples/01-tcp.yaml");
    let sandbox = Process::start(Path::new(BINARY), &["up", "--manifests", &examples], &[])?;
    let line = sandbox.line("kubectl --kubeconfig").await?;
    let page = sandbox.line("state page: http://").await?;
    let page = page
        .trim_start_matches("state page: http://")
        .trim_end_matches('/')
        .to_owned();
    let (status, body) = sandbox.page(&page, "/").await?;
    assert_eq!(status, 200);
    let address = said_address(&sandbox.written(), "default/web").unwrap_or_default();
    assert!(body.contains("default/web") && body.contains(&address), "{body}");
    let (status, trace) = sandbox.page(&page, "/trace/sandbox-1/default/web").await?;
    assert!(status == 200 && trace.contains("planner.pass"), "{trace}");

    let words: Vec<&str> = line.split_whitespace().collect();
    match finish(Path::new(words[0]), &words[1..], Path::new("/")).await {
        Ok(run) => {
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            let row = run.stdout.lines().find(|row| row.contains("LoadBalancer"));
            let row = row.unwrap_or_default();
            assert!(row.contains("web") && row.contains(&address), "{}", run.stdout);
        }
        Err(error) => eprintln!("NOT TESTED: {error:#}"),
    }
    let line = sandbox.line("clbctl services").await?;
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    let run = finish(
        &binary_beside(Path::new(BINARY), "clbctl")?,
        &words,
        Path::new("/"),
    )
    .await?;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains(&address), "{}", run.stdout);
    assert!(!sandbox.written().contains('\u{1b}'), "colours are for terminals");
    assert_eq!(sandbox.terminate().await?.code(), Some(0));
    Ok(())
}

#[tokio::test]
async fn it_starts_without_manifests_if_it_is_told_to() -> anyhow::Result<()> {
    let sandbox = Process::start(Path::new(BINARY), &["up", "--empty", "--quotas"], &[])?;
    sandbox.line("0 of 0 Services converged").await?;
    sandbox.line("kubectl --kubeconfig").await?;
    assert_eq!(sandbox.terminate().await?.code(), Some(0));
    Ok(())
}
