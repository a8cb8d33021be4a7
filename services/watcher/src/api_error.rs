//! What an error of the API server's client means, in words for logs and for `/readyz?verbose`. kube's own texts hold whole Status
//! objects in debug form.

use std::error::Error as _;

use kube::core::Status;

/// The innermost cause is the one that says something ("connection refused"), the outer ones say where.
pub(crate) fn describe(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        let hint = match status.code {
            401 => "; the credentials are not valid: check the kubeconfig or the ServiceAccount's token",
            403 if namespace_is_going(status) => "",
            403 => "; the watcher's ClusterRole is missing a permission",
            _ => "",
        };
        return format!(
            "the API server answers {} {}: {}{hint}",
            status.code, status.reason, status.message
        );
    }
    let mut cause = error.source();
    let mut texts = vec![match error {
        kube::Error::HyperError(_) | kube::Error::Service(_) => "the API server cannot be reached".to_owned(),
        other => other.to_string(),
    }];
    while let Some(inner) = cause {
        let text = inner.to_string();
        // Wrappers often repeat what they wrap.
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        cause = inner.source();
    }
    texts.join(": ")
}

/// Whether it was refused because nothing new may come into a namespace that is being deleted; no permission would help.
fn namespace_is_going(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.reason == "NamespaceTerminating")
        || status.message.contains("is being terminated")
}

/// Whether it says that there is no such object.
pub(crate) fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Whether it says that the object has changed in between.
pub(crate) fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Whether it says that the object of that name has another UID than the patch.
pub(crate) fn is_another(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 422 && causes.any(|cause| cause.field == "metadata.uid")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(message: &str, causes: &serde_json::Value) -> String {
        let status = json!({
            "status": "Failure", "code": 403, "reason": "Forbidden", "message": message, "details": {"causes": causes},
        });
        describe(&kube::Error::Api(Box::new(
            serde_json::from_value(status).unwrap(),
        )))
    }

    #[test]
    fn a_missing_permission_is_named_only_where_one_is_missing() {
        assert!(refused("User \"x\" cannot create events", &json!([])).contains("ClusterRole"));
        let going =
            json!([{"reason": "NamespaceTerminating", "message": "namespace web is being terminated"}]);
        let text = refused("events \"e\" is forbidden: unable to create new content", &going);
        assert!(text.ends_with("unable to create new content"), "{text}");
        let text = refused("namespace web is being terminated", &json!([]));
        assert!(!text.contains("ClusterRole"), "{text}");
    }
}
