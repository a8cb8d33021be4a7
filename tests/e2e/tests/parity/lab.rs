//! The world of `tests/examples`: its Nodes and pods, its manifests, and what the cluster and the cloud say of a Service there.

use std::collections::BTreeMap;

use clb_e2e::{Api, Stage, repository, service_api};
use clb_sandbox::apply::apply;
use clb_sandbox::manifests::{self, Manifest};
use clb_sandbox::workload::Layout;
use cloud_sim::{Account, DEFAULT_ACCOUNT};
use k8s_openapi::api::core::v1::{Event, Service};
use kube::api::ListParams;
use serde_json::{Value, json};

/// Where most annotations begin.
pub(crate) const PREFIX: &str = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";

/// How long nothing may be written before a stage counts as at rest: longer than the services wait for further changes.
const QUIET: std::time::Duration = std::time::Duration::from_millis(1500);

/// What our events name as their sender.
const OUR_NAME: &str = "clb-controller";

/// Starts the world that the examples expect.
pub(crate) async fn start(api: Api) -> anyhow::Result<Option<Stage>> {
    Stage::start_with(api, |options| options.layout = Some(Layout::of_examples())).await
}

/// The account of the simulated cloud.
pub(crate) fn account(stage: &Stage) -> Account {
    stage.world.cloud.cloud().account(DEFAULT_ACCOUNT)
}

/// The names of all examples, as `00-internet`, in order.
pub(crate) fn example_names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(repository("tests/examples"))
        .expect("the examples are in the repository")
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".yaml").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

/// The manifest of an example.
pub(crate) fn example(name: &str) -> Manifest {
    let place = repository("tests/examples").join(format!("{name}.yaml"));
    manifests::read(&place).expect("the examples are right").remove(0)
}

/// A Service of the namespace default with ports, given as `80/TCP`, and annotations, named without the prefix or in full.
pub(crate) fn service(name: &str, ports: &[&str], annotations: &[(&str, &str)]) -> Manifest {
    let ports: Vec<Value> = ports
        .iter()
        .map(|port| {
            let (number, protocol) = port.split_once('/').expect("as 80/TCP");
            let number: u16 = number.parse().expect("a port's number");
            let name = format!("{}-{number}", protocol.to_lowercase());
            json!({"name": name, "port": number, "protocol": protocol, "targetPort": 80})
        })
        .collect();
    let mut manifest = example("00-internet");
    manifest.name = name.to_owned();
    manifest.object["metadata"] = json!({"name": name, "namespace": "default", "annotations": {}});
    manifest.object["spec"]["ports"] = json!(ports);
    for (name, value) in annotations {
        annotate(&mut manifest, name, value);
    }
    manifest
}

/// Adds an annotation, named without the prefix or in full.
pub(crate) fn annotate(manifest: &mut Manifest, name: &str, value: &str) {
    manifest.object["metadata"]["annotations"][full_name(name)] = json!(value);
}

/// The annotation's whole name.
pub(crate) fn full_name(name: &str) -> String {
    match name {
        "backend-type" => "service.beta.kubernetes.io/backend-type".to_owned(),
        _ if name.contains('/') => name.to_owned(),
        _ => format!("{PREFIX}{name}"),
    }
}

/// Applies manifests to the first cluster, as `kubectl apply --server-side` does.
pub(crate) async fn apply_all(stage: &Stage, manifests: &[Manifest]) -> anyhow::Result<()> {
    for manifest in manifests {
        apply(&stage.world.clusters[0].client, manifest).await?;
    }
    Ok(())
}

/// All Services of the first cluster's default namespace, by name.
pub(crate) async fn services(stage: &Stage) -> anyhow::Result<BTreeMap<String, Service>> {
    let list = service_api(stage).list(&ListParams::default()).await?;
    Ok(list
        .into_iter()
        .map(|service| (service.metadata.name.clone().unwrap_or_default(), service))
        .collect())
}

/// An event about a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// `Normal` or `Warning`.
    pub(crate) kind: String,
    /// Its reason.
    pub(crate) reason: String,
    /// Its message.
    pub(crate) message: String,
    /// How often it was sent.
    pub(crate) count: i32,
}

