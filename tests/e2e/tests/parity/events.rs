//! The event reasons that people alert on: each is sent where it should be, with the right type, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use clb_e2e::{Api, Stage, service_api};
use clb_sandbox::manifests::Manifest;
use clb_sandbox::workload::{LabNode, make_nodes};
use cloud_sim::{Fault as CloudFault, FaultKind};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube_sim::{ApiError, Fault, FaultAction};
use serde_json::{Value, json};

use crate::lab::{self, account, apply_all, events, service};

/// The reasons of `compatibility.md`, "Status and events", with their types.
const ALERTED: [(&str, &str); 15] = [
    ("EnsuredLoadBalancer", "Normal"),
    ("SyncLoadBalancerFailed", "Warning"),
    ("CleanLoadBalancer", "Normal"),
    ("CleanLoadBalancerFailed", "Warning"),
    ("UnAvailableLoadBalancer", "Warning"),
    ("SkipSyncBackends", "Warning"),
    ("PreservedOnDelete", "Warning"),
    ("AnnotationChanged", "Normal"),
    ("ServiceSpecChanged", "Normal"),
    ("TypeChanged", "Normal"),
    ("DeleteTimestampChanged", "Normal"),
    ("FailedAddFinalizer", "Warning"),
    ("FailedRemoveFinalizer", "Warning"),
    ("FailedUpdateStatus", "Warning"),
    ("FailedUpdateReadinessGate", "Warning"),
];

/// What each Service was sent, as `Warning SyncLoadBalancerFailed`.
type Expected = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// Without the Node that has no instance.
const ZONE: (&str, &str) = (
    "backend-label",
    "failure-domain.beta.kubernetes.io/zone=cn-hangzhou-k",
);

fn good(name: &str) -> Manifest {
    service(name, &["80/TCP"], &[ZONE])
}

async fn delete(stage: &Stage, name: &str) -> anyhow::Result<()> {
    service_api(stage).delete(name, &DeleteParams::default()).await?;
    stage
        .until(&format!("{name} is gone"), async || {
            Ok(service_api(stage).get_opt(name).await?.is_none())
        })
        .await
}

async fn patch(stage: &Stage, name: &str, patch: Value) -> anyhow::Result<()> {
    let api = service_api(stage);
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}

/// What the cloud and changes of a Service lead to.
async fn of_the_cloud(stage: &mut Stage) -> anyhow::Result<Expected> {
    // Ready, and without an instance.
    let ghost = LabNode::numbered("ghost-", 8);
    make_nodes(&stage.world.clusters[0].client, &[ghost]).await?;
    let mut locked = account(stage).load_balancer("lb-reuse-04").unwrap_or_default();
    locked["LoadBalancerStatus"] = json!("locked");
    locked["vgroups"] = json!({});
    locked["listeners"] = json!({});
    account(stage).load_state(&json!({"load_balancers": {"lb-locked": locked}}), &[])?;

    let class = ("service.beta.kubernetes.io/class", "alb");
    apply_all(
        stage,
        &[
            good("made"),
            service("mistaken", &["80/TCP"], &[("scheduler", "fair"), ZONE]),
            service("locked", &["80/TCP"], &[("id", "lb-locked"), ZONE]),
            service("with-a-ghost", &["80/TCP"], &[]),
            service(
                "preserved",
                &["80/TCP"],
                &[("preserve-lb-on-delete", "false"), ZONE],
            ),
            good("deleted"),
            good("refused"),
            good("retyped"),
            good("annotated"),
            good("unchangeable"),
            good("other-class"),
        ],
    )
    .await?;
    stage
        .until("all but two have an address", async || {
            let services = stage.world.view.services().await?;
            Ok(services
                .values()
                .filter(|service| !service.address.is_empty())
                .count()
                == 9)
        })
        .await?;
    lab::told(stage, "locked", &["lb-locked is locked"]).await?;
    lab::told(stage, "with-a-ghost", &["i-ghost-n8"]).await?;

    delete(stage, "deleted").await?;
    let denied = FaultKind::Error {
        status: 403,
        code: "OperationDenied.LoadBalancerInUse".to_owned(),
        message: "somebody uses it".to_owned(),
    };
    stage
        .world
        .cloud
        .cloud()
        .order_fault(CloudFault::next(denied).of("DeleteLoadBalancer"));
    delete(stage, "refused").await?;
    patch(stage, "retyped", json!({"spec": {"type": "ClusterIP"}})).await?;
    patch(
        stage,
        "annotated",
        json!({"metadata": {"annotations": {class.0: class.1}}}),
    )
    .await?;
    let intranet = json!({lab::full_name("address-type"): "intranet"});
    patch(
        stage,
        "unchangeable",
        json!({"metadata": {"annotations": intranet}}),
    )
    .await?;

    // The field can only be set together with the type, so it changes while nobody watches.
    stage
        .until("the type is known", async || {
            let said = events(stage).await?;
            Ok(["retyped", "annotated", "unchangeable"]
                .iter()
                .all(|name| said[*name].len() > 1))
        })
        .await?;
    stage.world.services.stop().await;
    patch(stage, "other-class", json!({"spec": {"type": "ClusterIP"}})).await?;
    let spec = json!({"spec": {"type": "LoadBalancer", "loadBalancerClass": "example.com/other"}});
    patch(stage, "other-class", spec).await?;
    stage.world.services.restart().await?;

    let made = "Normal EnsuredLoadBalancer";
    let cleaned = "Normal CleanLoadBalancer";
    let going = "Normal DeleteTimestampChanged";
    Ok(BTreeMap::from([
        ("made", BTreeSet::from([made])),
        ("mistaken", BTreeSet::from(["Warning SyncLoadBalancerFailed"])),
        ("locked", BTreeSet::from(["Warning UnAvailableLoadBalancer"])),
        ("with-a-ghost", BTreeSet::from([made, "Warning SkipSyncBackends"])),
        ("preserved", BTreeSet::from([made, "Warning PreservedOnDelete"])),
        ("deleted", BTreeSet::from([made, going, cleaned])),
        (
            "refused",
            BTreeSet::from([made, going, cleaned, "Warning CleanLoadBalancerFailed"]),
        ),
        ("retyped", BTreeSet::from([made, "Normal TypeChanged", cleaned])),
        ("annotated", BTreeSet::from([made, "Normal AnnotationChanged"])),
        (
            "unchangeable",
            BTreeSet::from([made, "Warning AnnotationChanged"]),
        ),
        ("other-class", BTreeSet::from([made, "Normal ServiceSpecChanged"])),
    ]))
}

