//! proptest strategies for the domain types: every value that the messages can carry (empty and 0 stand for "unset" there).

pub(crate) mod cloud;
pub(crate) mod cluster;
pub(crate) mod operation;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::btree_map;
use proptest::prelude::*;

pub(crate) fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,20}"
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    ".{0,20}"
}

pub(crate) fn non_empty_text() -> impl Strategy<Value = String> {
    ".{1,20}"
}

pub(crate) fn texts_by_name() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(name(), text(), 0..4)
}

pub(crate) fn port() -> impl Strategy<Value = u16> {
    1_u16..
}

pub(crate) fn duration() -> impl Strategy<Value = Duration> {
    (0_u64..24 * 60 * 60, 0_u32..1_000_000_000).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos))
}
