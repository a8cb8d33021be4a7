//! Refusals in the API's own form: what becomes a `Status` object with reason, details and causes.
//!
//! Every layer from decoding to allocation returns [`ApiError`]; the server renders it, in-process callers match on
//! its code and reason. Texts follow `k8s.io/apimachinery/pkg/api/errors`.

use serde_json::{Map, Value, json};

use crate::resources::Resource;
use crate::validation::FieldError;

/// One entry of `details.causes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Machine-readable reason, such as `FieldValueInvalid`.
    pub reason: String,
    /// Text for people.
    pub message: String,
    /// Path of the field, such as `spec.ports[0].port`; empty where there is none.
    pub field: String,
}

/// A refused request.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message} ({code} {reason})")]
pub struct ApiError {
    /// HTTP status.
    pub code: u16,
    /// Reason as clients compare it, such as `NotFound`; empty for none.
    pub reason: String,
    /// Text for people.
    pub message: String,
    /// The `details` member without its causes.
    pub details: Map<String, Value>,
    /// What was wrong, one entry per field.
    pub causes: Vec<Cause>,
}

impl ApiError {
    /// An error with a status, a reason and a text, without details.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
            message: message.into(),
            details: Map::new(),
            causes: Vec::new(),
        }
    }

    fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    fn about(self, resource: &Resource, name: &str) -> Self {
        let named = self.detail("name", name);
        let grouped = if resource.group.is_empty() {
            named
        } else {
            named.detail("group", resource.group)
        };
        grouped.detail("kind", resource.plural)
    }

    /// 404: no such object.
    pub fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(
            404,
            "NotFound",
            format!("{} \"{name}\" not found", resource.qualified()),
        )
        .about(resource, name)
    }

    /// 404: no such path.
    pub fn no_such_path() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
    }

    /// 409: an object of that name is there.
    pub fn already_exists(resource: &Resource, name: &str) -> Self {
        Self::new(
            409,
            "AlreadyExists",
            format!("{} \"{name}\" already exists", resource.qualified()),
        )
        .about(resource, name)
    }

    /// 409: the object is not in the state that the caller assumed.
    pub fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            resource.qualified()
        );
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// 409 for a deletion whose preconditions do not hold; here the API names the kind, not the resource.
    pub fn deletion_conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            resource.qualified_kind()
        );
        let mut error = Self::new(409, "Conflict", message).about(resource, name);
        error.details.insert("kind".to_owned(), resource.kind.into());
        error
    }

    /// 409 for a write with an outdated `resourceVersion`.
    pub fn outdated(resource: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// The same for one that is on its way out.
    pub fn still_there(self) -> Self {
        let message = format!("object is being deleted: {}", self.message);
        Self { message, ..self }
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 403 with the API's prefix.
    pub fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", resource.qualified());
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// 406; `offered` lists what can be answered.
    pub fn not_acceptable(offered: &str) -> Self {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {offered}");
        Self::new(406, "NotAcceptable", message)
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
    }

    /// 410: the wanted version has left the history.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 415: the body has a type that is not understood.
    pub fn unsupported_media_type(accepted: &[&str]) -> Self {
        let list = accepted.join(", ");
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {list}"
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 415 for a patch.
    pub fn unsupported_patch() -> Self {
        Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type")
    }

    /// 422: fields that break rules, all of them at once.
    pub fn invalid(resource: &Resource, name: &str, errors: &[FieldError]) -> Self {
        let kind = resource.qualified_kind();
        let mut error = Self::new(
            422,
            "Invalid",
            format!("{kind} \"{name}\" is invalid: {}", aggregate(errors)),
        );
        if !name.is_empty() {
            error.details.insert("name".to_owned(), name.into());
        }
        if !resource.group.is_empty() {
            error.details.insert("group".to_owned(), resource.group.into());
        }
        error.details.insert("kind".to_owned(), resource.kind.into());
        error.causes = causes(errors);
        error
    }

    /// 422 for a write without the version that the kind asks for; here the API names the resource, not the kind.
    pub fn version_required(resource: &Resource, name: &str) -> Self {
        let error = FieldError::invalid("metadata.resourceVersion", 0, "must be specified for an update");
        let message = format!("{} \"{name}\" is invalid: {error}", resource.qualified());
        Self::new(422, "Invalid", message)
            .about(resource, name)
            .with_causes(causes(&[error]))
    }

    /// 422: a query that breaks rules; `kind` is the options kind, such as `ListOptions`.
    pub fn invalid_options(kind: &str, errors: &[FieldError]) -> Self {
        let message = format!("{kind}.meta.k8s.io \"\" is invalid: {}", aggregate(errors));
        let mut error = Self::new(422, "Invalid", message)
            .detail("group", "meta.k8s.io")
            .detail("kind", kind);
        error.causes = causes(errors);
        error
    }

    /// 422: a patch whose result is no object of the kind.
    pub fn invalid_patch(shown: &str, why: &str) -> Self {
        let error = FieldError::invalid("patch", shown, why);
        let mut refused = Self::new(422, "Invalid", format!(" \"\" is invalid: {error}"));
        refused.causes = causes(&[error]);
        refused
    }

    /// 500 with the API's prefix.
    pub fn internal(why: &str) -> Self {
        let cause = Cause {
            reason: String::new(),
            message: why.to_owned(),
            field: String::new(),
        };
        Self::new(500, "InternalError", format!("Internal error occurred: {why}")).with_causes(vec![cause])
    }

    /// Adds causes, for errors that are not about fields.
    pub fn with_causes(mut self, causes: Vec<Cause>) -> Self {
        self.causes = causes;
        self
    }

    /// Adds `details.retryAfterSeconds`.
    pub fn retry_after(self, seconds: u32) -> Self {
        self.detail("retryAfterSeconds", seconds)
    }

    /// The `Status` object that clients get.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.as_str().into();
        }
        let mut details = self.details.clone();
        // Refusals that are made before a resource is known carry empty details.
        let is_path_error = matches!(self.reason.as_str(), "NotFound" | "MethodNotAllowed")
            || self.message.starts_with("415: ");
        if !self.causes.is_empty() {
            details.insert(
                "causes".to_owned(),
                self.causes.iter().map(render_cause).collect(),
            );
        }
        if !details.is_empty() || is_path_error {
            status["details"] = details.into();
        }
        status
    }
}

fn causes(errors: &[FieldError]) -> Vec<Cause> {
    let cause = |field: &FieldError| Cause {
        reason: field.kind.reason().to_owned(),
        message: field.body(),
        field: field.field.clone(),
    };
    errors.iter().map(cause).collect()
}

fn render_cause(cause: &Cause) -> Value {
    let mut rendered = json!({ "message": cause.message });
    for (member, text) in [("reason", &cause.reason), ("field", &cause.field)] {
        if !text.is_empty() {
            rendered[member] = text.as_str().into();
        }
    }
    rendered
}

/// One error as it is, several in brackets, each text once: `utilerrors.NewAggregate`.
fn aggregate(errors: &[FieldError]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for error in errors {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match texts.as_slice() {
        [only] => only.clone(),
        _ => format!("[{}]", texts.join(", ")),
    }
}
