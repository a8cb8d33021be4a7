//! Digests by which watcher and planner see that they hold the same set of objects.
//!
//! An object's digest is SHA-256 over kind, key and payload, each preceded by its length in bytes as a big-endian 64-bit
//! number; the kind is its number in `ObjectKind` as a big-endian 32-bit number. A set's digest is the sum of its objects'
//! digests modulo 2^256 (big-endian), so it does not depend on the order, and one object can be exchanged without looking
//! at the others. The payload counts as it was sent: decoding and encoding again would lose fields of a newer peer.

use sha2::{Digest as _, Sha256};

use clb_proto::snapshot::v1;

/// Digest of one object.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectDigest([u8; 32]);

impl ObjectDigest {
    /// Of a record as it is sent or was received. Its trace context does not count.
    #[must_use]
    pub fn of(record: &v1::ObjectRecord) -> Self {
        let mut hasher = Sha256::new();
        for part in [
            record.kind.to_be_bytes().as_slice(),
            record.key.as_bytes(),
            record.payload.as_slice(),
        ] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

impl std::fmt::Debug for ObjectDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_hex(f, &self.0)
    }
}

/// Digest of a set of objects; the default is the empty set's.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct SetDigest([u8; 32]);

impl SetDigest {
    /// An object came.
    pub fn add(&mut self, object: ObjectDigest) {
        let mut carry = 0_u16;
        for (sum, byte) in self.0.iter_mut().zip(object.0).rev() {
            let total = u16::from(*sum) + u16::from(byte) + carry;
            *sum = total.to_be_bytes()[1];
            carry = total >> 8;
        }
    }

    /// An object went.
    pub fn remove(&mut self, object: ObjectDigest) {
        let mut borrow = 0_u16;
        for (difference, byte) in self.0.iter_mut().zip(object.0).rev() {
            // 256 more than needed, so that it never falls below 0.
            let total = 256 + u16::from(*difference) - u16::from(byte) - borrow;
            *difference = total.to_be_bytes()[1];
            borrow = 1 - (total >> 8);
        }
    }

    /// As it travels.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Whether a peer's digest is the same; one of another length never is.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.0 == bytes
    }
}

impl std::fmt::Debug for SetDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_hex(f, &self.0)
    }
}

/// For logs.
impl std::fmt::Display for SetDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_hex(f, &self.0)
    }
}

fn write_hex(f: &mut std::fmt::Formatter<'_>, bytes: &[u8; 32]) -> std::fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: v1::ObjectKind, key: &str, payload: &[u8]) -> v1::ObjectRecord {
        v1::ObjectRecord {
            kind: kind.into(),
            key: key.to_owned(),
            payload: payload.to_vec(),
            trace: None,
        }
    }

    #[test]
    fn kind_key_and_payload_cannot_be_shifted_into_each_other() {
        let service = v1::ObjectKind::Service;
        let digests = [
            ObjectDigest::of(&record(service, "ab", b"c")),
            ObjectDigest::of(&record(service, "a", b"bc")),
            ObjectDigest::of(&record(service, "abc", b"")),
            ObjectDigest::of(&record(v1::ObjectKind::Node, "ab", b"c")),
        ];
        for (index, digest) in digests.iter().enumerate() {
            assert!(!digests[..index].contains(digest));
        }
    }

    #[test]
    fn the_digest_is_the_documented_one() {
        // sha256 of: 8 bytes 4, 4 bytes 2, 8 bytes 2, "n1", 8 bytes 1, 0x07 (computed with Python's hashlib).
        assert_eq!(
            format!(
                "{:?}",
                ObjectDigest::of(&record(v1::ObjectKind::Node, "n1", &[7]))
            ),
            "f3817e5f773141b2091c66756930e96efe2314f632e01ac7702760f0fa53c0b0"
        );
    }

    #[test]
    fn sums_wrap_and_come_back() {
        let mut all_ones = SetDigest([0xff; 32]);
        let mut one = [0; 32];
        one[31] = 1;
        all_ones.add(ObjectDigest(one));
        assert_eq!(all_ones, SetDigest::default());
        all_ones.remove(ObjectDigest(one));
        assert_eq!(all_ones, SetDigest([0xff; 32]));
    }

    #[test]
    fn the_order_of_coming_and_going_does_not_matter() {
        let objects: Vec<_> = (0..50_u8)
            .map(|n| ObjectDigest::of(&record(v1::ObjectKind::Service, "a/b", &[n])))
            .collect();
        let mut forward = SetDigest::default();
        objects.iter().for_each(|object| forward.add(*object));
        let mut backward = SetDigest::default();
        objects.iter().rev().for_each(|object| backward.add(*object));
        assert_eq!(forward, backward);
        assert!(forward.matches(&backward.to_bytes()));
        objects.iter().for_each(|object| forward.remove(*object));
        assert_eq!(forward, SetDigest::default());
        assert!(!forward.matches(&[]));
    }
}
