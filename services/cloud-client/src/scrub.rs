//! Takes key ids, tokens and signatures out of texts of the cloud, which echoes them in messages about wrong signatures.

use secrecy::{ExposeSecret as _, SecretString};

use crate::credentials::Credentials;

const MASK: &str = "***";
/// What access key ids begin with: permanent ones, temporary ones.
const KEY_ID_STARTS: &[&str] = &["LTAI", "STS.", "TMP."];
/// What stands before a secret in an echoed request.
const SECRET_NAMES: &[&str] = &[
    "AccessKeyId",
    "SecurityToken",
    "security-token",
    "Signature",
    "SignatureNonce",
    "signature-nonce",
    "Credential",
];
/// Where an echoed string to sign begins; nothing behind it is of use to a reader.
const ECHO_STARTS: &[&str] = &[
    "string to sign is",
    "StringToSign",
    "CanonicalRequest",
    "canonical request is",
];

/// The text without secrets.
pub(crate) fn scrub(text: &str, credentials: Option<&Credentials>) -> String {
    let mut text = cut_echo(text);
    if let Some(credentials) = credentials {
        let secrets = [
            Some(&credentials.key_id),
            Some(&credentials.secret),
            credentials.token.as_ref(),
        ];
        for secret in secrets.into_iter().flatten() {
            text = mask_literal(&text, secret);
        }
    }
    for start in KEY_ID_STARTS {
        text = mask_after(&text, start, 0);
    }
    for name in SECRET_NAMES {
        for sign in ["=", "%3D", "%253D", ":", "\":\""] {
            let start = format!("{name}{sign}");
            text = mask_after(&text, &start, start.len());
        }
    }
    mask_digests(&text)
}

fn cut_echo(text: &str) -> String {
    let start = ECHO_STARTS.iter().filter_map(|echo| text.find(echo)).min();
    match start {
        Some(start) => format!("{}(left out)", text.get(..start).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn mask_literal(text: &str, secret: &SecretString) -> String {
    match secret.expose_secret() {
        "" => text.to_owned(),
        secret => text.replace(secret, MASK),
    }
}

/// Masks what follows each `start`, from `keep` bytes behind its beginning to the end of the word.
fn mask_after(text: &str, start: &str, keep: usize) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find(start) {
        let secret_from = found + keep;
        let (before, secret) = rest.split_at(secret_from);
        let end = secret
            .char_indices()
            .find(|(_, c)| !(c.is_ascii_alphanumeric() || "._-+/".contains(*c)))
            .map_or(secret.len(), |(index, _)| index);
        result.push_str(before);
        if end > 0 {
            result.push_str(MASK);
        }
        rest = secret.get(end..).unwrap_or_default();
    }
    result.push_str(rest);
    result
}

/// Masks words of 40 and more hexadecimal digits: signatures and the hashes that they are made of.
fn mask_digests(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut word = String::new();
    let flush = |word: &mut String, result: &mut String| {
        if word.len() >= 40 {
            result.push_str(MASK);
        } else {
            result.push_str(word);
        }
        word.clear();
    };
    for c in text.chars() {
        if c.is_ascii_hexdigit() {
            word.push(c);
        } else {
            flush(&mut word, &mut result);
            result.push(c);
        }
    }
    flush(&mut word, &mut result);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::FixedCredentials;

    #[test]
    fn an_echoed_string_to_sign_is_left_out() {
        let message = "Specified signature is not matched with our calculation. server string to sign is:\
             POST&%2F&AccessKeyId%3DLTAI5tabc%26SecurityToken%3DCAIStoken%26SignatureNonce%3D1";
        let scrubbed = scrub(message, None);
        assert_eq!(
            scrubbed,
            "Specified signature is not matched with our calculation. server (left out)"
        );
    }

    #[test]
    fn ids_tokens_and_signatures_are_masked_wherever_they_stand() {
        let credentials = FixedCredentials::new("my-test-key", "my-secret").0;
        let message = format!(
            "key my-test-key with my-secret: https://slb.aliyuncs.com/?AccessKeyId=LTAI5tQwerty&Signature=abc%3D \
             LTAI5tOther {}",
            "ab".repeat(32)
        );
        let scrubbed = scrub(&message, Some(&credentials));
        for secret in ["my-test-key", "my-secret", "LTAI", "abc", "abab"] {
            assert!(!scrubbed.contains(secret), "{scrubbed}");
        }
    }

    #[test]
    fn plain_messages_stay_as_they_are() {
        let message = "The specified VServerGroupId rsp-0bfucwuotx does not exist.";
        assert_eq!(scrub(message, None), message);
    }
}
