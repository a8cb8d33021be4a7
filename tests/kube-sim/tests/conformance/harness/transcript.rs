//! What was said, with everything replaced that differs from run to run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// First port and first address part of what the API hands out.
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30_000..=40_000;

pub(crate) struct Transcript {
    namespace: String,
    text: String,
    show_managers: bool,
    /// Values that were seen, by kind, in order of appearance.
    seen: BTreeMap<&'static str, Vec<String>>,
    /// Ports and addresses that requests named; these stay as they are.
    requested: String,
}

impl Transcript {
    pub(crate) fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            text: String::new(),
            show_managers: false,
            seen: BTreeMap::new(),
            requested: String::new(),
        }
    }

    pub(crate) fn text(&self) -> String {
        self.text.clone()
    }

    pub(crate) fn show_managers(&mut self) {
        self.show_managers = true;
    }

    pub(crate) fn note(&mut self, text: &str) {
        let text = self.plain(text);
        self.text.push_str(&text);
        self.text.push('\n');
    }

    pub(crate) fn exchange(
        &mut self,
        request: &str,
        body: Option<&str>,
        status: u16,
        warnings: &[String],
        answer: &Value,
    ) {
        let body = body.map(|body| self.request_body(body)).unwrap_or_default();
        let mut answer = answer.clone();
        if answer["items"].is_array() {
            // The version of a list is that of everything, other scenarios' objects too.
            answer["metadata"]["resourceVersion"] = Value::from("");
        }
        self.normalize("", &mut answer);
        forget_repeated_causes(&mut answer);
        let head = self.plain(&format!("{request} {body}"));
        let _infallible = writeln!(self.text, "> {}\n< {status}", head.trim_end());
        for warning in warnings {
            let _infallible = writeln!(self.text, "< warning: {warning}");
        }
        let shown = match &answer {
            Value::Object(members) => {
                let sorted: BTreeMap<&String, &Value> = members.iter().collect();
                let lines = sorted
                    .iter()
                    .filter(|(key, _)| !matches!(key.as_str(), "kind" | "apiVersion"));
                lines
                    .map(|(key, member)| format!("  {key}: {}", compact(member)))
                    .collect::<Vec<_>>()
                    .join("\n")
            }
            Value::String(text) => text.clone(),
            other => compact(other),
        };
        let shown = self.plain(&shown);
        let _infallible = writeln!(self.text, "{shown}\n");
    }

    pub(crate) fn event(&mut self, event: &Value) {
        let mut event = event.clone();
        self.normalize("", &mut event);
        let shown = self.plain(&compact(&event));
        let _infallible = writeln!(self.text, "event {shown}");
    }

    /// A body that echoes an earlier answer is normalized as answers are; one that was written out stays as it is, and what
    /// it names is remembered as asked for.
    fn request_body(&mut self, body: &str) -> String {
        match serde_json::from_str::<Value>(body) {
            Ok(mut echoed)
                if echoed["metadata"]["creationTimestamp"].is_string()
                    && echoed["metadata"]["uid"].is_string() =>
            {
                self.normalize("", &mut echoed);
                compact(&echoed)
            }
            _ => {
                self.requested.push_str(body);
                body.to_owned()
            }
        }
    }

    /// `kind` and a number that counts the different values of that kind.
    fn number(&mut self, kind: &'static str, value: &str) -> String {
        let seen = self.seen.entry(kind).or_default();
        let position = seen.iter().position(|known| known == value).unwrap_or_else(|| {
            seen.push(value.to_owned());
            seen.len() - 1
        });
        format!("<{kind} {}>", position + 1)
    }

    fn plain(&mut self, text: &str) -> String {
        let mut text = text.replace(&self.namespace, "<namespace>");
        for (kind, values) in self.seen.clone() {
            for value in values {
                if kind == "version" {
                    let number = self.number(kind, &value);
                    text = text.replace(
                        &format!("\"resourceVersion\":\"{value}\""),
                        &format!("\"resourceVersion\":\"{number}\""),
                    );
                }
                if kind == "version" {
                    let number = self.number(kind, &value);
                    text = text.replace(&format!("in record ({value})"), &format!("in record ({number})"));
                }
                if matches!(kind, "uid" | "address") {
                    let number = self.number(kind, &value);
                    text = text.replace(&value, &number);
                }
            }
        }
        text
    }

    fn normalize(&mut self, key: &str, value: &mut Value) {
        match value {
            Value::Object(members) => {
                if !self.show_managers {
                    members.remove("managedFields");
                }
                if let Some(Value::Array(managers)) = members.get_mut("managedFields") {
                    // Sorted by the second in which they came, which a test cannot foresee.
                    managers.sort_by_key(|entry| {
                        format!(
                            "{}{}{}",
                            entry["manager"], entry["operation"], entry["subresource"]
                        )
                    });
                }
                for (key, member) in members {
                    self.normalize(key, member);
                }
            }
            Value::Array(entries) => entries.iter_mut().for_each(|entry| self.normalize(key, entry)),
            Value::String(text) => {
                if let Some(replaced) = self.replace_text(key, text) {
                    *text = replaced;
                }
            }
            Value::Number(number) => {
                let port = number.as_i64().unwrap_or(0);
                let is_port_field = matches!(key, "nodePort" | "healthCheckNodePort");
                if is_port_field && NODE_PORTS.contains(&port) && !self.requested.contains(&port.to_string())
                {
                    *value = self.number("node port", &port.to_string()).into();
                }
            }
            Value::Bool(_) | Value::Null => {}
        }
    }

    fn replace_text(&mut self, key: &str, text: &str) -> Option<String> {
        match key {
            "uid" => Some(self.number("uid", text)),
            "resourceVersion" if !text.is_empty() => {
                // Seen versions are counted too, so that "unchanged" shows.
                Some(self.number("version", text))
            }
            "continue" => Some("<token>".to_owned()),
            "clusterIP" | "clusterIPs" if is_allocated(text) && !self.requested.contains(text) => {
                Some(self.number("address", text))
            }
            _ if is_recent_time(text) => Some("<now>".to_owned()),
            "message" => without_patched_object(text),
            _ => None,
        }
    }
}

