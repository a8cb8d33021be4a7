//! Formats of names and values, each with the texts that the API gives for a breach
//! (`k8s.io/apimachinery/pkg/util/validation` and `…/pkg/api/validate/content`).

const LABEL_FORMAT: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const KEY_FORMAT: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LONGEST_LABEL: usize = 63;
const LONGEST_SUBDOMAIN: usize = 253;
const LONGEST_PORT_NAME: usize = 15;

/// Letters, digits and some marks, with a letter or a digit at both ends.
fn has_form(text: &str, is_alphanumeric: fn(char) -> bool, marks: &str) -> bool {
    let is_allowed = |symbol: char| is_alphanumeric(symbol) || marks.contains(symbol);
    text.starts_with(is_alphanumeric) && text.ends_with(is_alphanumeric) && text.chars().all(is_allowed)
}

fn is_lower_alphanumeric(symbol: char) -> bool {
    symbol.is_ascii_lowercase() || symbol.is_ascii_digit()
}

fn is_alphanumeric(symbol: char) -> bool {
    symbol.is_ascii_alphanumeric()
}

fn is_label(text: &str) -> bool {
    has_form(text, is_lower_alphanumeric, "-")
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// RFC 1123 label: names of Services, namespaces, ports.
pub(crate) fn dns_label(text: &str) -> Vec<String> {
    let mut texts = Vec::new();
    if text.len() > LONGEST_LABEL {
        texts.push(format!("must be no more than {LONGEST_LABEL} characters"));
    }
    if !is_label(text) {
        texts.push(if is_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            format!(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and \
                 end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                 '{LABEL_FORMAT}')"
            )
        });
    }
    texts
}

/// RFC 1123 subdomain: names of most other objects, host names.
pub(crate) fn dns_subdomain(text: &str) -> Vec<String> {
    let mut texts = Vec::new();
    if text.len() > LONGEST_SUBDOMAIN {
        texts.push(format!("must be no more than {LONGEST_SUBDOMAIN} characters"));
    }
    if !is_subdomain(text) {
        texts.push(format!(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start \
             and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '{LABEL_FORMAT}(\\.{LABEL_FORMAT})*')"
        ));
    }
    texts
}

/// A host name with a domain, for slices of type `FQDN`.
pub(crate) fn full_domain_name(text: &str) -> Vec<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let texts = dns_subdomain(text);
    if !texts.is_empty() {
        return vec![texts.join(",")];
    }
    if !text.contains('.') {
        return vec!["should be a domain with at least two segments separated by dots".to_owned()];
    }
    text.split('.')
        .find_map(|label| Some(dns_label(label)).filter(|texts| !texts.is_empty()))
        .unwrap_or_default()
}

/// A label's key, a finalizer, a class: a name with an optional domain before a slash.
pub(crate) fn qualified_name(text: &str) -> Vec<String> {
    let key_rule = |what: &str| {
        format!(
            "{what} must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
             character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{KEY_FORMAT}')"
        )
    };
    let mut texts = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                texts.push("prefix part must be non-empty".to_owned());
            } else {
                texts.extend(
                    dns_subdomain(prefix)
                        .into_iter()
                        .map(|text| format!("prefix part {text}")),
                );
            }
            name
        }
        _ => {
            let rule = key_rule("a valid label key");
            return vec![format!(
                "{rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        texts.push("name part must be non-empty".to_owned());
    } else if name.len() > LONGEST_LABEL {
        texts.push(format!("name part must be no more than {LONGEST_LABEL} bytes"));
    }
    if !has_form(name, is_alphanumeric, "-_.") {
        texts.push(key_rule("name part"));
    }
    texts
}

/// A label's value.
pub(crate) fn label_value(text: &str) -> Vec<String> {
    let mut texts = Vec::new();
    if text.len() > LONGEST_LABEL {
        texts.push(format!("must be no more than {LONGEST_LABEL} bytes"));
    }
    if !text.is_empty() && !has_form(text, is_alphanumeric, "-_.") {
        texts.push(format!(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
             and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
             validation is '({KEY_FORMAT})?')"
        ));
    }
    texts
}

/// A port's number.
pub(crate) fn port_number(port: i64) -> Vec<String> {
    if (1..=65_535).contains(&port) {
        Vec::new()
    } else {
        vec!["must be between 1 and 65535, inclusive".to_owned()]
    }
}

/// The name of a container's port.
pub(crate) fn port_name(text: &str) -> Vec<String> {
    let mut texts = Vec::new();
    if text.len() > LONGEST_PORT_NAME {
        texts.push(format!("must be no more than {LONGEST_PORT_NAME} characters"));
    }
    if text.is_empty()
        || !text
            .chars()
            .all(|symbol| is_lower_alphanumeric(symbol) || symbol == '-')
    {
        texts.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.contains(|symbol: char| symbol.is_ascii_lowercase()) {
        texts.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        texts.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        texts.push("must not begin or end with a hyphen".to_owned());
    }
    texts
}
