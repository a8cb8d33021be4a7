//! How long a change of endpoints takes from the write of its EndpointSlice to the first write to the cloud, on kube-sim and, where there
//! is one, on a real kube-apiserver. `cargo bench -p clb-e2e --bench endpoints`; the aim is 200 ms, of which the watcher collects changes
//! for 100 ms.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use clb_e2e::{Api, Sketch, Stage, find_load_balancer, uid_of};
use cloud_sim::{Account, Call, DEFAULT_ACCOUNT, NetworkInterface, lab};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

/// Changes that are measured.
const CHANGES: u16 = 100;
/// Pods behind the Service.
const PODS: u16 = 20;

fn address(number: u16) -> IpAddr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(10, 0, 100 + high, low).into()
}

fn attach(account: &Account, number: u16) {
    let id = format!("eni-{number}");
    account.add_network_interface(NetworkInterface::new(
        &id,
        lab::VPC,
        "vsw-k",
        "cn-hangzhou-k",
        &[address(number)],
    ));
}

/// The slice with the pods from this number on.
fn slice(from: u16) -> Value {
    let endpoints: Vec<Value> = (from..from + PODS)
        .map(
            |number| json!({"addresses": [address(number)], "conditions": {"ready": true}, "nodeName": "n1"}),
        )
        .collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "tcp-80", "protocol": "TCP", "port": 8080}],
        "endpoints": endpoints,
    })
}

/// Milliseconds from each write of the slice to the first write to the cloud; none where there is no API.
async fn measure(api: Api) -> anyhow::Result<Option<Vec<i64>>> {
    let Some(stage) = Stage::start(api).await? else {
        return Ok(None);
    };
    let client = stage.world.clusters[0].client.clone();
    let cloud = stage.world.cloud.cloud();
    let account = cloud.account(DEFAULT_ACCOUNT);
    (0..PODS + CHANGES).for_each(|number| attach(&account, number));
    let slices: kube::Api<EndpointSlice> = kube::Api::namespaced(client.clone(), "default");
    let params = PatchParams::apply("bench").force();
    slices.patch("web-1", &params, &Patch::Apply(slice(0))).await?;
    let service = Sketch::new("web")
        .tcp(80)
        .spec("selector", Value::Null)
        .plain_annotation("service.beta.kubernetes.io/backend-type", "eni")
        .apply(&client)
        .await?;
    stage.converged(1).await?;
    let mut milliseconds = Vec::new();
    for change in 1..=CHANGES {
        let before = cloud.calls().last().map_or(0, |call| call.number);
        let begun = Timestamp::now();
        slices
            .patch("web-1", &params, &Patch::Apply(slice(change)))
            .await?;
        let newest = address(PODS + change - 1).to_string();
        let is_first_write = |call: &Call| call.write && call.applied;
        stage
            .until("the change is in the cloud", async || {
                let state = find_load_balancer(&stage, &uid_of(&service)).unwrap_or_default();
                Ok(state["vgroups"].to_string().contains(&newest))
            })
            .await?;
        let calls = cloud.calls_since(before);
        if let Some(first) = calls.iter().find(|call| is_first_write(call)) {
            milliseconds.push(first.time.duration_since(begun).as_millis().try_into()?);
        }
        // The removal of the oldest is over before the next change comes.
        stage.converged(1).await?;
    }
    stage.end().await;
    Ok(Some(milliseconds))
}

fn at(sorted: &[i64], percent: usize) -> i64 {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    for (name, api) in [("kube-sim", Api::Simulated), ("a real kube-apiserver", Api::Real)] {
        let Some(mut milliseconds) = measure(api).await? else {
            continue;
        };
        milliseconds.sort_unstable();
        writeln!(
            out,
            "from the write of an EndpointSlice to the first write to the cloud, on {name}, {} changes: \
             median {} ms, 95 % {} ms, slowest {} ms",
            milliseconds.len(),
            at(&milliseconds, 50),
            at(&milliseconds, 95),
            at(&milliseconds, 100),
        )?;
    }
    Ok(())
}
