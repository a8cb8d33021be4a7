//! What has to be written for a directive: compares a Service as it is with what is wanted and makes JSON merge patches of the
//! difference. Pure; no difference, no patch.
//!
//! Every patch carries the resourceVersion that it was computed from. The API server then refuses it if the object has changed since,
//! so a Service that was deleted and made anew is never touched, and lists (finalizers, conditions), which a merge patch replaces
//! whole, cannot swallow what others have written.

use clb_model::cluster::{Condition, ConditionStatus, Ingress, IpMode};
use clb_model::directive::{FinalizerAction, Writes};
use clb_model::marks::FINALIZER;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::normalize;
use crate::slim::Service;

/// What is written before the status: the finalizer if it is to come, and labels. With a finalizer that is to go, labels wait and
/// go with it ([`last`]).
pub(super) fn first(live: &Service, writes: &Writes) -> Option<Value> {
    match writes.finalizer {
        FinalizerAction::Absent => None,
        FinalizerAction::Present if !has_finalizer(live) => {
            let mut finalizers = live.metadata.finalizers.clone().unwrap_or_default();
            finalizers.push(FINALIZER.to_owned());
            metadata_patch(live, Some(finalizers), labels(live, writes))
        }
        FinalizerAction::Present | FinalizerAction::Keep => metadata_patch(live, None, labels(live, writes)),
    }
}

/// What is written after everything else: the finalizer goes.
pub(super) fn last(live: &Service, writes: &Writes) -> Option<Value> {
    if writes.finalizer != FinalizerAction::Absent {
        return None;
    }
    let finalizers = has_finalizer(live).then(|| {
        let others = live.metadata.finalizers.iter().flatten();
        others
            .filter(|finalizer| *finalizer != FINALIZER)
            .cloned()
            .collect()
    });
    metadata_patch(live, finalizers, labels(live, writes))
}

/// The part of the status that differs.
pub(super) fn status(live: &Service, writes: &Writes, now: Timestamp) -> Option<Value> {
    let mut status = Map::new();
    if let Some(wanted) = &writes.ingress
        && !ingress_is(live, wanted)
    {
        // In a merge patch only null empties a list that the API leaves out when it is empty.
        let ingress = match wanted.as_slice() {
            [] => Value::Null,
            entries => entries.iter().map(ingress_json).collect(),
        };
        status.insert("loadBalancer".to_owned(), json!({ "ingress": ingress }));
    }
    if let Some(conditions) = conditions(live, &writes.conditions, now) {
        status.insert("conditions".to_owned(), json!(conditions));
    }
    (!status.is_empty()).then(|| json!({ "metadata": precondition(live), "status": status }))
}

/// Whether the Service carries our finalizer.
pub(super) fn has_finalizer(live: &Service) -> bool {
    live.metadata
        .finalizers
        .iter()
        .flatten()
        .any(|finalizer| finalizer == FINALIZER)
}

fn precondition(live: &Service) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.insert(
        "resourceVersion".to_owned(),
        json!(live.metadata.resource_version),
    );
    metadata
}

fn metadata_patch(
    live: &Service,
    finalizers: Option<Vec<String>>,
    labels: Map<String, Value>,
) -> Option<Value> {
    if finalizers.is_none() && labels.is_empty() {
        return None;
    }
    let mut metadata = precondition(live);
    if let Some(finalizers) = finalizers {
        metadata.insert("finalizers".to_owned(), json!(finalizers));
    }
    if !labels.is_empty() {
        metadata.insert("labels".to_owned(), Value::Object(labels));
    }
    Some(json!({ "metadata": metadata }))
}

/// Labels that differ; null removes one.
fn labels(live: &Service, writes: &Writes) -> Map<String, Value> {
    let value_of = |name: &str| live.metadata.labels.as_ref().and_then(|labels| labels.get(name));
    writes
        .labels
        .iter()
        .filter(|(name, wanted)| value_of(name) != wanted.as_ref())
        .map(|(name, wanted)| (name.clone(), json!(wanted)))
        .collect()
}

