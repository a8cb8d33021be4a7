//! EndpointSlices: each for itself ([`slice`]), then those of a Service together ([`merge`]).

use std::collections::BTreeMap;
use std::net::IpAddr;

use clb_model::ServiceKey;
use clb_model::cluster::{Endpoint, EndpointPort, EndpointSet, PodRef};

use super::{Unusable, port, transport};
use crate::slim;

/// What a store keeps of a slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The Service that it belongs to.
    pub(crate) service: ServiceKey,
    /// Its ports, ordered.
    pub(crate) ports: Vec<EndpointPort>,
    /// Its endpoints, one per address.
    pub(crate) endpoints: Vec<Endpoint>,
    /// How many are ready and have host names in the place of addresses.
    pub(crate) host_names: u32,
}

/// None for a slice that is no Service's. Of one that holds host names instead of addresses, how many of them are ready.
///
/// # Errors
/// A value that the API server should not have accepted.
pub(crate) fn slice(slice: &slim::EndpointSlice) -> Result<Option<Slice>, Unusable> {
    let metadata = &slice.metadata;
    let name = metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(slim::SERVICE_NAME_LABEL));
    let (Some(name), Some(namespace)) = (name, &metadata.namespace) else {
        return Ok(None);
    };
    let mut ports = Vec::new();
    for entry in slice.ports.iter().flatten() {
        ports.extend(slice_port(entry)?);
    }
    ports.sort_unstable();
    let mut endpoints = Vec::new();
    let mut host_names: u32 = 0;
    for entry in slice.endpoints.iter().flatten() {
        // The API defines nothing for more than the first, and kube-proxy does not look at them.
        if let Some(address) = entry.addresses.first() {
            if slice.address_type == "FQDN" {
                host_names = host_names.saturating_add(is_ready(entry).into());
                continue;
            }
            let address = address
                .parse()
                .map_err(|_| Unusable::new("endpoints[].addresses", address, "an IPv4 or IPv6 address"))?;
            endpoints.push(endpoint(address, entry));
        }
    }
    Ok(Some(Slice {
        service: ServiceKey::new(namespace.as_str(), name.as_str()),
        ports,
        endpoints,
        host_names,
    }))
}

/// A port without a number means "all ports", which no listener can have as its target.
fn slice_port(entry: &slim::SlicePort) -> Result<Option<EndpointPort>, Unusable> {
    let Some(number) = entry.port else {
        return Ok(None);
    };
    Ok(Some(EndpointPort {
        name: entry.name.clone().unwrap_or_default(),
        transport: transport("ports[].protocol", entry.protocol.as_deref())?,
        port: port("ports[].port", number)?,
    }))
}

/// The API's rule: unset counts as ready.
fn is_ready(entry: &slim::SliceEndpoint) -> bool {
    entry
        .conditions
        .and_then(|conditions| conditions.ready)
        .unwrap_or(true)
}

fn endpoint(address: IpAddr, entry: &slim::SliceEndpoint) -> Endpoint {
    let conditions = entry.conditions.unwrap_or_default();
    // Unset serving counts as ready's value.
    let ready = is_ready(entry);
    let pod = entry
        .target_ref
        .as_ref()
        .filter(|target| target.kind.as_deref() == Some("Pod"))
        .and_then(|target| {
            Some(PodRef {
                name: target.name.clone()?,
                uid: target.uid.clone().unwrap_or_default(),
            })
        });
    Endpoint {
        address,
        node_name: entry.node_name.clone().filter(|name| !name.is_empty()),
        ready,
        serving: conditions.serving.unwrap_or(ready),
        terminating: conditions.terminating.unwrap_or(false),
        pod,
        awaits_readiness_gate: false,
    }
}

/// Puts the slices of one Service together: those with equal ports become one set, sets are ordered by ports and endpoints by
/// address. While endpoints move between slices an address may be in two of them; then the one counts that serves best, as
/// kube-proxy has it.
pub(crate) fn merge<'s>(slices: impl IntoIterator<Item = &'s Slice>) -> Vec<EndpointSet> {
    let mut sets: BTreeMap<&[EndpointPort], (BTreeMap<IpAddr, &Endpoint>, u32)> = BTreeMap::new();
    for slice in slices {
        let (endpoints, host_names) = sets.entry(&slice.ports).or_default();
        *host_names = host_names.saturating_add(slice.host_names);
        for endpoint in &slice.endpoints {
            endpoints
                .entry(endpoint.address)
                .and_modify(|known| {
                    if preference(endpoint) > preference(known) {
                        *known = endpoint;
                    }
                })
                .or_insert(endpoint);
        }
    }
    sets.into_iter()
        .filter(|(_, (endpoints, host_names))| !endpoints.is_empty() || *host_names > 0)
        .map(|(ports, (endpoints, host_names))| EndpointSet {
            ports: ports.to_vec(),
            endpoints: endpoints.into_values().cloned().collect(),
            host_names,
        })
        .collect()
}