/// Our events about the Services of the first cluster, by Service, oldest first. The API server sends some of its own.
pub(crate) async fn events(stage: &Stage) -> anyhow::Result<BTreeMap<String, Vec<Said>>> {
    let api: kube::Api<Event> = kube::Api::namespaced(stage.world.clusters[0].client.clone(), "default");
    let mut events = api.list(&ListParams::default()).await?.items;
    events.retain(|event| event.reporting_component.as_deref() == Some(OUR_NAME));
    events.sort_by_key(|event| {
        let version = event.metadata.resource_version.as_deref().unwrap_or_default();
        version.parse::<u64>().unwrap_or_default()
    });
    let mut by_service: BTreeMap<String, Vec<Said>> = BTreeMap::new();
    for event in events {
        let said = Said {
            kind: event.type_.unwrap_or_default(),
            reason: event.reason.unwrap_or_default(),
            message: event.message.unwrap_or_default(),
            // An event of the newer kind counts in its series, and has no series when it was sent once.
            count: event
                .series
                .and_then(|series| series.count)
                .or(event.count)
                .unwrap_or(1),
        };
        let about = event.involved_object.name.unwrap_or_default();
        by_service.entry(about).or_default().push(said);
    }
    Ok(by_service)
}

/// Status, reason and message of a Service's condition; empty texts where it has none.
pub(crate) fn condition(service: &Service, kind: &str) -> (String, String, String) {
    let conditions = service
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions
        .filter(|condition| condition.type_ == kind)
        .map(|condition| {
            (
                condition.status.clone(),
                condition.reason.clone(),
                condition.message.clone(),
            )
        })
        .next()
        .unwrap_or_default()
}

/// The number of the cloud's last call.
pub(crate) fn last_call(stage: &Stage) -> u64 {
    stage
        .world
        .cloud
        .cloud()
        .calls()
        .last()
        .map_or(0, |call| call.number)
}

/// The writes that the cloud was asked for after a call, with their parameters.
pub(crate) fn written_since(stage: &Stage, call: u64) -> Vec<String> {
    let calls = stage.world.cloud.cloud().calls_since(call).into_iter();
    calls
        .filter(|call| call.write)
        .map(|call| format!("{} {:?}", call.action, call.parameters))
        .collect()
}

/// Waits until the cloud shows these values of a CLB, by JSON pointers into it.
pub(crate) async fn shows(stage: &Stage, id: &str, wanted: &[(&str, Value)]) -> anyhow::Result<()> {
    let account = account(stage);
    stage
        .until(&format!("CLB {id} shows {wanted:?}"), async || {
            let shown = account.load_balancer(id).unwrap_or_default();
            Ok(wanted
                .iter()
                .all(|(pointer, value)| shown.pointer(pointer).unwrap_or(&Value::Null) == value))
        })
        .await
}

/// Waits until every Service has converged and nothing has been written to the cloud for a while.
pub(crate) async fn at_rest(stage: &Stage) -> anyhow::Result<()> {
    stage
        .until("nothing is written any more", async || {
            let last = last_call(stage);
            tokio::time::sleep(QUIET).await;
            let services = stage.world.view.services().await?;
            let done = services.values().all(clb_sandbox::view::converged);
            Ok(done && written_since(stage, last).is_empty())
        })
        .await
}

/// Waits until a Service was told something in a Warning event.
pub(crate) async fn told(stage: &Stage, service: &str, words: &[&str]) -> anyhow::Result<()> {
    stage
        .until(&format!("{service} is told of {words:?}"), async || {
            let events = events(stage).await?;
            let mut said = events.get(service).into_iter().flatten();
            Ok(said
                .any(|said| said.kind == "Warning" && words.iter().all(|word| said.message.contains(word))))
        })
        .await
}

/// The actions that the cloud was asked to carry out after a call, as `CreateLoadBalancerTCPListener 80`, in their order.
pub(crate) fn actions_since(stage: &Stage, call: u64) -> Vec<String> {
    let calls = stage.world.cloud.cloud().calls_since(call).into_iter();
    calls
        .filter(|call| call.write)
        .map(|call| match call.parameters.get("ListenerPort") {
            Some(port) => format!("{} {port}", call.action),
            None => call.action,
        })
        .collect()
}
