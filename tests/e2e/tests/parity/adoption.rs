//! Taking over from Alibaba's controller without a write, and leaving what it can take over from us.

use std::collections::BTreeMap;

use clb_e2e::{Api, Stage, delete_all_services, repository, service_api};
use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::expected::Table;
use crate::lab::{self, account, apply_all, events, example};
use crate::shown;

/// The states that Alibaba's controller left, by the example that they came from.
fn states() -> BTreeMap<String, Value> {
    let folder = repository("tests/examples/adoption");
    std::fs::read_dir(folder)
        .expect("the states are in the repository")
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            let name = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .unwrap_or_default()
                .to_owned();
            let text = std::fs::read_to_string(&path).expect("the state can be read");
            (name, serde_json::from_str(&text).expect("the state is JSON"))
        })
        .collect()
}

/// What Alibaba's controller left for every example: where no state is given, what the reference says that the example comes to
/// (`examples.yaml`), with what the reference leaves open as the cloud fills it in.
fn every_state(stage: &Stage) -> BTreeMap<String, Value> {
    let (table, mut states) = (Table::read(), states());
    let open = states["00-internet"]["load_balancer"].clone();
    for (name, expected) in &table.examples {
        if states.contains_key(name) {
            continue;
        }
        let before = expected
            .users
            .as_ref()
            .map(|id| shown::settled(&account(stage).load_balancer(id).unwrap_or_default(), &[]));
        let mut state = table.state(&example(name), expected, before.as_ref());
        for (field, value) in open.as_object().into_iter().flatten() {
            if state[field].is_null() {
                state[field] = value.clone();
            }
        }
        if let (Some(users), Some(group)) = (&expected.users, &expected.into) {
            // The annotation names the group by its id.
            let id = format!("rsp-user-{}", users.trim_start_matches("lb-reuse-"));
            state["vgroups"][group]["VServerGroupId"] = json!(id);
        }
        let status = expected.status.as_deref().unwrap_or("ADDRESS");
        let ingress = match status.parse::<std::net::IpAddr>() {
            Err(_) if status != "ADDRESS" => json!({"hostname": status}),
            parsed => {
                if parsed.is_ok() {
                    state["Address"] = json!(status);
                }
                json!({"ip": status, "ipMode": "VIP"})
            }
        };
        let state = json!({"load_balancer": state, "service_status": {"ingress": [ingress]}});
        states.insert(name.clone(), state);
    }
    states
}

/// The `ingress` that a state's Service has, with its CLB's address.
fn ingress_with(state: &Value, address: &str) -> Value {
    let mut ingress = state["service_status"]["ingress"].clone();
    for entry in ingress.as_array_mut().into_iter().flatten() {
        if entry["ip"] == "ADDRESS" {
            entry["ip"] = json!(address);
        }
    }
    ingress
}

/// Puts the state that Alibaba's controller left for a Service into the cloud and into the cluster.
async fn leave(stage: &Stage, service: &Service, state: &Value, number: usize) -> anyhow::Result<()> {
    let default_name = shown::default_name(service);
    let address = match state["load_balancer"]["AddressIPVersion"].as_str() {
        Some("ipv6") => format!("2408:4000:1::{number}"),
        _ => format!("47.96.1.{number}"),
    };
    let left = state["load_balancer"]["Address"].as_str().unwrap_or_default();
    let address = left
        .parse::<std::net::IpAddr>()
        .map_or(address, |left| left.to_string());
    let node_ports: Vec<(String, String)> = service
        .spec
        .iter()
        .flat_map(|spec| spec.ports.iter().flatten())
        .map(|port| {
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            (
                format!("nodePort-{protocol}-{}", port.port),
                port.node_port.unwrap_or_default().to_string(),
            )
        })
        .collect();
    // `ADDRESS` also ends the name of a field, which stays.
    let ingress = ingress_with(state, &address);
    let mut state = state.clone();
    state["load_balancer"]["Address"] = json!(address);
    let mut stand_ins = vec![
        ("CLUSTER-ID", "sandbox-1"),
        ("DEFAULT-NAME", default_name.as_str()),
    ];
    stand_ins.extend(
        node_ports
            .iter()
            .map(|(name, number)| (name.as_str(), number.as_str())),
    );
    if let Some(users) = service.annotations().get(&lab::full_name("id")) {
        // The user's CLB as the lab made it is in the way of the one that was reused.
        let account = account(stage);
        account
            .call(
                "DeleteLoadBalancer",
                &[("RegionId", "cn-hangzhou"), ("LoadBalancerId", users)],
            )
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        state = json!({"load_balancers": {users.clone(): state["load_balancer"]}});
    }
    let ids = account(stage).load_state(&state, &stand_ins)?;

    let api = service_api(stage);
    let labels = json!({"metadata": {
        "finalizers": ["service.k8s.alibaba/resources"],
        "labels": {"service.beta.kubernetes.io/hash": "9b1c0f4d", "service.k8s.alibaba/loadbalancer-id": ids[0]},
    }});
    let name = service.name_any();
    api.patch(&name, &PatchParams::default(), &Patch::Merge(labels))
        .await?;
    let status = json!({"status": {"loadBalancer": {"ingress": ingress}}});
    api.patch_status(&name, &PatchParams::default(), &Patch::Merge(status))
        .await?;
    Ok(())
}