/// The real API repeats a cause for each layer that found it.
fn forget_repeated_causes(answer: &mut Value) {
    if let Some(causes) = answer
        .pointer_mut("/details/causes")
        .and_then(Value::as_array_mut)
    {
        let mut seen: Vec<Value> = Vec::new();
        causes.retain(|cause| {
            let is_new = !seen.contains(cause);
            seen.push(cause.clone());
            is_new
        });
    }
}

/// A refused patch shows the whole object in Go's order of fields.
fn without_patched_object(message: &str) -> Option<String> {
    let (before, rest) = message.split_once("Invalid value: \"{")?;
    let (_, after) = rest.split_once("}\": ")?;
    Some(format!("{before}Invalid value: <patched>: {after}"))
}

fn is_allocated(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>()
        .is_ok_and(|address| address.octets()[0] == 10)
}

/// A time that the API set: of the present decade and written as it writes them.
fn is_recent_time(text: &str) -> bool {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    parsed.is_ok_and(|at| {
        (jiff::Timestamp::now() - at).get_hours().abs() < 2
            && at.as_second().abs_diff(jiff::Timestamp::now().as_second()) < 3_600
    })
}

/// JSON on one line with sorted keys, whatever order they came in.
fn compact(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            let members: Vec<String> = sorted
                .iter()
                .map(|(key, member)| format!("{}: {}", Value::from(key.as_str()), compact(member)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(entries) => format!("[{}]", entries.iter().map(compact).collect::<Vec<_>>().join(", ")),
        scalar => scalar.to_string(),
    }
}
