//! What a CLB costs: by bandwidth needs PayBySpec, also where nobody says so; changes where they are possible, and only of what is named.

use clb_e2e::{Api, service_api};
use clb_sandbox::manifests::Manifest;
use serde_json::{Value, json};

use crate::lab::{self, account, actions_since, apply_all, at_rest, events, last_call, service, shows};
use crate::shown::id_of;

fn web(annotations: &[(&str, &str)]) -> Manifest {
    service("web", &["80/TCP"], annotations)
}

const BY_BANDWIDTH: (&str, &str) = ("charge-type", "paybybandwidth");

/// Annotations, what the cloud then shows by JSON pointers, and the actions that it was asked for.
type Change = (
    &'static [(&'static str, &'static str)],
    Vec<(&'static str, Value)>,
    &'static [&'static str],
);

/// Without an instance charge type, since Alibaba's controller cannot make such a CLB, and through all changes to PayByCLCU, from which
/// there is no way back.
async fn payment_follows(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let by_bandwidth = ("/InternetChargeType", json!("paybybandwidth"));
    let by_traffic = ("/InternetChargeType", json!("paybytraffic"));
    let by_specification = ("/InstanceChargeType", json!("PayBySpec"));
    apply_all(&stage, &[web(&[BY_BANDWIDTH])]).await?;
    stage.converged(1).await?;
    let id = id_of(&account(&stage), &service_api(&stage).get("web").await?);
    shows(
        &stage,
        &id,
        &[
            by_specification.clone(),
            by_bandwidth.clone(),
            ("/LoadBalancerSpec", json!("slb.s1.small")),
            ("/Bandwidth", json!(50)),
        ],
    )
    .await?;

    const INTERNET: &str = "ModifyLoadBalancerInternetSpec";
    const BY_USE: &str = "ModifyLoadBalancerInstanceChargeType";
    const SPECIFICATION: &str = "ModifyLoadBalancerInstanceSpec";
    let changes: Vec<Change> = vec![
        (
            &[BY_BANDWIDTH, ("bandwidth", "7")],
            vec![("/Bandwidth", json!(7))],
            &[INTERNET],
        ),
        (
            &[BY_BANDWIDTH, ("bandwidth", "7"), ("spec", "slb.s2.small")],
            vec![("/LoadBalancerSpec", json!("slb.s2.small"))],
            &[SPECIFICATION],
        ),
        // Without their annotations all stays.
        (
            &[],
            vec![
                by_bandwidth.clone(),
                ("/Bandwidth", json!(7)),
                ("/LoadBalancerSpec", json!("slb.s2.small")),
            ],
            &[],
        ),
        (
            &[("charge-type", "paybytraffic")],
            vec![by_traffic.clone(), by_specification.clone()],
            &[INTERNET],
        ),
        (
            &[BY_BANDWIDTH, ("bandwidth", "9")],
            vec![by_bandwidth, ("/Bandwidth", json!(9))],
            &[INTERNET],
        ),
        // The cloud refuses payment by use as long as traffic is paid by bandwidth.
        (
            &[
                ("instance-charge-type", "PayByCLCU"),
                ("charge-type", "paybytraffic"),
            ],
            vec![("/InstanceChargeType", json!("PayByCLCU")), by_traffic],
            &[INTERNET, BY_USE],
        ),
    ];
    for (annotations, wanted, actions) in changes {
        let last = last_call(&stage);
        apply_all(&stage, &[web(annotations)]).await?;
        shows(&stage, &id, &wanted).await?;
        at_rest(&stage).await?;
        shows(&stage, &id, &wanted).await?;
        assert_eq!(actions_since(&stage, last), actions, "{annotations:?}");
    }
    let said = events(&stage).await?;
    let warnings: Vec<_> = said["web"].iter().filter(|said| said.kind == "Warning").collect();
    assert!(warnings.is_empty(), "{warnings:?}");
    stage.end().await;
    Ok(())
}

/// Payment by use where only it is asked for: the cloud would refuse it, so it is said what is missing, and nothing is written until that
/// is there.
async fn by_bandwidth_is_not_given_up_unasked(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    apply_all(&stage, &[web(&[BY_BANDWIDTH, ("bandwidth", "7")])]).await?;
    stage.converged(1).await?;
    let id = id_of(&account(&stage), &service_api(&stage).get("web").await?);
    const BY_USE: (&str, &str) = ("instance-charge-type", "PayByCLCU");
    let last = last_call(&stage);
    apply_all(&stage, &[web(&[BY_USE])]).await?;
    at_rest(&stage).await?;
    assert!(actions_since(&stage, last).is_empty());
    shows(
        &stage,
        &id,
        &[
            ("/InstanceChargeType", json!("PayBySpec")),
            ("/InternetChargeType", json!("paybybandwidth")),
            ("/Bandwidth", json!(7)),
        ],
    )
    .await?;
    let told = async || -> anyhow::Result<usize> {
        let said = events(&stage).await?;
        let warnings = said["web"].iter().filter(|said| said.kind == "Warning");
        Ok(warnings
            .filter(|said| {
                said.message.contains("instance-charge-type asks for PayByCLCU")
                    && said.message.contains("charge-type: \"paybytraffic\" too")
            })
            .count())
    };
    assert_eq!(told().await?, 1);
    apply_all(&stage, &[web(&[BY_USE, ("charge-type", "paybytraffic")])]).await?;
    shows(
        &stage,
        &id,
        &[
            ("/InstanceChargeType", json!("PayByCLCU")),
            ("/InternetChargeType", json!("paybytraffic")),
        ],
    )
    .await?;
    at_rest(&stage).await?;
    assert_eq!(told().await?, 1);
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn by_bandwidth_is_not_given_up_unasked_on_kube_sim() -> anyhow::Result<()> {
    by_bandwidth_is_not_given_up_unasked(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn by_bandwidth_is_not_given_up_unasked_on_a_real_api() -> anyhow::Result<()> {
    by_bandwidth_is_not_given_up_unasked(Api::Real).await
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_follows_on_kube_sim() -> anyhow::Result<()> {
    payment_follows(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_follows_on_a_real_api() -> anyhow::Result<()> {
    payment_follows(Api::Real).await
}
