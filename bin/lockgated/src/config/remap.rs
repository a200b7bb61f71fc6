//! `userns-remap`: whose subordinate ids the containers' users are.

use std::path::Path;

use lockgate_types::{IdMap, IdMapping, IdRange};

/// Why containers' users cannot be mapped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemapError {
    #[error("cannot read {path}")]
    Read {
        path: String,
        source: std::io::Error,
    },
    #[error("`{0}` is no user, user:group, uid or uid:gid")]
    Form(String),
    #[error("there is no user `{0}` in /etc/passwd{1}")]
    NoUser(String, &'static str),
    #[error("there is no group `{0}` in /etc/group")]
    NoGroup(String),
    #[error(
        "no {file} ranges found for user `{user}`: add a line such as `{user}:100000:65536` to /etc/{file}"
    )]
    NoRanges { file: &'static str, user: String },
    #[error("/etc/{file}: `{line}` is no NAME:START:COUNT with ids below 4294967295")]
    Range { file: &'static str, line: String },
    #[error("/etc/{file}: `{line}` holds id 0, so a container's user would be the host's root")]
    Root { file: &'static str, line: String },
    #[error(
        "/etc/{file}: `{line}` holds ids of another range of `{user}`, and none may be there twice"
    )]
    Twice {
        file: &'static str,
        line: String,
        user: String,
    },
}

/// What was read from `/etc`.
struct Files {
    passwd: String,
    group: String,
    subuid: String,
    subgid: String,
}

/// The mapping that is meant; `None` for root, whom there is no use in mapping to himself.
pub(crate) fn resolve(wanted: &str) -> Result<Option<IdMapping>, RemapError> {
    let read = |name: &str| {
        let path = Path::new("/etc").join(name);
        std::fs::read_to_string(&path).map_err(|source| RemapError::Read {
            path: path.display().to_string(),
            source,
        })
    };
    let files = Files {
        passwd: read("passwd")?,
        group: read("group")?,
        subuid: read("subuid")?,
        subgid: read("subgid")?,
    };
    resolve_in(wanted, &files)
}

fn resolve_in(wanted: &str, files: &Files) -> Result<Option<IdMapping>, RemapError> {
    let mut parts = wanted.split(':');
    let user = parts.next().unwrap_or_default();
    let group = parts.next();
    if user.is_empty() || group == Some("") || parts.next().is_some() {
        return Err(RemapError::Form(wanted.to_owned()));
    }
    let (user, hint) = match user {
        "default" => (
            DEFAULT_USER,
            ": make it with `useradd --system --add-subids-for-system dockremap`, or name another one",
        ),
        user => (user, ""),
    };
    let (name, uid) =
        account(&files.passwd, user).ok_or_else(|| RemapError::NoUser(user.to_owned(), hint))?;
    if let Some(group) = group {
        account(&files.group, group).ok_or_else(|| RemapError::NoGroup(group.to_owned()))?;
    }
    if name == "root" {
        return Ok(None);
    }
    Ok(Some(IdMapping {
        uids: ranges("subuid", &files.subuid, name, uid)?,
        gids: ranges("subgid", &files.subgid, name, uid)?,
    }))
}

/// Name and number of a line `name:password:number:…`, found by either.
fn account<'a>(text: &'a str, wanted: &str) -> Option<(&'a str, u32)> {
    let mut accounts = text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        Some((name, fields.nth(1)?.parse::<u32>().ok()?))
    });
    let number = wanted.parse::<u32>().ok();
    accounts.find(|(name, id)| *name == wanted || Some(*id) == number)
}

