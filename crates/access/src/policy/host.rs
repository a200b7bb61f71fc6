//! What a role gives of the host piece by piece.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::pattern::matches;
use super::scope::HostRoot;
use crate::facts::{Power, Wish, resolve};

/// Power over single things of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Host {
    /// `/srv/data`, with all below it; with `:ro` for looking only.
    pub(super) paths: Vec<HostPath>,
    /// For the other powers: patterns that the detail of a wish must match.
    pub(super) details: Vec<(Power, String)>,
}

/// A path of the host that may be mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPath {
    pub(super) path: PathBuf,
    pub(super) read_only: bool,
}

impl Host {
    /// Whether some paths are given.
    pub(super) fn has_paths(&self) -> bool {
        !self.paths.is_empty()
    }

    /// Whether that piece is given.
    pub(super) fn gives(&self, wish: &Wish, places: &Places) -> bool {
        if wish.power == Power::HostPath {
            return self.has_paths() && self.gives_path(wish, places);
        }
        self.details
            .iter()
            .any(|(power, pattern)| *power == wish.power && matches(pattern, &wish.detail))
    }

    fn gives_path(&self, wish: &Wish, places: &Places) -> bool {
        if !wish.detail.starts_with('/') {
            return false;
        }
        let real = places.asked(&wish.detail);
        self.paths.iter().any(|allowed| {
            (wish.read_only || !allowed.read_only) && real.starts_with(places.given(&allowed.path))
        })
    }

    /// The paths, as they are on the host now.
    pub(super) fn roots(&self, places: &Places) -> Vec<HostRoot> {
        let root = |allowed: &HostPath| HostRoot {
            path: places.given(&allowed.path).to_path_buf(),
            read_only: allowed.read_only,
        };
        self.paths.iter().map(root).collect()
    }
}

/// Where paths of the host lead at the moment of one question: each is looked up once, however many roles
/// name it. Kept no longer than that, for links change.
#[derive(Debug, Default)]
pub(super) struct Places {
    asked: Known,
    given: Known,
}

type Known = RefCell<HashMap<PathBuf, Rc<Path>>>;

impl Places {
    /// Where a mount of `path` would be of.
    fn asked(&self, path: &str) -> Rc<Path> {
        once(&self.asked, Path::new(path), || resolve(path))
    }

    /// Where a path of a role is.
    fn given(&self, path: &Path) -> Rc<Path> {
        once(&self.given, path, || {
            path.canonicalize().unwrap_or_else(|_missing| path.into())
        })
    }
}

fn once(known: &Known, path: &Path, look: impl FnOnce() -> PathBuf) -> Rc<Path> {
    let mut known = known.borrow_mut();
    if let Some(place) = known.get(path) {
        return Rc::clone(place);
    }
    let place: Rc<Path> = look().into();
    known.insert(path.to_owned(), Rc::clone(&place));
    place
}

impl HostPath {
    /// `/srv/data` or `/srv/data:ro`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (path, read_only) = match text.strip_suffix(":ro") {
            Some(path) => (path, true),
            None => (text, false),
        };
        let is_plain = path.starts_with('/')
            && !path.contains(':')
            && Path::new(path)
                .components()
                .all(|part| !matches!(part, std::path::Component::ParentDir));
        is_plain.then(|| Self {
            path: path.into(),
            read_only,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_is_looked_up_once_in_a_question_and_anew_in_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let path = |name: &str| dir.join(name);
        std::fs::create_dir(path("a")).unwrap();
        std::fs::create_dir(path("b")).unwrap();
        symlink(path("a"), path("link")).unwrap();
        let host = |name: &str| Host {
            paths: vec![HostPath {
                path: path(name),
                read_only: false,
            }],
            details: Vec::new(),
        };
        let wish = Wish {
            power: Power::HostPath,
            detail: path("link").to_string_lossy().into_owned(),
            read_only: false,
        };
        let first = Places::default();
        assert!(host("a").gives(&wish, &first) && host("link").gives(&wish, &first));
        std::fs::remove_file(path("link")).unwrap();
        symlink(path("b"), path("link")).unwrap();
        assert!(host("a").gives(&wish, &first) && !host("b").gives(&wish, &first));
        let next = Places::default();
        assert!(!host("a").gives(&wish, &next) && host("b").gives(&wish, &next));
        let roots = host("link").roots(&next);
        assert_eq!(roots.first().map(|root| &root.path), Some(&path("b")));
    }
}
