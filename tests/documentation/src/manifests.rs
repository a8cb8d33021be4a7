//! The objects in `deploy/kubernetes`, for the tests.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

use crate::repository;

/// One object and its file.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Below the repository.
    pub file: PathBuf,
    /// The object.
    pub object: Value,
}

impl Manifest {
    /// `kind`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// `metadata.name`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// A text by its JSON pointer; empty when it is not there.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// All documents of a YAML file.
///
/// # Errors
/// A file that cannot be read or is no YAML.
pub fn documents(file: &Path) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_saphyr::from_multiple(&text).with_context(|| file.display().to_string())
}

/// The objects that a kustomization lists, in that order.
///
/// # Errors
/// A file that is missing, cannot be read or is no YAML.
pub fn resources(kustomization: &str) -> anyhow::Result<Vec<Manifest>> {
    let folder = repository(kustomization);
    let listed = documents(&folder.join("kustomization.yaml"))?;
    let files = listed
        .first()
        .and_then(|document| document["resources"].as_array())
        .context("no resources")?;
    let mut manifests = Vec::new();
    for file in files {
        let file = folder.join(file.as_str().context("a resource is no text")?);
        for object in documents(&file)? {
            manifests.push(Manifest {
                file: file.clone(),
                object,
            });
        }
    }
    Ok(manifests)
}
