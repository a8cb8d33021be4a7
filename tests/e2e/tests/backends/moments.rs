//! What a listener had at each moment: the calls that changed the cloud, carried out once more.

use std::collections::BTreeMap;

use clb_e2e::text;
use cloud_sim::Call;
use serde_json::Value;

/// A backend: instance or address, and port.
type Server = (String, u64);

/// vServer groups with the weights of their backends, and the groups of listeners.
#[derive(Default)]
struct Moment {
    groups: BTreeMap<String, BTreeMap<Server, u64>>,
    /// By CLB, port and protocol.
    listeners: BTreeMap<(String, String, String), String>,
}

impl Moment {
    fn take(&mut self, call: &Call) {
        let of = |name: &str| call.parameters.get(name).cloned().unwrap_or_default();
        let group = call.made_vgroup.clone().unwrap_or_else(|| of("VServerGroupId"));
        match call.action.as_str() {
            "CreateVServerGroup" | "AddVServerGroupBackendServers" | "SetVServerGroupAttribute" => {
                self.groups.entry(group).or_default().extend(servers(call));
            }
            "RemoveVServerGroupBackendServers" => {
                let there = self.groups.entry(group).or_default();
                for (server, _) in servers(call) {
                    there.remove(&server);
                }
            }
            "DeleteLoadBalancerListener" => {
                let protocol = of("ListenerProtocol");
                self.listeners.retain(|(clb, port, of_listener), _| {
                    *clb != of("LoadBalancerId")
                        || *port != of("ListenerPort")
                        || !(protocol.is_empty() || protocol.eq_ignore_ascii_case(of_listener))
                });
            }
            action => {
                let protocol = ["TCP", "UDP", "HTTPS", "HTTP"].into_iter().find(|protocol| {
                    action == format!("CreateLoadBalancer{protocol}Listener")
                        || action == format!("SetLoadBalancer{protocol}ListenerAttribute")
                });
                if let Some(protocol) = protocol.filter(|_| !group.is_empty()) {
                    let listener = (of("LoadBalancerId"), of("ListenerPort"), protocol.to_owned());
                    self.listeners.insert(listener, group);
                }
            }
        }
    }
}

fn servers(call: &Call) -> Vec<(Server, u64)> {
    let list = call.parameters.get("BackendServers").map_or("[]", String::as_str);
    let servers: Vec<Value> = serde_json::from_str(list).unwrap_or_default();
    let number = |value: &Value| {
        let text = || value.as_str().and_then(|text| text.parse().ok());
        value.as_u64().or_else(text).unwrap_or_default()
    };
    let server = |server: &Value| {
        let name = match text(server, "ServerIp") {
            "" => text(server, "ServerId"),
            address => address,
        };
        let weight = if server["Weight"].is_null() {
            100
        } else {
            number(&server["Weight"])
        };
        ((name.to_owned(), number(&server["Port"])), weight)
    };
    servers.iter().map(server).collect()
}

/// The fewest backends with a weight above 0 that a CLB's listener tcp/80 had at any moment after the call of this number, of those that
/// `alive` says were alive at that call. A moment without the listener counts as none.
pub(crate) fn fewest(calls: &[Call], clb: &str, since: u64, alive: impl Fn(&str, u64) -> bool) -> usize {
    let listener = (clb.to_owned(), "80".to_owned(), "TCP".to_owned());
    let serving = |moment: &Moment, number: u64| {
        let group = moment.listeners.get(&listener);
        let backends = group.and_then(|group| moment.groups.get(group));
        let serving = backends
            .into_iter()
            .flatten()
            .filter(|((server, _), weight)| **weight > 0 && alive(server, number));
        serving.count()
    };
    let mut moment = Moment::default();
    let mut fewest = usize::MAX;
    for call in calls {
        if call.number > since {
            fewest = fewest.min(serving(&moment, call.number));
        }
        if call.applied {
            moment.take(call);
        }
        if call.number > since {
            fewest = fewest.min(serving(&moment, call.number));
        }
    }
    fewest.min(serving(&moment, u64::MAX))
}