/// All ranges of a user, by name or number, as one run of ids that begins with 0 inside.
fn ranges(file: &'static str, text: &str, name: &str, uid: u32) -> Result<IdMap, RemapError> {
    let uid = uid.to_string();
    let mut found: Vec<IdRange> = Vec::new();
    let mut inside = 0_u32;
    let lines = text.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let wrong = || RemapError::Range {
            file,
            line: line.to_owned(),
        };
        let fields: Vec<&str> = line.split(':').collect();
        let [who, start, count] = fields.as_slice() else {
            return Err(wrong());
        };
        if *who != name && *who != uid {
            continue;
        }
        let number = |text: &str| text.parse::<u32>().map_err(|_error| wrong());
        let (outside, count) = (number(start)?, number(count)?);
        let end = outside.checked_add(count).ok_or_else(wrong)?;
        // The kernel takes no empty range.
        if count == 0 {
            continue;
        }
        let line = line.to_owned();
        if outside == 0 {
            return Err(RemapError::Root { file, line });
        }
        let overlaps =
            |other: &IdRange| outside < other.outside + other.count && other.outside < end;
        if found.iter().any(overlaps) {
            let user = name.to_owned();
            return Err(RemapError::Twice { file, line, user });
        }
        found.push(IdRange {
            inside,
            outside,
            count,
        });
        inside = inside.checked_add(count).ok_or_else(wrong)?;
    }
    if inside == 0 {
        let user = name.to_owned();
        return Err(RemapError::NoRanges { file, user });
    }
    Ok(IdMap::new(found))
}

/// Whom dockerd maps to if it is to choose.
const DEFAULT_USER: &str = "dockremap";

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let text = str::to_owned;
        Files {
            passwd: text("root:x:0:0::/:/bin/sh\ndockremap:x:99:99::/:\nalice:x:1000:1001::/:\n"),
            group: text("root:x:0:\nstaff:x:50:\n"),
            subuid: text("# ids\nalice:100000:65536\ndockremap:300000:10\n1000:500000:5\n"),
            subgid: text("alice:200000:65536\ndockremap:400000:10\n"),
        }
    }

    fn roots(wanted: &str) -> Option<(u32, u32)> {
        let mapping = resolve_in(wanted, &files()).unwrap();
        mapping.map(|mapping| mapping.root())
    }

    #[test]
    fn users_are_named_in_all_of_dockerds_ways() {
        for wanted in ["alice", "1000", "alice:staff", "1000:50"] {
            assert_eq!(roots(wanted), Some((100_000, 200_000)), "{wanted}");
        }
        assert_eq!(roots("default"), Some((300_000, 400_000)));
        assert_eq!(roots("root"), None);
        assert_eq!(roots("0"), None);
    }

    #[test]
    fn all_ranges_of_a_user_make_one_run_of_ids() {
        let mapping = resolve_in("alice", &files()).unwrap().unwrap();
        assert_eq!(mapping.uids.outside(65_535), Some(165_535));
        assert_eq!(mapping.uids.outside(65_536), Some(500_000));
        assert_eq!(mapping.uids.outside(65_541), None);
        let gaps = Files {
            subuid: "alice:7:0\nalice:100000:10\n1000:100010:1\n".to_owned(),
            ..files()
        };
        let mapping = resolve_in("alice", &gaps).unwrap().unwrap();
        assert_eq!(mapping.uids.outside(10), Some(100_010));
        assert_eq!(mapping.uids.outside(0), Some(100_000));
    }

    #[test]
    fn what_cannot_be_mapped_says_what_to_do() {
        let said = |wanted: &str, files: &Files| resolve_in(wanted, files).unwrap_err().to_string();
        let all = files();
        assert!(said("bob", &all).contains("no user `bob`"));
        assert!(said("alice:x", &all).contains("no group `x`"));
        for form in [":", "alice:", ":staff", "alice:staff:x"] {
            assert!(said(form, &all).contains("uid:gid"), "{form}");
        }
        let none = Files {
            passwd: "root:x:0:0::/:\n".to_owned(),
            ..files()
        };
        assert!(said("default", &none).contains("useradd"));
        for (line, word) in [
            ("alice:1", "NAME:START:COUNT"),
            ("alice:x:5", "NAME:START:COUNT"),
            ("alice:4294967295:5", "NAME:START:COUNT"),
            ("bob:1:5", "no subgid ranges"),
            ("alice:1:0", "no subgid ranges"),
            ("alice:0:65536", "the host's root"),
            ("alice:100000:10\n1000:100009:1", "none may be there twice"),
        ] {
            let files = Files {
                subgid: line.to_owned(),
                ..files()
            };
            assert!(said("alice", &files).contains(word), "{line}");
        }
    }
}