fn ingress_is(live: &Service, wanted: &[Ingress]) -> bool {
    let entries: Result<Vec<Ingress>, _> = live
        .status
        .load_balancer
        .ingress
        .iter()
        .flatten()
        .map(normalize::ingress)
        .collect();
    // One that cannot be read is not the wanted one.
    entries.is_ok_and(|entries| {
        entries.len() == wanted.len()
            && entries
                .into_iter()
                .map(with_default_mode)
                .eq(wanted.iter().cloned().map(with_default_mode))
    })
}

/// The API server fills in VIP for every address.
fn with_default_mode(mut ingress: Ingress) -> Ingress {
    if ingress.ip.is_some() {
        ingress.ip_mode.get_or_insert(IpMode::Vip);
    }
    ingress
}

fn ingress_json(ingress: &Ingress) -> Value {
    let mut entry = Map::new();
    if let Some(ip) = &ingress.ip {
        entry.insert("ip".to_owned(), json!(ip));
    }
    if let Some(hostname) = &ingress.hostname {
        entry.insert("hostname".to_owned(), json!(hostname));
    }
    if let Some(mode) = ingress.ip_mode {
        let mode = match mode {
            IpMode::Vip => "VIP",
            IpMode::Proxy => "Proxy",
        };
        entry.insert("ipMode".to_owned(), json!(mode));
    }
    if !ingress.ports.is_empty() {
        let ports: Value = ingress
            .ports
            .iter()
            .map(|status| {
                let mut port = json!({ "port": status.port, "protocol": status.transport.as_str() });
                if let (Some(port), Some(error)) = (port.as_object_mut(), &status.error) {
                    port.insert("error".to_owned(), json!(error));
                }
                port
            })
            .collect();
        entry.insert("ports".to_owned(), ports);
    }
    Value::Object(entry)
}

