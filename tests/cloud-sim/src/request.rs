//! A call as it came over HTTP, before anything is known about it.

use bytes::Bytes;
use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::input::Input;

/// Everything but letters, digits, `-`, `_`, `.` and `~` is encoded (RFC 3986).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Parameters that belong to the protocol and are none of the action's.
const OF_THE_PROTOCOL: &[&str] = &[
    "AccessKeyId",
    "Action",
    "Format",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// Encodes as signatures do.
pub(crate) fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// One HTTP request.
#[derive(Debug)]
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    /// Parameters in the URL, decoded.
    pub query: Vec<(String, String)>,
    /// Parameters in the body, decoded.
    form: Vec<(String, String)>,
    headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    /// Reads the parts of a request.
    pub(crate) fn new(method: &str, path: &str, query: &str, headers: HeaderMap, body: Bytes) -> Self {
        let is_form = headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let form = if is_form {
            pairs(&String::from_utf8_lossy(&body))
        } else {
            Vec::new()
        };
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: pairs(query),
            form,
            headers,
            body,
        }
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers, their names in small letters.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// All parameters, of URL and body.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query
            .iter()
            .chain(&self.form)
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A parameter's value.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// Whether it carries a V3 signature: then everything about the protocol is in headers.
    pub(crate) fn is_v3(&self) -> bool {
        self.header("authorization").is_some()
    }

    /// The action's name.
    pub(crate) fn action(&self) -> Option<&str> {
        self.header("x-acs-action").or_else(|| self.parameter("Action"))
    }

    /// The API's version.
    pub(crate) fn version(&self) -> Option<&str> {
        self.header("x-acs-version").or_else(|| self.parameter("Version"))
    }

    /// Whether the answer is to be XML: with V1 unless JSON is asked for.
    pub(crate) fn wants_xml(&self) -> bool {
        !self.is_v3()
            && !self
                .parameter("Format")
                .is_some_and(|format| format.eq_ignore_ascii_case("json"))
    }

    /// The action's own parameters.
    pub(crate) fn input(&self) -> Input {
        self.parameters()
            .filter(|(name, _)| !OF_THE_PROTOCOL.contains(name))
            .collect()
    }

    #[cfg(test)]
    pub(crate) fn for_test(method: &str, query: &str, headers: &[(&str, &str)]) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        Request::new(method, "/", query, headers, Bytes::new())
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
