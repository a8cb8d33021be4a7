//! Which files are looked at.

use std::path::{Path, PathBuf};

/// The ends of manifests' names.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// A file or folder that cannot be read, and why.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) place: PathBuf,
    pub(super) reason: String,
}

/// The file itself, whatever its name, or all manifests in a folder and those within, in the order of their names.
pub(super) fn manifests(place: &Path, found: &mut Vec<PathBuf>, unreadable: &mut Vec<Unreadable>) {
    let before = found.len();
    if !place.is_dir() {
        found.push(place.to_owned());
        return;
    }
    walk(place, found, unreadable);
    if found.len() == before && unreadable.is_empty() {
        unreadable.push(Unreadable {
            place: place.to_owned(),
            reason: "no file here ends in .yaml, .yml or .json".to_owned(),
        });
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>, unreadable: &mut Vec<Unreadable>) {
    let entries: Result<Vec<_>, _> = std::fs::read_dir(folder).and_then(Iterator::collect);
    let mut paths: Vec<PathBuf> = match entries {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
        Err(error) => {
            unreadable.push(Unreadable {
                place: folder.to_owned(),
                reason: error.to_string(),
            });
            return;
        }
    };
    paths.sort();
    for path in paths {
        // A link to a folder could lead back here.
        if path.is_dir() && !path.is_symlink() {
            walk(&path, found, unreadable);
        } else if path.is_file() && has_ending(&path) {
            found.push(path);
        }
    }
}

fn has_ending(path: &Path) -> bool {
    path.extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| ENDINGS.contains(&ending))
}
