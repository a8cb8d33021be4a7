//! Who signed a call: verifies both signature versions, dates, nonces and security tokens.
//!
//! This is written from the documentation of the server's side, apart from the client's signer, so that a
//! mistake in one of them does not hide in the other.

mod nonces;
mod v1;
mod v3;

use std::collections::HashMap;

use jiff::Timestamp;

use crate::errors::{self, ApiError};
use crate::options::{AccessKey, Circumstances};
use crate::request::Request;

pub(crate) use nonces::Nonces;

/// What a call says about its signer.
#[derive(Debug)]
struct Claim<'a> {
    key_id: &'a str,
    signature: &'a str,
    date: &'a str,
    nonce: &'a str,
    token: Option<&'a str>,
}

/// The key that signed the call.
///
/// # Errors
/// Anything missing, an unknown key, a date too far away, a nonce used before, a token that is missing, wrong
/// or expired, and last a signature that does not match.
pub(crate) fn verify(
    request: &Request,
    keys: &HashMap<String, AccessKey>,
    nonces: &mut Nonces,
    circumstances: &Circumstances,
) -> Result<AccessKey, ApiError> {
    let is_v3 = request.header("authorization").is_some();
    let claim = if is_v3 {
        v3::claim(request)?
    } else {
        v1::claim(request)?
    };
    let key = keys
        .get(claim.key_id)
        .ok_or_else(|| ApiError::from(errors::UNKNOWN_ACCESS_KEY))?;
    let now = now(circumstances);
    let date: Timestamp = claim
        .date
        .parse()
        .map_err(|_| ApiError::from(errors::MALFORMED_TIMESTAMP))?;
    if now.duration_since(date).unsigned_abs() > circumstances.clock_tolerance {
        return Err(errors::EXPIRED_TIMESTAMP.into());
    }
    match (&key.security_token, claim.token) {
        (None, None) => {}
        (Some(_), None) => return Err(errors::MISSING_TOKEN.into()),
        (Some(wanted), Some(token)) if token == wanted => {}
        _ => return Err(errors::MALFORMED_TOKEN.into()),
    }
    if key.expires.is_some_and(|end| end <= now) {
        return Err(errors::EXPIRED_TOKEN.into());
    }
    let matches = if is_v3 {
        v3::matches(request, &key.secret, claim.signature)
    } else {
        v1::matches(request, &key.secret, claim.signature)
    };
    if !matches {
        // The real gateway shows what it would have signed, credentials among it; the official V1 client
        // reads it, and a client of ours must not log it.
        let expected = if is_v3 {
            v3::explanation(request)
        } else {
            v1::explanation(request)
        };
        return Err(errors::SIGNATURE_MISMATCH.because(expected));
    }
    // Last, because a nonce counts as used only by a call that was really signed.
    if !nonces.is_new(claim.key_id, claim.nonce, now, circumstances.clock_tolerance) {
        return Err(errors::NONCE_USED.into());
    }
    Ok(key.clone())
}

/// The simulator's time, which tests can shift.
fn now(circumstances: &Circumstances) -> Timestamp {
    Timestamp::now()
        .saturating_add(circumstances.clock_offset)
        .unwrap_or(Timestamp::MAX)
}
