//! Signature version 1.0: HMAC-SHA1 over the sorted parameters, which travel with the signature among them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::Claim;
use crate::errors::{self, ApiError};
use crate::request::{Request, percent_encoded};

/// Reads the parameters of the protocol.
pub(super) fn claim(request: &Request) -> Result<Claim<'_>, ApiError> {
    let get = |name: &str| {
        let value = request.parameter(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| errors::missing_parameter(name))
    };
    let claim = Claim {
        key_id: get("AccessKeyId")?,
        signature: get("Signature")?,
        date: get("Timestamp")?,
        nonce: get("SignatureNonce")?,
        token: request
            .parameter("SecurityToken")
            .filter(|token| !token.is_empty()),
    };
    let supported = get("SignatureMethod")? == "HMAC-SHA1" && get("SignatureVersion")? == "1.0";
    if supported {
        Ok(claim)
    } else {
        Err(errors::SIGNATURE_MISMATCH.into())
    }
}

/// Whether the signature is the one that the secret gives.
pub(super) fn matches(request: &Request, secret: &str, signature: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()) else {
        return false;
    };
    mac.update(string_to_sign(request).as_bytes());
    let Ok(given) = STANDARD.decode(signature) else {
        return false;
    };
    mac.verify_slice(&given).is_ok()
}

/// The message of a mismatch.
pub(super) fn explanation(request: &Request) -> String {
    let text = string_to_sign(request);
    format!("Specified signature is not matched with our calculation. server string to sign is:{text}")
}

/// Method, `%2F`, and the encoded query of every parameter but the signature, in the order of names.
fn string_to_sign(request: &Request) -> String {
    let mut pairs: Vec<(String, String)> = request
        .parameters()
        .filter(|(name, _)| *name != "Signature")
        .map(|(name, value)| (percent_encoded(name), percent_encoded(value)))
        .collect();
    pairs.sort();
    let query: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{}&%2F&{}", request.method, percent_encoded(&query.join("&")))
}
