//! Who a container's process runs as: `user[:group]` by name or number, against the container's own
//! `passwd` and `group`.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use lockgate_store::Snapshot;
use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::layers::Layers;

/// The numbers behind a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
    /// The home directory, `/` if unknown.
    pub(crate) home: String,
}

/// A user or group that the container does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UserError {
    #[error("unable to find user {0}: no matching entries in passwd file")]
    User(String),
    #[error("unable to find group {0}: no matching entries in group file")]
    Group(String),
    #[error("uids and gids must be in range 0-2147483647")]
    Range,
}

/// Resolves against a stopped container's layers.
pub(crate) fn of_layers(
    snapshot: &Snapshot,
    user: &str,
    extra: &[String],
) -> Result<Identity, UserError> {
    let roots = std::iter::once(&snapshot.upper).chain(&snapshot.lower);
    let Ok(layers) = Layers::open(roots).map_err(|error| report(&error)) else {
        return resolve(user, extra, "", "");
    };
    look_up(user, extra, |path| layers.file(Path::new(path)))
}

/// Resolves against a running container's root, as its processes see it.
pub(crate) fn of_process(pid: i32, user: &str, extra: &[String]) -> Result<Identity, UserError> {
    let root = PathBuf::from(format!("/proc/{pid}/root"));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::open(root, flags, Mode::empty()) {
        Ok(root) => look_up(user, extra, |path| confined(&root, path)),
        Err(error) => {
            report(&error.into());
            resolve(user, extra, "", "")
        }
    }
}

/// Resolves with the two files of users, as far as they can be read.
fn look_up(
    user: &str,
    extra: &[String],
    file: impl Fn(&str) -> io::Result<Option<File>>,
) -> Result<Identity, UserError> {
    let read = |path: &str| {
        let file = file(path).map_err(|error| report(&error));
        file.ok().flatten().map(text).unwrap_or_default()
    };
    resolve(user, extra, &read("etc/passwd"), &read("etc/group"))
}

/// Opens a regular file below `root`; a pipe or device in its place would block or worse.
fn confined(root: &OwnedFd, path: &str) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
        Ok(file) => {
            let file = File::from(file);
            Ok(file.metadata()?.is_file().then_some(file))
        }
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The file's text up to a limit that stops a container from filling the engine's memory.
fn text(file: File) -> String {
    let mut bytes = Vec::new();
    if let Err(error) = file.take(LIMIT).read_to_end(&mut bytes) {
        report(&error);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn report(error: &io::Error) {
    tracing::debug!(%error, "cannot read a container's users");
}

fn resolve(user: &str, extra: &[String], passwd: &str, group: &str) -> Result<Identity, UserError> {
    let (user, wanted_group) = match user.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|g| !g.is_empty())),
        None => (user, None),
    };
    let user = if user.is_empty() { "0" } else { user };
    let entry = passwd
        .lines()
        .filter_map(Entry::parse)
        .find(|entry| entry.is(user));
    let number = parse_number(user)?;
    let mut identity = match (&entry, number) {
        (Some(entry), _) => Identity {
            uid: entry.uid,
            gid: entry.gid,
            groups: Vec::new(),
            home: entry.home.to_owned(),
        },
        (None, Some(uid)) => Identity {
            uid,
            home: "/".to_owned(),
            ..Identity::default()
        },
        (None, None) => return Err(UserError::User(user.to_owned())),
    };
    if let Some(wanted) = wanted_group {
        identity.gid = find_group(wanted, group)?;
    } else {
        let name = entry.map_or(user, |entry| entry.name);
        identity.groups = group
            .lines()
            .filter_map(Group::parse)
            .filter(|group| group.members.split(',').any(|member| member == name))
            .map(|group| group.gid)
            .collect();
    }
    for wanted in extra {
        identity.groups.push(find_group(wanted, group)?);
    }
    // A set-group-id program must not be able to shed the user's own group (CVE-2022-36109).
    identity.groups.push(identity.gid);
    identity.groups.sort_unstable();
    identity.groups.dedup();
    Ok(identity)
}

fn find_group(wanted: &str, text: &str) -> Result<u32, UserError> {
    let known = text
        .lines()
        .filter_map(Group::parse)
        .find(|group| group.name == wanted);
    match (known, parse_number(wanted)?) {
        (Some(group), _) => Ok(group.gid),
        (None, Some(gid)) => Ok(gid),
        (None, None) => Err(UserError::Group(wanted.to_owned())),
    }
}

fn parse_number(text: &str) -> Result<Option<u32>, UserError> {
    match text.parse::<i64>() {
        Ok(number) => match u32::try_from(number) {
            Ok(number) if number <= i32::MAX.unsigned_abs() => Ok(Some(number)),
            _ => Err(UserError::Range),
        },
        Err(_) => Ok(None),
    }
}

struct Entry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

impl<'a> Entry<'a> {
    /// `name:password:uid:gid:comment:home:shell`
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let home = fields.nth(1).filter(|home| !home.is_empty()).unwrap_or("/");
        Some(Self {
            name,
            uid,
            gid,
            home,
        })
    }

    fn is(&self, user: &str) -> bool {
        self.name == user || user.parse() == Ok(self.uid)
    }
}

struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

impl<'a> Group<'a> {
    /// `name:password:gid:members`
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let gid = fields.nth(1)?.parse().ok()?;
        Some(Self {
            name,
            gid,
            members: fields.next().unwrap_or(""),
        })
    }
}

/// Bytes of `passwd` or `group` that are read.
const LIMIT: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/srv:/bin/sh\n\nbroken\n";
    const GROUP: &str = "root:x:0:\nwheel:x:10:root,web\nweb:x:34:\ndocker:x:99:web\n";

    fn numbers(user: &str) -> (u32, u32, Vec<u32>) {
        let identity = resolve(user, &[], PASSWD, GROUP).unwrap();
        (identity.uid, identity.gid, identity.groups)
    }

    #[test]
    fn users_are_names_or_numbers_with_their_groups() {
        assert_eq!(numbers(""), (0, 0, vec![0, 10]));
        assert_eq!(numbers("web"), (33, 34, vec![10, 34, 99]));
        assert_eq!(numbers("33"), (33, 34, vec![10, 34, 99]));
        assert_eq!(numbers("1000"), (1000, 0, vec![0]));
        assert_eq!(numbers("1000:1000"), (1000, 1000, vec![1000]));
        assert_eq!(numbers("web:docker"), (33, 99, vec![99]));
    }

    #[test]
    fn unknown_names_are_refused_with_runcs_texts() {
        assert_eq!(
            resolve("nope", &[], PASSWD, GROUP).unwrap_err().to_string(),
            "unable to find user nope: no matching entries in passwd file"
        );
        assert_eq!(
            resolve("web:nope", &[], PASSWD, GROUP)
                .unwrap_err()
                .to_string(),
            "unable to find group nope: no matching entries in group file"
        );
        resolve("-1", &[], PASSWD, GROUP).unwrap_err();
        resolve("4294967295", &[], PASSWD, GROUP).unwrap_err();
    }

    #[test]
    fn extra_groups_are_added() {
        let extra = ["docker".to_owned(), "7".to_owned()];
        assert_eq!(
            resolve("web", &extra, PASSWD, GROUP).unwrap().groups,
            [7, 10, 34, 99]
        );
    }
}
