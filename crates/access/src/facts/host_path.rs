//! Where a path of the host leads.

use std::path::{Component, Path, PathBuf};

/// The path that a mount of `path` would be of: cleaned by its text, as the engine does, then with
/// every symbolic link followed; what does not exist yet stays as it is written.
pub(crate) fn resolve(path: &str) -> PathBuf {
    let clean = clean(path);
    let mut rest = Vec::new();
    let mut existing = clean.as_path();
    loop {
        if let Ok(real) = existing.canonicalize() {
            return rest.iter().rev().fold(real, |path, name| path.join(name));
        }
        // A dangling link could be made to lead anywhere: it leads to what is not below any path.
        if existing.is_symlink() {
            return PathBuf::from("/");
        }
        let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else {
            return clean;
        };
        rest.push(name.to_owned());
        existing = parent;
    }
}

pub(super) fn clean(path: &str) -> PathBuf {
    let mut cleaned = PathBuf::from("/");
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => cleaned.push(name),
            Component::ParentDir => {
                cleaned.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    // T: symlink-bind
    #[test]
    fn links_and_dots_lead_where_a_mount_would_lead() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("allowed/real")).unwrap();
        symlink("/", root.join("allowed/root")).unwrap();
        symlink("/nowhere/at/all", root.join("allowed/dangling")).unwrap();
        let at = |path: &str| resolve(root.join(path).to_str().unwrap());
        assert_eq!(at("allowed/real"), root.join("allowed/real"));
        assert_eq!(at("allowed/new/deep"), root.join("allowed/new/deep"));
        assert_eq!(at("allowed/../other"), root.join("other"));
        assert_eq!(at("allowed/root"), Path::new("/"));
        assert_eq!(at("allowed/root/etc"), Path::new("/etc"));
        assert_eq!(at("allowed/dangling"), Path::new("/"));
        // The engine cleans before anybody follows a link.
        assert_eq!(at("allowed/root/../real"), root.join("allowed/real"));
        assert_eq!(resolve("/../../etc/."), Path::new("/etc"));
    }
}
