//! A CLB goes with its Service: deletion protection is switched off first, whoever set it.

use clb_e2e::{Api, Stage, delete_all_services, service_api};
use serde_json::json;

use crate::lab::{self, account, apply_all, last_call, service};
use crate::shown::id_of;

/// The annotation `delete-protection`, what somebody then set by hand, and whether the protection is on in the end.
const CASES: [(&str, Option<&str>, Option<&str>, bool); 5] = [
    ("by-default", None, None, true),
    ("by-annotation", Some("on"), None, true),
    ("by-hand", Some("off"), Some("on"), true),
    ("not-at-all", Some("off"), None, false),
    ("no-longer", None, Some("off"), false),
];

/// Sets the protection as the console does.
fn protect(stage: &Stage, id: &str, value: &str) -> anyhow::Result<()> {
    let parameters = [
        ("RegionId", "cn-hangzhou"),
        ("LoadBalancerId", id),
        ("DeleteProtection", value),
    ];
    let done = account(stage).call("SetLoadBalancerDeleteProtection", &parameters);
    done.map(|_| ())
        .map_err(|error| anyhow::anyhow!("{id}: {error:?}"))
}

/// What was done to a CLB after a call; what the cloud refused is left out.
fn applied(stage: &Stage, last: u64, id: &str) -> Vec<String> {
    let calls = stage.world.cloud.cloud().calls_since(last).into_iter();
    calls
        .filter(|call| call.write && call.applied)
        .filter(|call| call.parameters.get("LoadBalancerId").is_some_and(|of| of == id))
        .map(|call| call.action)
        .collect()
}

async fn protection_goes_first(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    for (name, annotation, ..) in CASES {
        let annotations: Vec<(&str, &str)> = annotation
            .map(|value| ("delete-protection", value))
            .into_iter()
            .collect();
        apply_all(&stage, &[service(name, &["80/TCP"], &annotations)]).await?;
    }
    stage.converged(CASES.len()).await?;
    // By hand while our services are away, so that they come to know of it only now.
    stage.world.services.stop().await;
    let mut ids = Vec::new();
    for (name, _, by_hand, is_on) in CASES {
        let id = id_of(&account(&stage), &service_api(&stage).get(name).await?);
        if let Some(value) = by_hand {
            protect(&stage, &id, value)?;
        }
        let shown = account(&stage).load_balancer(&id).unwrap_or_default();
        assert_eq!(
            shown["DeleteProtection"],
            json!(if is_on { "on" } else { "off" }),
            "{name}"
        );
        ids.push((name, id, is_on));
    }
    let last = last_call(&stage);
    for (name, ..) in CASES {
        service_api(&stage)
            .delete(name, &kube::api::DeleteParams::default())
            .await?;
    }
    stage.world.services.restart().await?;
    delete_all_services(&stage).await?;

    for (name, id, is_on) in ids {
        // An annotation that says off is in force already; then nothing is left to switch off.
        let wanted: &[&str] = if is_on {
            &["SetLoadBalancerDeleteProtection", "DeleteLoadBalancer"]
        } else {
            &["DeleteLoadBalancer"]
        };
        assert_eq!(applied(&stage, last, &id), wanted, "{name}");
        assert!(account(&stage).load_balancer(&id).is_none(), "{name}");
    }

    // Behind our services' back: the first attempt is refused, and tells.
    let meanwhile = service("meanwhile", &["80/TCP"], &[("delete-protection", "off")]);
    apply_all(&stage, &[meanwhile]).await?;
    stage.converged(1).await?;
    let id = id_of(&account(&stage), &service_api(&stage).get("meanwhile").await?);
    protect(&stage, &id, "on")?;
    let last = last_call(&stage);
    delete_all_services(&stage).await?;
    assert_eq!(
        applied(&stage, last, &id),
        ["SetLoadBalancerDeleteProtection", "DeleteLoadBalancer"]
    );
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn protection_goes_first_on_kube_sim() -> anyhow::Result<()> {
    protection_goes_first(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn protection_goes_first_on_a_real_api() -> anyhow::Result<()> {
    protection_goes_first(Api::Real).await
}