/// Greater is better; the last parts only make the choice the same each time.
fn preference(endpoint: &Endpoint) -> impl PartialOrd + use<'_> {
    (
        endpoint.ready,
        endpoint.serving,
        !endpoint.terminating,
        endpoint.pod.as_ref().map(|pod| (&pod.uid, &pod.name)),
        &endpoint.node_name,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<Option<Slice>, Unusable> {
        slice(&serde_json::from_value(value).unwrap())
    }

    /// A slice of the Service `web` with these ports and endpoints.
    fn web(ports: &Value, endpoints: &Value) -> Slice {
        let object = json!({
            "metadata": {"name": "s", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4", "ports": ports, "endpoints": endpoints,
        });
        read(object).unwrap().unwrap()
    }

    fn http() -> Value {
        json!([{"name": "http", "port": 8080}])
    }

    fn addresses(set: &EndpointSet) -> Vec<String> {
        set.endpoints
            .iter()
            .map(|endpoint| endpoint.address.to_string())
            .collect()
    }

    #[test]
    fn unset_conditions_have_the_defaults_of_the_api() {
        for (conditions, ready, serving, terminating) in [
            (json!(null), true, true, false),
            (json!({}), true, true, false),
            (json!({"ready": false}), false, false, false),
            (
                json!({"ready": false, "serving": true, "terminating": true}),
                false,
                true,
                true,
            ),
            (
                json!({"ready": null, "serving": null, "terminating": null}),
                true,
                true,
                false,
            ),
        ] {
            let slice = web(
                &http(),
                &json!([{"addresses": ["10.0.0.1"], "conditions": conditions}]),
            );
            let endpoint = &slice.endpoints[0];
            assert_eq!(
                (endpoint.ready, endpoint.serving, endpoint.terminating),
                (ready, serving, terminating),
                "{conditions}"
            );
        }
    }

    #[test]
    fn only_pods_count_as_pods() {
        let target = |kind: &str| json!({"kind": kind, "name": "p", "uid": "u"});
        let slice = web(
            &http(),
            &json!([
                {"addresses": ["10.0.0.1"], "nodeName": "n1", "targetRef": target("Pod")},
                {"addresses": ["10.0.0.2"], "targetRef": target("Node")},
            ]),
        );
        assert_eq!(slice.endpoints[0].pod.as_ref().unwrap().name, "p");
        assert_eq!(slice.endpoints[0].node_name.as_deref(), Some("n1"));
        assert_eq!(
            (&slice.endpoints[1].pod, &slice.endpoints[1].node_name),
            (&None, &None)
        );
    }

    #[test]
    fn slices_that_are_no_services_do_not_count() {
        let slice = json!({"metadata": {"name": "s", "namespace": "default"}, "addressType": "IPv4"});
        assert_eq!(read(slice), Ok(None));
    }

    #[test]
    fn of_host_names_only_how_many_are_ready_is_kept() {
        let names = |count: usize| {
            let endpoints: Vec<Value> = (0..count)
                .map(|number| json!({"addresses": [format!("pod-{number}.example.com")]}))
                .chain([json!({"addresses": ["down.example.com"], "conditions": {"ready": false}})])
                .collect();
            let object = json!({
                "metadata": {"name": "s", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
                "addressType": "FQDN", "ports": http(), "endpoints": endpoints,
            });
            read(object).unwrap().unwrap()
        };
        let addresses = web(&http(), &json!([{"addresses": ["10.0.0.1"]}]));
        let merged = merge([&names(2), &addresses, &names(1)]);
        assert_eq!(merged.len(), 1);
        assert_eq!((merged[0].endpoints.len(), merged[0].host_names), (1, 3));
        assert_eq!(merge([&names(2)])[0].host_names, 2);
        assert_eq!(merge([&names(0)]), []);
    }

    #[test]
    fn an_address_that_is_none_is_named() {
        let error = read(json!({
            "metadata": {"name": "s", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4", "endpoints": [{"addresses": ["web.example.com"]}],
        }))
        .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("endpoints[].addresses is \"web.example.com\""),
            "{error}"
        );
    }

    #[test]
    fn equal_ports_make_one_set_in_whatever_order_of_first_addresses() {
        let ports = json!([{"name": "http", "port": 8080}, {"name": "dns", "port": 53, "protocol": "UDP"}]);
        let reversed =
            json!([{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "http", "port": 8080}]);
        let slices = [
            web(
                &ports,
                &json!([{"addresses": ["10.0.0.3", "10.0.0.8"]}, {"addresses": ["10.0.0.1"]}]),
            ),
            web(&reversed, &json!([{"addresses": ["10.0.0.2"]}])),
            web(&http(), &json!([{"addresses": ["10.0.0.9"]}])),
            web(&json!(null), &json!(null)),
        ];
        let forward = merge(&slices);
        assert_eq!(forward.len(), 2);
        assert_eq!(addresses(&forward[0]), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(addresses(&forward[1]), ["10.0.0.9"]);
        assert_eq!(merge(slices.iter().rev()), forward);
    }

    #[test]
    fn of_an_address_in_two_slices_the_one_that_serves_best_counts() {
        let endpoint = |conditions: Value, node: &str| {
            web(
                &http(),
                &json!([{"addresses": ["10.0.0.1"], "conditions": conditions, "nodeName": node}]),
            )
        };
        let going = endpoint(
            json!({"ready": false, "serving": true, "terminating": true}),
            "going",
        );
        let down = endpoint(json!({"ready": false}), "down");
        let ready = endpoint(json!({"ready": true}), "ready");
        let node_of = |slices: [&Slice; 2]| merge(slices)[0].endpoints[0].node_name.clone().unwrap();
        for (first, second, expected) in [
            (&going, &ready, "ready"),
            (&down, &going, "going"),
            (&down, &ready, "ready"),
        ] {
            assert_eq!(node_of([first, second]), expected);
            assert_eq!(node_of([second, first]), expected);
        }
        // Equal in everything that matters: still the same choice each time.
        let twin = endpoint(json!({"ready": true}), "twin");
        assert_eq!(node_of([&twin, &ready]), node_of([&ready, &twin]));
    }
}
