//! A new Service with a mistake: no write to the cloud, one event, a condition.

use std::time::Duration;

use clb_e2e::{Api, Stage, delete_all_services};
use cloud_sim::{Certificate, NetworkInterface, VSwitch, lab as cloud_lab};
use serde_json::json;

use super::combinations::COMBINATIONS;
use super::table::Mistake;
use super::unknown::{HELD_ADDRESS, UNKNOWN};
use super::values::VALUES;
use crate::lab::{self, account, apply_all, condition, events};

/// What a Service's condition says of its mistakes.
pub(super) const ACCEPTED: &str = "service.k8s.alibaba/Accepted";

/// Puts an expired certificate, a vSwitch of another VPC and an interface that has an address of the lab's into the account.
pub(super) fn add_what_does_not_fit(stage: &Stage) {
    let account = account(stage);
    let past = "2020-01-01T00:00:00Z".parse().expect("a time");
    account.add_certificate(Certificate::new(
        "cert-old",
        cloud_lab::REGION,
        "old.example.com",
        past,
    ));
    let range = "10.9.0.0/16".parse().expect("a range");
    account.add_vswitch(VSwitch::new("vsw-other", "vpc-other", "cn-hangzhou-k", range));
    account.add_network_interface(NetworkInterface::new(
        "eni-holder",
        cloud_lab::VPC,
        "vsw-k",
        "cn-hangzhou-k",
        &[HELD_ADDRESS.parse().expect("an address")],
    ));
}

/// What is wrong with how a Service was told of its mistake; empty when nothing is.
fn wrongly_told(
    mistake: &Mistake,
    warnings: &[lab::Said],
    accepted: &(String, String, String),
) -> Vec<String> {
    let mut wrong = Vec::new();
    if warnings.len() != 1 || warnings[0].count != 1 {
        wrong.push(format!("not one Warning event but {warnings:?}"));
    }
    if accepted.0 != "False" {
        wrong.push(format!("condition {accepted:?}"));
    }
    for part in mistake.must_be_told() {
        let told = warnings.iter().all(|said| said.message.contains(&part));
        if !told || !accepted.2.contains(&part) {
            wrong.push(format!("{part:?} is not in {warnings:?} or {accepted:?}"));
        }
    }
    wrong
}

