//! What admission plugins of a default cluster add to a Pod.

use serde_json::{Value, json};

/// Seconds for which a Pod stays on a node that is not ready or not reachable.
const TOLERATION_SECONDS: u32 = 300;

/// Priority and default tolerations (`Priority`, `DefaultTolerationSeconds`).
pub(super) fn admit(pod: &mut Value) {
    let spec = &mut pod["spec"];
    if spec.get("priority").is_none() {
        spec["priority"] = 0.into();
    }
    if spec.get("preemptionPolicy").is_none() {
        spec["preemptionPolicy"] = "PreemptLowerPriority".into();
    }
    let mut tolerations = spec["tolerations"].as_array().cloned().unwrap_or_default();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerates = |toleration: &Value| {
            (toleration["key"] == key || toleration.get("key").is_none())
                && (toleration["effect"] == "NoExecute" || toleration.get("effect").is_none())
        };
        if !tolerations.iter().any(tolerates) {
            tolerations.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS,
            }));
        }
    }
    spec["tolerations"] = Value::Array(tolerations);
}
