//! Signature version 3, ACS3-HMAC-SHA256: over method, path, query, headers and the hash of the body.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::Claim;
use crate::errors::{self, ApiError};
use crate::request::{Request, percent_encoded};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Reads the Authorization header and the headers of the protocol.
pub(super) fn claim(request: &Request) -> Result<Claim<'_>, ApiError> {
    let fields = Authorization::read(request)?;
    let get = |name: &'static str| {
        let value = request.header(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| errors::missing_parameter(name))
    };
    Ok(Claim {
        key_id: fields.credential,
        signature: fields.signature,
        date: get("x-acs-date")?,
        nonce: get("x-acs-signature-nonce")?,
        token: request
            .header("x-acs-security-token")
            .filter(|token| !token.is_empty()),
    })
}

/// Whether the signature is the one that the secret gives, every header that has to be signed is, and the
/// body is the one that was signed.
pub(super) fn matches(request: &Request, secret: &str, signature: &str) -> bool {
    let Ok(fields) = Authorization::read(request) else {
        return false;
    };
    let signed: Vec<&str> = fields.signed_headers.split(';').collect();
    let has_to_be_signed = |name: &str| name == "host" || name.starts_with("x-acs-");
    if request
        .headers()
        .any(|(name, _)| has_to_be_signed(name) && !signed.contains(&name))
    {
        return false;
    }
    let body_hash = hex::encode(Sha256::digest(&request.body));
    if request.header("x-acs-content-sha256") != Some(&body_hash) {
        return false;
    }
    let Some(canonical) = canonical_request(request, fields.signed_headers, &body_hash) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return false;
    };
    mac.update(format!("{ALGORITHM}\n{}", hex::encode(Sha256::digest(canonical))).as_bytes());
    let Ok(given) = hex::decode(signature) else {
        return false;
    };
    mac.verify_slice(&given).is_ok()
}

/// The message of a mismatch.
pub(super) fn explanation(request: &Request) -> String {
    let signed = Authorization::read(request)
        .map(|fields| fields.signed_headers)
        .unwrap_or_default();
    let body_hash = hex::encode(Sha256::digest(&request.body));
    let canonical = canonical_request(request, signed, &body_hash).unwrap_or_default();
    let hash = hex::encode(Sha256::digest(&canonical));
    format!(
        "Specified signature does not match our calculation. server StringToSign is [{ALGORITHM}\n{hash}] \
         server CanonicalRequest is [{canonical}]"
    )
}

/// The text whose hash is signed; none if a header that was signed is not there.
pub(super) fn canonical_request(request: &Request, signed: &str, body_hash: &str) -> Option<String> {
    let mut query: Vec<(String, String)> = request
        .query
        .iter()
        .map(|(name, value)| (percent_encoded(name), percent_encoded(value)))
        .collect();
    query.sort();
    let query: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut headers = String::new();
    for name in signed.split(';') {
        headers.push_str(&format!("{name}:{}\n", request.header(name)?.trim()));
    }
    let (method, path) = (&request.method, &request.path);
    Some(format!(
        "{method}\n{path}\n{}\n{headers}\n{signed}\n{body_hash}",
        query.join("&")
    ))
}

struct Authorization<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn read(request: &'a Request) -> Result<Self, ApiError> {
        let text = request.header("authorization").unwrap_or_default();
        let mismatch = || ApiError::from(errors::SIGNATURE_MISMATCH);
        let (algorithm, rest) = text.split_once(' ').ok_or_else(mismatch)?;
        if algorithm != ALGORITHM {
            return Err(mismatch());
        }
        let field = |name: &str| {
            let mut fields = rest.split(',').filter_map(|field| field.trim().split_once('='));
            fields
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
                .ok_or_else(mismatch)
        };
        Ok(Authorization {
            credential: field("Credential")?,
            signed_headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the documentation.
    #[test]
    fn known_answer() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let signature = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0";
        let signed = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
        let authorization =
            format!("{ALGORITHM} Credential=YourAccessKeyId,SignedHeaders={signed},Signature={signature}");
        let request = Request::for_test(
            "POST",
            "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
            &[
                ("host", "ecs.cn-shanghai.aliyuncs.com"),
                ("x-acs-action", "RunInstances"),
                ("x-acs-version", "2014-05-26"),
                ("x-acs-date", "2023-10-26T10:22:32Z"),
                ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
                ("x-acs-content-sha256", empty),
                ("authorization", &authorization),
            ],
        );
        let canonical = canonical_request(&request, signed, empty).unwrap();
        assert_eq!(
            hex::encode(Sha256::digest(canonical)),
            "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
        );
        assert!(matches(&request, "YourAccessKeySecret", signature));
        assert!(!matches(&request, "AnotherSecret", signature));
    }
}
