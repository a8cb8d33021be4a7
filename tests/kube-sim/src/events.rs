//! The two forms of an event: `v1` as stored, `events.k8s.io/v1` as newer clients write and read it.
//!
//! The real API keeps one object for both; so `kubectl get events` shows what a controller reported in the newer form.
//! Called where objects enter and leave through `events.k8s.io`.

use serde_json::{Map, Value};

/// Core name and `events.k8s.io` name of the members that differ.
const RENAMED: [(&str, &str); 6] = [
    ("message", "note"),
    ("involvedObject", "regarding"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];
/// The one that is spelled differently without being deprecated.
const REPORTER: (&str, &str) = ("reportingComponent", "reportingController");

/// Members that the newer form leaves out when they are empty.
const OPTIONAL: [&str; 2] = ["reportingController", "reportingInstance"];

/// The core form of an event that came in the newer one.
pub(crate) fn to_core(event: &Value) -> Value {
    let mut core = rename(event, |(core, newer)| (newer, core));
    for member in ["reportingComponent", "reportingInstance"] {
        if core.get(member).is_none() {
            core[member] = "".into();
        }
    }
    core
}

/// The newer form of a stored event.
pub(crate) fn from_core(event: &Value) -> Value {
    let mut newer = rename(event, |pair| pair);
    if let Some(members) = newer.as_object_mut() {
        members.retain(|name, member| !(OPTIONAL.contains(&name.as_str()) && member == ""));
    }
    newer
}

fn rename(
    event: &Value,
    direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) -> Value {
    let names: Vec<_> = RENAMED.into_iter().chain([REPORTER]).map(direction).collect();
    let members = event.as_object().into_iter().flatten().map(|(name, member)| {
        let renamed = names
            .iter()
            .find(|(from, _)| from == name)
            .map_or(name.as_str(), |(_, to)| to);
        (renamed.to_owned(), member.clone())
    });
    Value::Object(members.collect::<Map<String, Value>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_carry_the_same() {
        let newer = json!({"note": "n", "regarding": {"name": "x"}, "reportingController": "c",
            "reportingInstance": "i", "reason": "R"});
        let core = json!({"message": "n", "involvedObject": {"name": "x"}, "reportingComponent": "c",
            "reportingInstance": "i", "reason": "R"});
        assert_eq!(to_core(&newer), core);
        assert_eq!(from_core(&core), newer);
    }
}
