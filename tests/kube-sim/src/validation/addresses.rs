//! IP addresses and ranges.
//!
//! The API reads addresses as old Go versions did, with leading zeros; whether a value is an address and which one is asked
//! of [`parse`] everywhere.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde_json::Value;

use super::FieldError;

/// An address; leading zeros in IPv4 are decimal.
pub(crate) fn parse(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let parts: Vec<&str> = text.split('.').collect();
    let octets: Vec<u8> = parts
        .iter()
        .filter(|part| !part.is_empty() && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|part| part.parse().ok())
        .collect();
    match (parts.len(), octets.as_slice()) {
        (4, [a, b, c, d]) => Some(IpAddr::V4(Ipv4Addr::new(*a, *b, *c, *d))),
        _ => None,
    }
}

/// Address and prefix length of a range; an address without a length is none.
pub(crate) fn parse_range(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let address = parse(address)?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let length = length
        .parse()
        .ok()
        .filter(|length| is_number && *length <= longest)?;
    Some((address, length))
}

/// Whether the text is an IPv6 address; an IPv4 one mapped into it is not.
pub(crate) fn is_v6(text: &str) -> bool {
    matches!(parse(text), Some(IpAddr::V6(address)) if address.to_ipv4_mapped().is_none())
}

/// A field that has to be an address, in any spelling of today.
pub(crate) fn address(field: &str, text: &str) -> Vec<FieldError> {
    match parse(text) {
        Some(_) if text.parse::<IpAddr>().is_err() => {
            vec![FieldError::invalid(field, text, "must not have leading 0s")]
        }
        Some(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
            vec![FieldError::invalid(
                field,
                text,
                "must not be an IPv4-mapped IPv6 address",
            )]
        }
        Some(_) => Vec::new(),
        None => vec![FieldError::invalid(
            field,
            text,
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        )],
    }
}

/// The same in the one spelling that new fields take.
pub(crate) fn canonical_address(field: &str, text: &str) -> Vec<FieldError> {
    let errors = address(field, text);
    match parse(text) {
        Some(address) if errors.is_empty() && address.to_string() != text => {
            vec![FieldError::invalid(
                field,
                text,
                format!("must be in canonical form (\"{address}\")"),
            )]
        }
        _ => errors,
    }
}

/// A field that has to be a range.
pub(crate) fn range(field: &str, text: &str) -> Vec<FieldError> {
    let Some((address, length)) = parse_range(text) else {
        let detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
        return vec![FieldError::invalid(field, text, detail)];
    };
    let mapped = matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
    let detail = match text.parse::<IpNet>() {
        Err(_) => "must not have leading 0s in IP or prefix length",
        Ok(_) if mapped => "must not have an IPv4-mapped IPv6 address",
        Ok(network) if network.trunc() != network || length > network.max_prefix_len() => {
            "must not have bits set beyond the prefix length"
        }
        Ok(_) => return Vec::new(),
    };
    vec![FieldError::invalid(field, text, detail)]
}

/// Addresses at which nothing outside of the node can be reached.
pub(crate) fn endpoint(field: &str, text: &str) -> Vec<FieldError> {
    let Some(address) = parse(text) else {
        return vec![FieldError::invalid(field, text, "must be a valid IP address")];
    };
    let (link_local, link_local_multicast) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(v6) => (
            v6.segments()[0] & 0xffc0 == 0xfe80,
            v6.segments()[0] & 0xff0f == 0xff02,
        ),
    };
    let rules = [
        (
            address.is_unspecified(),
            format!("may not be unspecified ({text})"),
        ),
        (
            address.is_loopback(),
            "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned(),
        ),
        (
            link_local,
            "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned(),
        ),
        (
            link_local_multicast,
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned(),
        ),
    ];
    let broken = rules.into_iter().filter(|(is_broken, _)| *is_broken);
    broken
        .map(|(_, detail)| FieldError::invalid(field, Value::from(text), detail))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_are_decimal() {
        assert_eq!(
            parse("010.001.000.9"),
            Some(IpAddr::V4(Ipv4Addr::new(10, 1, 0, 9)))
        );
        assert_eq!(parse("300.0.0.1"), None);
        assert_eq!(parse("1.2.3"), None);
        assert_eq!(parse_range("10.0.0.0/33"), None);
        assert_eq!(parse_range("fd00::/8").map(|(_, length)| length), Some(8));
    }
}
