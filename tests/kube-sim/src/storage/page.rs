//! Lists in pages: a page continues at the revision of the first one, whatever was written meanwhile.
//!
//! The state at an older revision is the present one with the history's changes taken back.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{ChangeKind, Gone, Key, Stored, Table};

/// What the opaque `continue` text holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ContinueToken {
    v: String,
    /// Revision of the first page.
    #[serde(rename = "rv")]
    pub(crate) revision: u64,
    /// Namespace and name of the last object of the page before.
    after: (String, String),
}

impl ContinueToken {
    pub(crate) fn new(revision: u64, last: &Key) -> Self {
        Self {
            v: "meta.k8s.io/v1".to_owned(),
            revision,
            after: (last.namespace.clone(), last.name.clone()),
        }
    }

    /// The key after which the next page begins.
    pub(crate) fn after(&self) -> Key {
        Key::new(&self.after.0, &self.after.1)
    }

    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD
            .encode(serde_json::json!({"v": self.v, "rv": self.revision, "after": self.after}).to_string())
    }

    /// `None` if the text is not one of ours.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

impl Table {
    /// All objects as they were at `revision`.
    pub(crate) fn at(&self, revision: u64) -> Result<BTreeMap<Key, Arc<Stored>>, Gone> {
        let mut objects = self.objects.clone();
        for change in self.history.undo_to(revision)? {
            match (change.kind, &change.previous) {
                (ChangeKind::Added, _) | (_, None) => objects.remove(&change.key),
                (_, Some(previous)) => objects.insert(change.key.clone(), Arc::clone(previous)),
            };
        }
        Ok(objects)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::allocation::Allocators;
    use crate::resources::CONFIG_MAPS;
    use crate::storage::{Key, Storage};

    #[test]
    fn an_older_revision_is_rebuilt_from_the_history() {
        let storage = Storage::new(100, Allocators::default());
        let put = |name: &str, data: u32| {
            storage.write(|state| {
                state
                    .put(
                        &CONFIG_MAPS,
                        Key::new("n", name),
                        json!({"metadata": {}, "d": data}),
                    )
                    .revision
            })
        };
        put("a", 1);
        let then = put("b", 1);
        put("a", 2);
        put("c", 1);
        storage.write(|state| state.remove(&CONFIG_MAPS, &Key::new("n", "b")));
        let state = storage.read();
        let objects = state.table(&CONFIG_MAPS).at(then).expect("in the history");
        let seen: Vec<(String, u64)> = objects
            .iter()
            .map(|(key, object)| (key.name.clone(), object.value["d"].as_u64().unwrap_or(0)))
            .collect();
        assert_eq!(seen, [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    }
}
