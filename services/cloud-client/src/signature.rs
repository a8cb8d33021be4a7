//! Signature V3 (ACS3-HMAC-SHA256). Each attempt is signed anew by [`crate::Client`]: nonce and date are inputs here.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// What is signed.
pub(crate) struct ToSign<'a> {
    /// The HTTP method.
    pub(crate) method: &'a str,
    /// The query as it is sent: sorted and encoded.
    pub(crate) query: &'a str,
    /// All headers that are signed, by their lower-case names.
    pub(crate) headers: &'a BTreeMap<&'static str, String>,
    /// The body's hash, as in `x-acs-content-sha256`.
    pub(crate) content_hash: &'a str,
}

impl ToSign<'_> {
    /// The value of the `Authorization` header.
    pub(crate) fn authorization(&self, key_id: &SecretString, secret: &SecretString) -> SecretString {
        let value = format!(
            "{ALGORITHM} Credential={},SignedHeaders={},Signature={}",
            key_id.expose_secret(),
            self.signed_headers(),
            self.signature(secret)
        );
        SecretString::from(value)
    }

    fn signed_headers(&self) -> String {
        let names: Vec<&str> = self.headers.keys().copied().collect();
        names.join(";")
    }

    fn canonical_hash(&self) -> String {
        let headers: String = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}:{}\n", value.trim()))
            .collect();
        let canonical = format!(
            "{}\n/\n{}\n{headers}\n{}\n{}",
            self.method,
            self.query,
            self.signed_headers(),
            self.content_hash
        );
        sha256_hex(canonical.as_bytes())
    }

    fn signature(&self, secret: &SecretString) -> String {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
            .expect("HMAC takes keys of every length");
        mac.update(format!("{ALGORITHM}\n{}", self.canonical_hash()).as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

/// The hash of a text in hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documentation's known answer.
    #[test]
    fn the_documented_example_is_signed_as_documented() {
        let content_hash = sha256_hex(b"");
        let headers = BTreeMap::from([
            ("host", "ecs.cn-shanghai.aliyuncs.com".to_owned()),
            ("x-acs-action", "RunInstances".to_owned()),
            ("x-acs-content-sha256", content_hash.clone()),
            ("x-acs-date", "2023-10-26T10:22:32Z".to_owned()),
            (
                "x-acs-signature-nonce",
                "3156853299f313e23d1673dc12e1703d".to_owned(),
            ),
            ("x-acs-version", "2014-05-26".to_owned()),
        ]);
        let to_sign = ToSign {
            method: "POST",
            query: "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
            headers: &headers,
            content_hash: &content_hash,
        };
        assert_eq!(
            to_sign.canonical_hash(),
            "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
        );
        assert_eq!(
            to_sign.signature(&SecretString::from("YourAccessKeySecret")),
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
        );
    }
}
