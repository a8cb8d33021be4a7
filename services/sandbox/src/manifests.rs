//! Reads a folder of manifests, whole, before anything starts: a mistake in the last file must not leave the first ones applied.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One object of a manifest and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The file.
    pub file: PathBuf,
    /// The object.
    pub object: Value,
    /// How the API serves its kind.
    pub kind: Kind,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, `default` where there is none.
    pub namespace: String,
}

/// A kind that the simulated cluster can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// `apiVersion`.
    pub api_version: &'static str,
    /// `kind`.
    pub kind: &'static str,
    /// Its name in URLs.
    pub plural: &'static str,
    /// Whether it lives in a namespace.
    pub namespaced: bool,
}

const KINDS: [Kind; 6] = [
    Kind {
        api_version: "v1",
        kind: "Service",
        plural: "services",
        namespaced: true,
    },
    Kind {
        api_version: "v1",
        kind: "Namespace",
        plural: "namespaces",
        namespaced: false,
    },
    Kind {
        api_version: "v1",
        kind: "Node",
        plural: "nodes",
        namespaced: false,
    },
    Kind {
        api_version: "v1",
        kind: "Pod",
        plural: "pods",
        namespaced: true,
    },
    Kind {
        api_version: "v1",
        kind: "ConfigMap",
        plural: "configmaps",
        namespaced: true,
    },
    Kind {
        api_version: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        plural: "endpointslices",
        namespaced: true,
    },
];

/// Kinds of the core API, besides those of [`KINDS`], that stand beside Services in many manifests.
const OTHER_CORE_KINDS: [&str; 8] = [
    "Secret",
    "ServiceAccount",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "ReplicationController",
    "ResourceQuota",
    "LimitRange",
    "Endpoints",
];

/// What an API server fills in, so that what it printed can be applied anew.
const FILLED_IN: [&str; 5] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
];

/// What files of manifests hold.
#[derive(Debug, Default)]
pub struct Contents {
    /// Those that the simulated cluster can hold, in the order of the files.
    pub manifests: Vec<Manifest>,
    /// In words: those that it cannot hold and has no need of, as a Deployment.
    pub passed_over: Vec<String>,
}

/// Everything that is wrong with a folder of manifests.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ManifestErrors(pub Vec<ManifestError>);

/// One mistake.
#[derive(Debug)]
pub struct ManifestError {
    /// The file or folder.
    pub file: PathBuf,
    /// Which document of the file, from 1; none when the whole file cannot be read.
    pub document: Option<usize>,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(document) = self.document {
            write!(f, " (document {document})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// What [`read_all`] gives, without what is passed over.
///
/// # Errors
/// All mistakes of all files.
pub fn read(place: &Path) -> Result<Vec<Manifest>, ManifestErrors> {
    read_all(place).map(|contents| contents.manifests)
}

/// Reads all `.yaml`, `.yml` and `.json` files of a folder in the order of their names, or one file. Lists are opened.
///
/// # Errors
/// All mistakes of all files.
pub fn read_all(place: &Path) -> Result<Contents, ManifestErrors> {
    let files = files(place).map_err(|message| {
        ManifestErrors(vec![ManifestError {
            file: place.to_owned(),
            document: None,
            message,
        }])
    })?;
    let mut contents = Contents::default();
    let mut errors = Vec::new();
    for file in files {
        read_file(&file, &mut contents, &mut errors);
    }
    if errors.is_empty() {
        Ok(contents)
    } else {
        Err(ManifestErrors(errors))
    }
}

fn files(place: &Path) -> Result<Vec<PathBuf>, String> {
    if place.is_file() {
        return Ok(vec![place.to_owned()]);
    }
    let entries = std::fs::read_dir(place).map_err(|error| {
        format!(
            "cannot be read: {error}; name a folder of manifests or one manifest, for example deploy/examples"
        )
    })?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .and_then(|e| e.to_str())
                .is_some_and(|e| ["yaml", "yml", "json"].contains(&e))
        })
        .collect();
    files.sort();
    if files.is_empty() {
        Err("holds no .yaml, .yml or .json file".to_owned())
    } else {
        Ok(files)
    }
}

fn read_file(file: &Path, contents: &mut Contents, errors: &mut Vec<ManifestError>) {
    let mut fail = |document, message| {
        errors.push(ManifestError {
            file: file.to_owned(),
            document,
            message,
        })
    };
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return fail(None, format!("cannot be read: {error}")),
    };
    // As YAML 1.2 has it: a Node called n is no boolean.
    let options = serde_saphyr::options! { strict_booleans: true };
    let documents: Vec<Value> = match serde_saphyr::from_multiple_with_options(&text, options) {
        Ok(documents) => documents,
        Err(error) => return fail(None, format!("is not valid YAML: {error}")),
    };
    for (index, document) in documents.into_iter().enumerate() {
        for object in opened(document) {
            if let Some(kind) = not_needed(&object) {
                let file = file.display();
                contents.passed_over.push(format!(
                    "{file}: {kind} is passed over: only Services, and what they lead to, are simulated"
                ));
                continue;
            }
            match manifest(file, object) {
                Ok(manifest) => contents.manifests.push(manifest),
                Err(message) => fail(Some(index + 1), message),
            }
        }
    }
}