/// The whole list with the wanted ones in it, others as they are; none when nothing differs.
fn conditions(live: &Service, wanted: &[Condition], now: Timestamp) -> Option<Vec<meta::Condition>> {
    let mut all = live.status.conditions.clone().unwrap_or_default();
    let mut changed = false;
    for condition in wanted {
        let observed_generation = live.metadata.generation;
        let status = status_name(condition.status);
        let known = all.iter_mut().find(|known| known.type_ == condition.kind);
        let made = meta::Condition {
            type_: condition.kind.clone(),
            status: status.to_owned(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
            observed_generation,
            // The API's rule: the time of the last change of `status`, not of the words.
            last_transition_time: known
                .as_ref()
                .filter(|known| known.status == status)
                .map_or(meta::Time(now), |known| known.last_transition_time.clone()),
        };
        match known {
            Some(known) if *known == made => {}
            Some(known) => {
                *known = made;
                changed = true;
            }
            None => {
                all.push(made);
                changed = true;
            }
        }
    }
    changed.then_some(all)
}

fn status_name(status: ConditionStatus) -> &'static str {
    match status {
        ConditionStatus::True => "True",
        ConditionStatus::False => "False",
        ConditionStatus::Unknown => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use clb_model::cluster::{PortStatus, Transport};
    use clb_model::marks::{HASH_LABEL, LOAD_BALANCER_ID_LABEL};

    use super::*;

    fn live(metadata: &Value, status: &Value) -> Service {
        let mut object = json!({
            "metadata": {"name": "web", "namespace": "default", "uid": "u", "resourceVersion": "7"},
            "status": status,
        });
        for (name, value) in metadata.as_object().into_iter().flatten() {
            object["metadata"][name] = value.clone();
        }
        serde_json::from_value(object).unwrap()
    }

    fn finalizer(action: FinalizerAction) -> Writes {
        Writes {
            finalizer: action,
            ..Writes::default()
        }
    }

    fn ip(ip: &str) -> Ingress {
        Ingress {
            ip: Some(ip.to_owned()),
            ..Ingress::default()
        }
    }

    fn ingress(entries: &[Ingress]) -> Writes {
        Writes {
            ingress: Some(entries.to_vec()),
            ..Writes::default()
        }
    }

    #[test]
    fn the_finalizer_comes_first_with_labels_and_goes_last_with_labels() {
        let mut writes = finalizer(FinalizerAction::Present);
        writes.labels = [(LOAD_BALANCER_ID_LABEL.to_owned(), Some("lb-1".to_owned()))].into();
        let bare = live(&json!({"finalizers": ["x"]}), &json!({}));
        assert_eq!(
            first(&bare, &writes),
            Some(json!({"metadata": {
                "resourceVersion": "7", "finalizers": ["x", FINALIZER], "labels": {LOAD_BALANCER_ID_LABEL: "lb-1"},
            }}))
        );
        assert_eq!(last(&bare, &writes), None);

        let mut writes = finalizer(FinalizerAction::Absent);
        writes.labels = [
            (LOAD_BALANCER_ID_LABEL.to_owned(), None),
            (HASH_LABEL.to_owned(), None),
        ]
        .into();
        let bound = live(
            &json!({"finalizers": [FINALIZER], "labels": {LOAD_BALANCER_ID_LABEL: "lb-1"}}),
            &json!({}),
        );
        assert_eq!(first(&bound, &writes), None);
        assert_eq!(
            last(&bound, &writes),
            Some(json!({"metadata": {
                "resourceVersion": "7", "finalizers": [], "labels": {LOAD_BALANCER_ID_LABEL: null},
            }}))
        );
    }

    #[test]
    fn nothing_is_written_that_is_so() {
        let bound = live(
            &json!({"finalizers": [FINALIZER], "labels": {"a": "b"}}),
            &json!({}),
        );
        let mut writes = finalizer(FinalizerAction::Present);
        writes.labels = [("a".to_owned(), Some("b".to_owned())), ("c".to_owned(), None)].into();
        assert_eq!(first(&bound, &writes), None);
        assert_eq!(last(&bound, &writes), None);
        assert_eq!(
            last(&live(&json!({}), &json!({})), &finalizer(FinalizerAction::Absent)),
            None
        );
        assert_eq!(status(&bound, &writes, Timestamp::now()), None);
    }

    #[test]
    fn the_mode_that_the_api_fills_in_is_no_difference() {
        let addressed = live(
            &json!({}),
            &json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4", "ipMode": "VIP"}]}}),
        );
        assert_eq!(
            status(&addressed, &ingress(&[ip("1.2.3.4")]), Timestamp::now()),
            None
        );
        let proxied = Ingress {
            ip_mode: Some(IpMode::Proxy),
            ..ip("1.2.3.4")
        };
        assert!(status(&addressed, &ingress(&[proxied]), Timestamp::now()).is_some());
    }

    #[test]
    fn an_address_is_written_whole_and_emptied_with_null() {
        let bare = live(&json!({}), &json!({}));
        let entry = Ingress {
            ports: vec![PortStatus {
                port: 80,
                transport: Transport::Tcp,
                error: Some("Oops".to_owned()),
            }],
            ..ip("1.2.3.4")
        };
        assert_eq!(
            status(&bare, &ingress(&[entry]), Timestamp::now()),
            Some(
                json!({"metadata": {"resourceVersion": "7"}, "status": {"loadBalancer": {"ingress": [
                    {"ip": "1.2.3.4", "ports": [{"port": 80, "protocol": "TCP", "error": "Oops"}]},
                ]}}})
            )
        );
        assert_eq!(status(&bare, &ingress(&[]), Timestamp::now()), None);
        let addressed = live(
            &json!({}),
            &json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}),
        );
        let emptied = status(&addressed, &ingress(&[]), Timestamp::now()).unwrap();
        assert_eq!(emptied["status"]["loadBalancer"], json!({"ingress": null}));
    }

    #[test]
    fn an_observed_generation_is_written_where_there_is_one() {
        let now = Timestamp::from_second(1_767_225_600).unwrap();
        let writes = Writes {
            conditions: vec![Condition {
                kind: "Programmed".to_owned(),
                status: ConditionStatus::Unknown,
                reason: "Because".to_owned(),
                message: String::new(),
            }],
            ..Writes::default()
        };
        let without = status(&live(&json!({}), &json!({})), &writes, now).unwrap();
        assert_eq!(
            without["status"]["conditions"],
            json!([{
                "type": "Programmed", "status": "Unknown", "reason": "Because", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }])
        );
        let with = status(&live(&json!({"generation": 3}), &json!({})), &writes, now).unwrap();
        assert_eq!(with["status"]["conditions"][0]["observedGeneration"], 3);
    }
}
