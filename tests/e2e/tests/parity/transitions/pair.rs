//! One change from an example to another: the Service that goes through it, and the one that is made as the second at once.

use clb_sandbox::manifests::Manifest;
use cloud_sim::{Account, lab as cloud_lab};
use serde_json::{Value, json};

use crate::expected::{Expected, Table};
use crate::lab::{annotate, example, full_name};

/// A change.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    number: usize,
    /// The first example.
    pub(super) from: String,
    /// The second example.
    pub(super) to: String,
}

/// Which of a pair's two Services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The one that is changed.
    Changed,
    /// The one that is made as the second example at once.
    Direct,
}

impl Pair {
    pub(super) fn new(number: usize, from: &str, to: &str) -> Self {
        Self {
            number,
            from: from.to_owned(),
            to: to.to_owned(),
        }
    }

    /// For people.
    pub(super) fn describe(&self) -> String {
        format!("{} -> {}", self.from, self.to)
    }

    /// The name of one of its Services.
    pub(super) fn name(&self, which: Which) -> String {
        match which {
            Which::Changed => format!("changed-{}", self.number),
            Which::Direct => format!("direct-{}", self.number),
        }
    }

    /// The changed Service before the change.
    pub(super) fn first(&self) -> Manifest {
        self.private(example(&self.from), Which::Changed)
    }

    /// The changed Service after it.
    pub(super) fn second(&self) -> Manifest {
        self.private(example(&self.to), Which::Changed)
    }

    /// The Service that is made at once as the second example, on the CLB that the first one uses: which CLB a Service uses, and which of
    /// the user's groups for a port, cannot change.
    pub(super) fn direct(&self, table: &Table) -> Manifest {
        let (from, to) = (&table.examples[&self.from], &table.examples[&self.to]);
        let first = example(&self.from);
        let mut manifest = example(&self.to);
        match (&from.users, &to.users) {
            (None, None) => {}
            (None, Some(_)) => {
                for name in ["id", "force-override-listeners", "vgroup-port", "weight"] {
                    remove(&mut manifest, name);
                }
            }
            (Some(id), _) => {
                remove(&mut manifest, "vgroup-port");
                annotate(&mut manifest, "id", id);
                if from.into.is_none() {
                    remove(&mut manifest, "weight");
                }
                if to.users.is_none() && !from.listeners.is_empty() {
                    annotate(&mut manifest, "force-override-listeners", "true");
                }
                let has_port = manifest.object["spec"]["ports"].as_array().is_some_and(|ports| {
                    ports
                        .iter()
                        .any(|port| port["port"] == 443 && port["protocol"] == "TCP")
                });
                let group = first.object["metadata"]["annotations"][full_name("vgroup-port")].as_str();
                if let Some(group) = group.filter(|_| has_port) {
                    annotate(&mut manifest, "vgroup-port", group);
                }
            }
        }
        self.private(manifest, Which::Direct)
    }

    /// The user's CLB that one of its Services uses.
    pub(super) fn users(&self, table: &Table, which: Which) -> Option<String> {
        let id = table.examples[&self.from].users.as_ref()?;
        Some(self.private_text(id, which))
    }

    /// Gives each of its Services copies of the user's CLBs: two Services would want the same listener of one.
    pub(super) fn copy_users_clbs(&self, account: &Account, table: &Table) -> anyhow::Result<()> {
        let examples = [&table.examples[&self.from], &table.examples[&self.to]];
        for id in examples
            .iter()
            .filter_map(|expected: &&Expected| expected.users.as_ref())
        {
            for which in [Which::Changed, Which::Direct] {
                let copy = self.private_text(id, which);
                let state = account.load_balancer(id).unwrap_or_default();
                let mut state: Value = serde_json::from_str(&self.private_text(&state.to_string(), which))?;
                let block = if which == Which::Changed { 100 } else { 101 };
                state["Address"] = json!(format!(
                    "47.{block}.{}.{}",
                    self.number / 250,
                    self.number % 250 + 1
                ));
                account.load_state(&json!({"load_balancers": {copy: state}}), &[])?;
            }
        }
        Ok(())
    }

    /// A manifest with this Service's name, copies of the user's things, and an address of its own.
    fn private(&self, mut manifest: Manifest, which: Which) -> Manifest {
        manifest.name = self.name(which);
        manifest.object["metadata"]["name"] = json!(manifest.name);
        let annotations = self.private_text(&manifest.object["metadata"]["annotations"].to_string(), which);
        manifest.object["metadata"]["annotations"] = serde_json::from_str(&annotations).unwrap_or_default();
        manifest
    }

    fn private_text(&self, text: &str, which: Which) -> String {
        let number = 2 * self.number + usize::from(which == Which::Direct);
        let address = format!("10.0.{}.{}", 230 + number / 200, number % 200 + 1);
        let mut text = text.replace("10.0.250.8", &address);
        for users in cloud_lab::REUSED {
            text = text
                .replace(
                    &format!("lb-reuse-{users}"),
                    &format!("lb-reuse-{users}-{number}"),
                )
                .replace(
                    &format!("rsp-user-{users}"),
                    &format!("rsp-user-{users}-{number}"),
                );
        }
        text
    }
}

fn remove(manifest: &mut Manifest, name: &str) {
    if let Some(annotations) = manifest.object["metadata"]["annotations"].as_object_mut() {
        annotations.remove(&full_name(name));
    }
}
