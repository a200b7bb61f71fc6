//! Names of archive members.

use crate::error::RefusedMember;

/// A member's name as a relative path without `.`, `..` or doubled slashes; empty for the root.
/// A leading slash is dropped, as every engine does: names are relative to the layer's root.
pub(crate) fn clean_path(name: &[u8]) -> Result<Vec<u8>, RefusedMember> {
    if name.is_empty() || name.contains(&0) {
        return Err(RefusedMember::BadName);
    }
    let mut clean = Vec::with_capacity(name.len());
    let mut depth = 0;
    for component in name.split(|b| *b == b'/') {
        match component {
            b"" | b"." => continue,
            b".." => return Err(RefusedMember::ParentComponent),
            _ => {}
        }
        depth += 1;
        if !clean.is_empty() {
            clean.push(b'/');
        }
        clean.extend_from_slice(component);
        if component.len() > MAX_COMPONENT || depth > MAX_DEPTH || clean.len() > MAX_PATH {
            return Err(RefusedMember::TooLong);
        }
    }
    Ok(clean)
}

/// The parent's path and the last component. The path must not be empty.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (
            path.get(..at).unwrap_or_default(),
            path.get(at + 1..).unwrap_or_default(),
        ),
        None => (b"", path),
    }
}

/// A name for an error text.
pub(crate) fn display(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .escape_debug()
        .take(256)
        .collect()
}

/// PATH_MAX without the final NUL: longer paths cannot be opened in one go by any program.
const MAX_PATH: usize = 4095;
/// NAME_MAX of every Linux file system.
const MAX_COMPONENT: usize = 255;
/// Directories are made one inside the other by recursion; real trees stay below a fifth of this.
const MAX_DEPTH: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_relative_to_the_root() {
        for (name, clean) in [
            ("a/b", "a/b"),
            ("./a//b/", "a/b"),
            ("/etc/passwd", "etc/passwd"),
            ("./", ""),
            ("/", ""),
            ("...", "..."),
        ] {
            assert_eq!(
                clean_path(name.as_bytes()).unwrap(),
                clean.as_bytes(),
                "{name}"
            );
        }
    }

    #[test]
    fn refuses_names_that_climb_and_names_beyond_the_limits() {
        for name in ["..", "../a", "a/../b", "a/..", "/..", "./.."] {
            assert_eq!(
                clean_path(name.as_bytes()),
                Err(RefusedMember::ParentComponent),
                "{name}"
            );
        }
        assert_eq!(clean_path(b""), Err(RefusedMember::BadName));
        assert_eq!(clean_path(b"a\0b"), Err(RefusedMember::BadName));
        clean_path("x".repeat(255).as_bytes()).unwrap();
        assert_eq!(
            clean_path("x".repeat(256).as_bytes()),
            Err(RefusedMember::TooLong)
        );
        clean_path("x/".repeat(256).as_bytes()).unwrap();
        assert_eq!(
            clean_path("x/".repeat(257).as_bytes()),
            Err(RefusedMember::TooLong)
        );
        let long = vec!["y".repeat(200); 21].join("/");
        assert_eq!(clean_path(long.as_bytes()), Err(RefusedMember::TooLong));
    }

    #[test]
    fn splits_off_the_last_component() {
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"c"), (&b""[..], &b"c"[..]));
    }
}
