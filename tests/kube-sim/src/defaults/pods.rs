//! Defaults of a Pod, as far as clients of this project look at them.

use serde_json::{Value, json};

use super::fill;

pub(super) fn apply(pod: &mut Value) {
    let spec = &mut pod["spec"];
    fill(spec, "restartPolicy", "Always");
    fill(spec, "dnsPolicy", "ClusterFirst");
    fill(spec, "schedulerName", "default-scheduler");
    fill(spec, "enableServiceLinks", true);
    if spec.get("terminationGracePeriodSeconds").is_none() {
        spec["terminationGracePeriodSeconds"] = 30.into();
    }
    if spec.get("securityContext").is_none() {
        spec["securityContext"] = json!({});
    }
    for containers in ["containers", "initContainers"] {
        for container in spec
            .get_mut(containers)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let has_tag = container["image"].as_str().is_some_and(|image| {
                image
                    .rsplit('/')
                    .next()
                    .is_some_and(|name| name.contains(':') && !name.ends_with(":latest"))
            });
            fill(
                container,
                "imagePullPolicy",
                if has_tag { "IfNotPresent" } else { "Always" },
            );
            fill(container, "terminationMessagePath", "/dev/termination-log");
            fill(container, "terminationMessagePolicy", "File");
            for port in container
                .get_mut("ports")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                fill(port, "protocol", "TCP");
            }
        }
    }
    fill(&mut pod["status"], "phase", "Pending");
}