/// Waits until nothing is written to the cluster any more.
async fn quiet(stage: &Stage) -> anyhow::Result<()> {
    let versions = async || -> anyhow::Result<Vec<Option<String>>> {
        let services = lab::services(stage).await?.into_values();
        Ok(services
            .map(|service| service.metadata.resource_version)
            .collect())
    };
    stage
        .until("no Service is written any more", async || {
            let before = (versions().await?, events(stage).await?);
            tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
            Ok(before == (versions().await?, events(stage).await?))
        })
        .await
}

/// The next patch of that resource, as the watcher writes, is refused by the API server.
fn refuse(stage: &Stage, resource: &str) {
    if let Some(sim) = &stage.world.clusters[0].sim {
        sim.faults().add(Fault {
            verb: Some("patch".to_owned()),
            resource: Some(resource.to_owned()),
            times: 1,
            action: FaultAction::Fail(ApiError::new(403, "Forbidden", "no such permission")),
        });
    }
}

/// A pod behind a Service, ready but for the Service's gate.
async fn gated_pod(stage: &Stage, name: &str) -> anyhow::Result<()> {
    let client = stage.world.clusters[0].client.clone();
    let pods: kube::Api<Pod> = kube::Api::namespaced(client, "default");
    let gate = format!("service.readiness.alibabacloud.com/{name}");
    let pod = json!({
        "metadata": {"name": name, "labels": {"gated": name}},
        "spec": {
            "containers": [{"name": "main", "image": "web:1"}], "nodeName": "n1",
            "readinessGates": [{"conditionType": gate}],
        },
    });
    pods.create(&PostParams::default(), &serde_json::from_value(pod)?)
        .await?;
    let status = json!({"status": {"phase": "Running", "podIP": "10.0.1.77", "podIPs": [{"ip": "10.0.1.77"}], "conditions": [
        {"type": "ContainersReady", "status": "True"},
        {"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady"},
    ]}});
    pods.patch_status(name, &PatchParams::default(), &Patch::Strategic(status))
        .await?;
    Ok(())
}

