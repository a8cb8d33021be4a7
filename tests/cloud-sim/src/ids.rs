//! Ids in the shapes that the real API gives.

use sha2::{Digest, Sha256};

const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The `number`th id that a request makes: `prefix` and 15 letters.
pub(crate) fn from_request(prefix: &str, request_id: &str, number: u32) -> String {
    let digest = Sha256::digest(format!("{request_id}/{number}"));
    let letters = digest
        .iter()
        .take(15)
        .map(|byte| char::from(LETTERS[usize::from(*byte) % 36]));
    prefix.chars().chain(letters).collect()
}

/// A new request id, as the API prints them.
pub(crate) fn request_id() -> String {
    uuid::Uuid::new_v4().to_string().to_uppercase()
}