/// What Alibaba's controller left is taken over without a write to the cloud, nor to the Service but for what there is to remark.
async fn what_alibabas_controller_left_is_right_as_it_is(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(());
    };
    stage.world.services.stop().await;
    assert_eq!(states().len(), 8);
    let states = every_state(&stage);
    assert_eq!(states.keys().cloned().collect::<Vec<_>>(), lab::example_names());
    let manifests: Vec<_> = states.keys().map(|name| example(name)).collect();
    apply_all(&stage, &manifests).await?;
    for (number, (manifest, state)) in manifests.iter().zip(states.values()).enumerate() {
        let service = service_api(&stage).get(&manifest.name).await?;
        leave(&stage, &service, state, number).await?;
    }
    let (cloud_before, services_before) = (account(&stage).state(), lab::services(&stage).await?);
    stage.world.cloud.cloud().clear_journal();

    stage.world.services.restart().await?;
    stage.converged(manifests.len()).await?;
    lab::at_rest(&stage).await?;

    let cloud = stage.world.cloud.cloud();
    assert_eq!(
        cloud.counters().writes,
        0,
        "{:#?}",
        cloud.calls().iter().filter(|call| call.write).collect::<Vec<_>>()
    );
    assert_eq!(
        shown::differences(&account(&stage).state(), &cloud_before),
        Vec::<String>::new()
    );
    for (name, service) in lab::services(&stage).await? {
        let before = &services_before[&name];
        assert_eq!(service.metadata.labels, before.metadata.labels, "{name}");
        assert_eq!(service.metadata.finalizers, before.metadata.finalizers, "{name}");
        let ingress = |service: &Service| {
            service
                .status
                .as_ref()
                .and_then(|status| status.load_balancer.clone())
        };
        assert_eq!(ingress(&service), ingress(before), "{name}");
    }
    for (name, said) in events(&stage).await? {
        let ensured = said
            .iter()
            .filter(|said| said.reason == "EnsuredLoadBalancer")
            .count();
        assert_eq!(ensured, 0, "{name}: {said:?}");
    }

    // From then on it is ours: what is asked for is changed, and nothing else; with the Service it goes.
    let mut changed = example("00-internet");
    lab::annotate(&mut changed, "scheduler", "wrr");
    apply_all(&stage, &[changed]).await?;
    let id = shown::id_of(&account(&stage), &services_before["internet"]);
    lab::shows(&stage, &id, &[("/listeners/tcp~180/Scheduler", json!("wrr"))]).await?;
    lab::at_rest(&stage).await?;
    assert_eq!(
        lab::actions_since(&stage, 0),
        ["SetLoadBalancerTCPListenerAttribute 80"]
    );
    let preserved = shown::id_of(&account(&stage), &services_before["preserve"]);
    delete_all_services(&stage).await?;
    let mut left = account(&stage).load_balancer_ids();
    left.retain(|id| *id != preserved);
    assert_eq!(left, ["lb-reuse-04", "lb-reuse-05", "lb-reuse-44", "lb-reuse-45"]);
    for id in left {
        let users = account(&stage).load_balancer(&id).unwrap_or_default();
        assert!(!users.to_string().contains("k8s/"), "{users}");
    }
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_alibabas_controller_left_is_right_as_it_is_on_kube_sim() -> anyhow::Result<()> {
    what_alibabas_controller_left_is_right_as_it_is(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_alibabas_controller_left_is_right_as_it_is_on_a_real_api() -> anyhow::Result<()> {
    what_alibabas_controller_left_is_right_as_it_is(Api::Real).await
}

/// What we make of each example is, field for field, what Alibaba's controller leaves: it has nothing to change when it takes over. Where
/// its state is not given, `examples.rs` holds ours to the reference; the Service carries the same marks.
async fn what_we_leave_is_what_alibabas_controller_leaves(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let (given, all) = (states(), every_state(&stage));
    let manifests: Vec<_> = all.keys().map(|name| example(name)).collect();
    apply_all(&stage, &manifests).await?;
    stage.converged(manifests.len()).await?;

    let services = lab::services(&stage).await?;
    let mut wrong = Vec::new();
    for (manifest, (name, left)) in manifests.iter().zip(&all) {
        let service = &services[&manifest.name];
        let id = shown::id_of(&account(&stage), service);
        if given.contains_key(name) {
            let ours = shown::shown(&account(&stage), service);
            let theirs = shown::settled(&left["load_balancer"], &[]);
            wrong.extend(
                shown::differences(&ours, &theirs)
                    .into_iter()
                    .map(|line| format!("{name}{line}")),
            );
        }
        let address = account(&stage).load_balancer(&id).unwrap_or_default()["Address"].clone();
        let status = serde_json::to_value(&service.status)?;
        let ingress = ingress_with(left, address.as_str().unwrap_or_default());
        assert_eq!(status["loadBalancer"]["ingress"], ingress, "{name}");
        assert_eq!(service.finalizers(), ["service.k8s.alibaba/resources"], "{name}");
        let label = service.labels().get("service.k8s.alibaba/loadbalancer-id");
        assert_eq!(label, Some(&id), "{name}");
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_leave_is_what_alibabas_controller_leaves_on_kube_sim() -> anyhow::Result<()> {
    what_we_leave_is_what_alibabas_controller_leaves(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_leave_is_what_alibabas_controller_leaves_on_a_real_api() -> anyhow::Result<()> {
    what_we_leave_is_what_alibabas_controller_leaves(Api::Real).await
}