/// What the API server's refusals lead to; only kube-sim can be told to refuse.
async fn of_the_api(stage: &Stage) -> anyhow::Result<Expected> {
    quiet(stage).await?;
    let refused_once = async |name: &str, reason: &str| {
        stage
            .until(&format!("{name} is told {reason}"), async || {
                let said = events(stage).await?;
                Ok(said
                    .get(name)
                    .into_iter()
                    .flatten()
                    .any(|said| said.reason == reason))
            })
            .await
    };
    refuse(stage, "services");
    let begun = serde_json::from_value(good("begun").object)?;
    service_api(stage).create(&PostParams::default(), &begun).await?;
    refused_once("begun", "FailedAddFinalizer").await?;
    refused_once("begun", "EnsuredLoadBalancer").await?;

    quiet(stage).await?;
    let mut renamed = service_api(stage).get("begun").await?;
    renamed
        .annotations_mut()
        .insert(lab::full_name("hostname"), "www.example.com".to_owned());
    refuse(stage, "services");
    service_api(stage)
        .replace("begun", &PostParams::default(), &renamed)
        .await?;
    refused_once("begun", "FailedUpdateStatus").await?;

    quiet(stage).await?;
    gated_pod(stage, "begun").await?;
    refuse(stage, "pods");
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "begun-gated", "labels": {"kubernetes.io/service-name": "begun"}},
        "ports": [{"name": "tcp-80", "protocol": "TCP", "port": 80}],
        "endpoints": [{
            "addresses": ["10.0.1.77"], "nodeName": "n1", "conditions": {"ready": false, "serving": false, "terminating": false},
            "targetRef": {"kind": "Pod", "name": "begun", "namespace": "default", "uid": pod_uid(stage, "begun").await?},
        }],
    });
    let slices: kube::Api<k8s_openapi::api::discovery::v1::EndpointSlice> =
        kube::Api::namespaced(stage.world.clusters[0].client.clone(), "default");
    slices
        .create(&PostParams::default(), &serde_json::from_value(slice)?)
        .await?;
    refused_once("begun", "FailedUpdateReadinessGate").await?;

    quiet(stage).await?;
    refuse(stage, "services");
    delete(stage, "begun").await?;
    Ok(BTreeMap::from([(
        "begun",
        BTreeSet::from([
            "Warning FailedAddFinalizer",
            "Normal EnsuredLoadBalancer",
            "Warning FailedUpdateStatus",
            "Warning FailedUpdateReadinessGate",
            "Normal DeleteTimestampChanged",
            "Warning FailedRemoveFinalizer",
            "Normal CleanLoadBalancer",
        ]),
    )]))
}

async fn pod_uid(stage: &Stage, name: &str) -> anyhow::Result<String> {
    let pods: kube::Api<Pod> = kube::Api::namespaced(stage.world.clusters[0].client.clone(), "default");
    Ok(pods.get(name).await?.metadata.uid.unwrap_or_default())
}

async fn each_reason_is_sent_where_it_should_be(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    let mut expected = of_the_cloud(&mut stage).await?;
    if api == Api::Simulated {
        expected.extend(of_the_api(&stage).await?);
    }
    let sent = async || -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
        let all = events(&stage).await?.into_iter();
        Ok(all
            .map(|(name, said)| {
                let said = said.into_iter();
                (
                    name,
                    said.map(|said| format!("{} {}", said.kind, said.reason))
                        .collect(),
                )
            })
            .collect())
    };
    let wanted: BTreeMap<String, BTreeSet<String>> = expected
        .iter()
        .map(|(name, reasons)| {
            let reasons = reasons.iter().map(|reason| (*reason).to_owned());
            ((*name).to_owned(), reasons.collect())
        })
        .collect();
    if let Err(late) = stage
        .until("all is said", async || Ok(sent().await? == wanted))
        .await
    {
        assert_eq!(sent().await?, wanted, "{late:?}");
    }
    let said: BTreeSet<&str> = expected.values().flatten().copied().collect();
    for (reason, kind) in ALERTED {
        let needs_refusals = reason.starts_with("Failed");
        if api == Api::Simulated || !needs_refusals {
            assert!(said.contains(format!("{kind} {reason}").as_str()), "{reason}");
        }
    }

    // A Service in which nothing changes hears nothing more.
    let before = events(&stage).await?["made"].clone();
    patch(
        &stage,
        "made",
        json!({"metadata": {"labels": {"touched": "yes"}}}),
    )
    .await?;
    stage.world.services.restart().await?;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(events(&stage).await?["made"], before);
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_is_sent_where_it_should_be_on_kube_sim() -> anyhow::Result<()> {
    each_reason_is_sent_where_it_should_be(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_is_sent_where_it_should_be_on_a_real_api() -> anyhow::Result<()> {
    each_reason_is_sent_where_it_should_be(Api::Real).await
}
