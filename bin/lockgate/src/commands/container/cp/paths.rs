//! Paths as text, in the way of Go's `path/filepath`, on which docker's rules rest.

use std::io;
use std::path::Path;

/// Without `.`, `..` that has something to go up from, and doubled slashes.
pub(super) fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (is_absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// The last component, trailing slashes aside.
pub(super) fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (trimmed.is_empty(), path.is_empty()) {
        (true, true) => ".",
        (true, false) => "/",
        (false, _) => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// Whether a path means what is in a directory: its last component is `.`.
pub(super) fn holds_here(path: &str) -> bool {
    base(path) == "."
}

/// The directory and the name in it; `a/.` is `.` in `a`.
pub(super) fn entry_of(path: &str) -> (String, String) {
    let cleaned = clean(path);
    if holds_here(path) {
        return (cleaned, ".".to_owned());
    }
    let parent = match cleaned.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((parent, _)) => parent,
        None => ".",
    };
    (parent.to_owned(), base(&cleaned).to_owned())
}

/// A path of this machine from its root; what means a directory goes on meaning one.
pub(super) fn absolute(path: &str) -> io::Result<String> {
    let joined = std::env::current_dir()?.join(path);
    let cleaned = clean(&text(&joined));
    Ok(keep_end(cleaned, path))
}

/// Puts the `/` or `/.` at the end of `original` behind `path`.
pub(super) fn keep_end(mut path: String, original: &str) -> String {
    let ends_here = holds_here(original) && !holds_here(&path);
    if (ends_here || original.ends_with('/')) && !path.ends_with('/') {
        path.push('/');
    }
    if ends_here {
        path.push('.');
    }
    path
}

/// The link-free path, and the name that was asked for if that is another one.
pub(super) fn rebased(asked: &str, resolved: String) -> (String, String) {
    let resolved = keep_end(resolved, asked);
    let rebase = if base(asked) == base(&resolved) {
        String::new()
    } else {
        base(asked).to_owned()
    };
    (resolved, rebase)
}

/// All links followed.
pub(super) fn resolve(path: &str) -> io::Result<String> {
    Path::new(path).canonicalize().map(|path| text(&path))
}

/// Links in the directory's path followed, the last component left as it is.
pub(super) fn resolve_parent(path: &str) -> io::Result<(String, String)> {
    let at = path.rfind('/').map_or(0, |at| at + 1);
    let (parent, name) = path.split_at(at);
    let parent = if parent.is_empty() { "." } else { parent };
    let resolved = resolve(parent)?;
    let joined = format!("{}/{name}", resolved.trim_end_matches('/'));
    let rebase = if path.ends_with('/') && base(path) != base(&joined) {
        base(path).to_owned()
    } else {
        String::new()
    };
    Ok((joined, rebase))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_and_split_as_go_does() {
        for (path, cleaned) in [
            ("a//b/.", "a/b"),
            ("/..", "/"),
            ("", "."),
            ("../a", "../a"),
            ("a/..", "."),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
        }
        for (path, parent, name) in [
            ("/a/b", "/a", "b"),
            ("/a/b/", "/a", "b"),
            ("/a/.", "/a", "."),
            ("/", "/", "/"),
            ("x", ".", "x"),
            ("/x", "/", "x"),
        ] {
            assert_eq!(
                entry_of(path),
                (parent.to_owned(), name.to_owned()),
                "{path}"
            );
        }
        assert_eq!(keep_end("/a".to_owned(), "x/."), "/a/.");
        assert_eq!(keep_end("/a".to_owned(), "x/"), "/a/");
        assert_eq!(
            rebased("/l", "/t".to_owned()),
            ("/t".to_owned(), "l".to_owned())
        );
        assert_eq!(
            rebased("/l/.", "/t".to_owned()),
            ("/t/.".to_owned(), String::new())
        );
    }
}
