//! Where kube-apiserver and etcd are.

use std::env;
use std::path::{Path, PathBuf};

/// The tool module whose Kubernetes version names the cache folder.
const GO_MOD: &str = include_str!("../go.mod");

/// The programs that a control plane needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// kube-apiserver.
    pub kube_apiserver: PathBuf,
    /// etcd.
    pub etcd: PathBuf,
}

/// Looks in `KUBEBUILDER_ASSETS`, then in the folder that `tests/envtest/build` fills. The error says where nothing was.
pub fn find() -> Result<Binaries, String> {
    let mut looked = Vec::new();
    for folder in candidates() {
        let binaries = Binaries {
            kube_apiserver: folder.join("kube-apiserver"),
            etcd: folder.join("etcd"),
        };
        if binaries.kube_apiserver.is_file() && binaries.etcd.is_file() {
            return Ok(binaries);
        }
        looked.push(folder.display().to_string());
    }
    Err(format!(
        "no kube-apiserver and etcd in {}: run tests/envtest/build, or set KUBEBUILDER_ASSETS",
        if looked.is_empty() {
            "any known folder".to_owned()
        } else {
            looked.join(" or ")
        }
    ))
}

/// A folder that was named counts alone: falling back would test another version than was asked for.
fn candidates() -> Vec<PathBuf> {
    if let Some(named) = env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()) {
        return vec![PathBuf::from(named)];
    }
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    cache
        .zip(kubernetes_version(GO_MOD))
        .map(|(cache, version)| cache.join("clb-envtest").join(version))
        .into_iter()
        .collect()
}

fn kubernetes_version(go_mod: &str) -> Option<&str> {
    go_mod.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("require") && words.next() == Some("k8s.io/kubernetes"))
            .then(|| words.next())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_module_names_a_version() {
        let version = kubernetes_version(GO_MOD).expect("a require line for k8s.io/kubernetes");
        assert!(version.starts_with("v1."), "{version}");
    }
}