/// Each mistake of a table, on a Service of its own.
async fn each_is_told_before_any_write(api: Api, table: &[Mistake]) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    add_what_does_not_fit(&stage);
    let named: Vec<(String, &Mistake)> = table
        .iter()
        .enumerate()
        .map(|(number, mistake)| (format!("mistake-{number}"), mistake))
        .collect();
    let manifests: Vec<_> = named
        .iter()
        .map(|(name, mistake)| mistake.service(name))
        .collect();
    apply_all(&stage, &manifests).await?;
    stage
        .until("each Service is told of its mistake", async || {
            let services = lab::services(&stage).await?;
            let events = events(&stage).await?;
            Ok(named.iter().all(|(name, _)| {
                let told = events
                    .get(name)
                    .into_iter()
                    .flatten()
                    .any(|said| said.kind == "Warning");
                told && condition(&services[name], ACCEPTED).0 == "False"
            }))
        })
        .await?;
    // Nothing more is said or done by services that start anew and look at everything again.
    stage.world.services.restart().await?;
    stage
        .until("the planner has looked at each again", async || {
            let known = stage.world.view.services().await?;
            Ok(known.len() == named.len() && known.values().all(|service| !service.message.is_empty()))
        })
        .await?;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let (services, events) = (lab::services(&stage).await?, events(&stage).await?);
    let mut wrong = Vec::new();
    for (name, mistake) in &named {
        let warnings: Vec<_> = events[name]
            .iter()
            .filter(|said| said.kind == "Warning")
            .cloned()
            .collect();
        let told = wrongly_told(mistake, &warnings, &condition(&services[name], ACCEPTED));
        wrong.extend(
            told.into_iter()
                .map(|line| format!("{} {:?}: {line}", mistake.at, mistake.annotations)),
        );
        if services[name].status.as_ref().is_some_and(|status| {
            status
                .load_balancer
                .as_ref()
                .is_some_and(|shown| shown.ingress.iter().flatten().next().is_some())
        }) {
            wrong.push(format!("{} has an address", mistake.at));
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
    // What could never be built goes at once.
    delete_all_services(&stage).await?;
    assert_eq!(stage.writes(), 0, "writes to the cloud");
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_value_is_told_before_any_write_on_kube_sim() -> anyhow::Result<()> {
    each_is_told_before_any_write(Api::Simulated, VALUES).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_value_is_told_before_any_write_on_a_real_api() -> anyhow::Result<()> {
    each_is_told_before_any_write(Api::Real, VALUES).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_combination_is_told_before_any_write_on_kube_sim() -> anyhow::Result<()> {
    each_is_told_before_any_write(Api::Simulated, COMBINATIONS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_combination_is_told_before_any_write_on_a_real_api() -> anyhow::Result<()> {
    each_is_told_before_any_write(Api::Real, COMBINATIONS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_name_of_nothing_is_told_before_any_write_on_kube_sim() -> anyhow::Result<()> {
    each_is_told_before_any_write(Api::Simulated, UNKNOWN).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_name_of_nothing_is_told_before_any_write_on_a_real_api() -> anyhow::Result<()> {
    each_is_told_before_any_write(Api::Real, UNKNOWN).await
}

/// Mistakes of every kind on one Service are told together.
async fn all_mistakes_are_told_at_once(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let mut service = lab::service(
        "many",
        &["80/TCP", "443/TCP"],
        &[
            ("protocol-port", "https:443"),
            ("scheduler", "fair"),
            ("idle-timeout", "61"),
            ("acl-status", "on"),
            ("acl-id", "acl-nowhere"),
            ("forward-port", "80:443"),
        ],
    );
    service.object["spec"]["loadBalancerSourceRanges"] = json!(["10.0.0.0/8"]);
    // Here the cloud must be read for one of them.
    let nowhere = lab::service(
        "nowhere",
        &["80/TCP"],
        &[
            ("id", "lb-nowhere"),
            ("scheduler", "fair"),
            ("bandwidth", "61 Mbps"),
        ],
    );
    apply_all(&stage, &[service, nowhere]).await?;
    stage
        .until("the Service is told", async || {
            Ok(events(&stage).await?.contains_key("many"))
        })
        .await?;
    let services = lab::services(&stage).await?;
    let (status, _, message) = condition(&services["many"], ACCEPTED);
    assert_eq!(status, "False");
    for at in [
        "scheduler",
        "idle-timeout",
        "acl-id",
        "acl-type",
        "cert-id",
        "forward-port",
    ] {
        assert!(message.contains(&lab::full_name(at)), "{at} is not in {message}");
    }
    assert!(message.contains("spec.loadBalancerSourceRanges"), "{message}");
    stage
        .until("the other Service is told too", async || {
            Ok(events(&stage).await?.contains_key("nowhere"))
        })
        .await?;
    let on_nowhere = &events(&stage).await?["nowhere"];
    assert_eq!(on_nowhere.len(), 1, "{on_nowhere:?}");
    for part in ["lb-nowhere", "fair", "61"] {
        assert!(
            on_nowhere[0].message.contains(part),
            "{part} is not in {on_nowhere:?}"
        );
    }
    let said = &events(&stage).await?["many"];
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(stage.writes(), 0);
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_mistakes_are_told_at_once_on_kube_sim() -> anyhow::Result<()> {
    all_mistakes_are_told_at_once(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_mistakes_are_told_at_once_on_a_real_api() -> anyhow::Result<()> {
    all_mistakes_are_told_at_once(Api::Real).await
}