/// The objects of a document: none of an empty one, all items of a list.
fn opened(document: Value) -> Vec<Value> {
    let is_list = document["kind"]
        .as_str()
        .is_some_and(|kind| kind.ends_with("List"));
    match document {
        Value::Null => Vec::new(),
        Value::Object(mut list) if is_list => match list.remove("items") {
            Some(Value::Array(items)) => items.into_iter().flat_map(opened).collect(),
            _ => Vec::new(),
        },
        object => vec![object],
    }
}

/// The kind of an object of another API, which the simulated cluster does not have; none where it may be a misspelt one of its own.
fn not_needed(object: &Value) -> Option<&str> {
    let (version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
    let is_served = KINDS.iter().any(|known| known.api_version == version);
    (!is_served || (version == "v1" && OTHER_CORE_KINDS.contains(&kind))).then_some(kind)
}

fn manifest(file: &Path, mut object: Value) -> Result<Manifest, String> {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in FILLED_IN {
            metadata.remove(field);
        }
    }
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let api_version = text("/apiVersion").ok_or("apiVersion is missing, for example v1")?;
    let kind = text("/kind").ok_or("kind is missing, for example Service")?;
    let known = KINDS
        .iter()
        .find(|known| known.api_version == api_version && known.kind == kind)
        .ok_or_else(|| {
            let allowed: Vec<_> = KINDS
                .iter()
                .map(|known| format!("{} {}", known.api_version, known.kind))
                .collect();
            format!(
                "kind {kind:?} of {api_version:?} is not served here; allowed: {}",
                allowed.join(", ")
            )
        })?;
    let name = text("/metadata/name").ok_or("metadata.name is missing, for example my-service")?;
    let namespace = text("/metadata/namespace").unwrap_or_else(|| "default".to_owned());
    Ok(Manifest {
        file: file.to_owned(),
        object,
        kind: *known,
        name,
        namespace,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn reads_every_document_in_order() {
        let good = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: n}\n";
        let folder = folder(&[
            ("b.yaml", good),
            ("a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: z}\n"),
        ]);
        let names: Vec<_> = read(folder.path())
            .unwrap()
            .into_iter()
            .map(|manifest| manifest.name)
            .collect();
        assert_eq!(names, ["z", "a", "n"]);
    }

    #[test]
    fn opens_lists_and_passes_over_what_is_not_needed() {
        let list = "apiVersion: v1\nkind: List\nitems:\n\
                    - {apiVersion: v1, kind: Service, metadata: {name: a, uid: u, resourceVersion: '7', managedFields: []}}\n\
                    - {apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n\
                    ---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n\
                    ---\n{apiVersion: v1, kind: ServiceList, items: [{apiVersion: v1, kind: Service, metadata: {name: b}}]}\n";
        let folder = folder(&[("list.yaml", list)]);
        let contents = read_all(folder.path()).unwrap();
        let objects: Vec<_> = contents
            .manifests
            .iter()
            .map(|manifest| (manifest.name.as_str(), manifest.object["metadata"].clone()))
            .collect();
        let metadata = |name: &str| serde_json::json!({"name": name});
        assert_eq!(objects, [("a", metadata("a")), ("b", metadata("b"))]);
        assert_eq!(contents.passed_over.len(), 2, "{contents:?}");
        assert!(contents.passed_over[0].contains("Deployment") && contents.passed_over[1].contains("Secret"));
    }

    #[test]
    fn names_every_mistake_with_its_place() {
        let folder = folder(&[
            ("1.yaml", "kind: Service\n  metadata: [\n"),
            ("2.yaml", "apiVersion: v1\nkind: Servce\nmetadata: {name: a}\n"),
            ("3.yaml", "apiVersion: v1\nkind: Service\nmetadata: {}\n"),
        ]);
        let text = read(folder.path()).unwrap_err().to_string();
        let lines: Vec<_> = text.lines().filter(|line| line.contains(".yaml")).collect();
        assert!(
            lines[0].contains("1.yaml") && lines[0].contains("not valid YAML"),
            "{text}"
        );
        assert!(text.contains("2.yaml (document 1): kind \"Servce\""), "{text}");
        assert!(
            text.contains("3.yaml (document 1): metadata.name is missing"),
            "{text}"
        );
    }

    #[test]
    fn an_empty_folder_is_a_mistake() {
        let folder = folder(&[]);
        assert!(
            read(folder.path())
                .unwrap_err()
                .to_string()
                .contains("holds no .yaml")
        );
    }
}
