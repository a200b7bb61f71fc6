//! Which ids of the host the user may use (`/etc/subuid`, `/etc/subgid`), and giving them to a namespace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use rustix::process::{getegid, geteuid};

/// Gives the user namespace of `pid` its ids: ours becomes its root, those of the files follow.
///
/// Without such ids, or without the programs that may hand them out, root is the only user there is.
pub(super) fn map(pid: u32) -> Result<()> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let name = fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|text| name_of(&text, uid));
    let names: Vec<String> = name.iter().cloned().chain([uid.to_string()]).collect();
    let read = |file: &str| ranges(&fs::read_to_string(file).unwrap_or_default(), &names);
    let (uids, gids) = (read("/etc/subuid"), read("/etc/subgid"));
    let programs = (find("newuidmap"), find("newgidmap"));
    if let (false, false, (Some(newuidmap), Some(newgidmap))) =
        (uids.is_empty(), gids.is_empty(), &programs)
    {
        run(newuidmap, pid, uid, &uids)?;
        return run(newgidmap, pid, gid, &gids);
    }
    let why = if programs.0.is_none() || programs.1.is_none() {
        "newuidmap and newgidmap are not installed (Debian: uidmap)".to_owned()
    } else {
        let user = name.unwrap_or_else(|| uid.to_string());
        format!(
            "/etc/subuid or /etc/subgid gives no ids to {user}; let root run \
             `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}`"
        )
    };
    tracing::warn!(
        why,
        "ROOTLESS WITH A SINGLE ID: ROOT IS THE ONLY USER OF CONTAINERS, AND IMAGES WITH FILES OF OTHER USERS CANNOT \
         BE USED"
    );
    map_one(pid, uid, gid)
}

/// What everybody may do: map but oneself.
fn map_one(pid: u32, uid: u32, gid: u32) -> Result<()> {
    let write = |name: &str, text: &str| {
        let path = format!("/proc/{pid}/{name}");
        fs::write(&path, text).with_context(|| format!("cannot write {path}"))
    };
    // Without this a group that denies access could be left.
    write("setgroups", "deny")?;
    write("gid_map", &format!("0 {gid} 1"))?;
    write("uid_map", &format!("0 {uid} 1"))
}

/// First id and how many.
type Range = (u32, u32);

/// The lines `USER:FIRST:COUNT` of one of `users`, in order.
fn ranges(text: &str, users: &[String]) -> Vec<Range> {
    let line = |line: &str| {
        let mut fields = line.trim().split(':');
        let is_ours = users
            .iter()
            .any(|user| Some(user.as_str()) == fields.clone().next());
        let mut number = || fields.next_back()?.parse::<u32>().ok();
        let (count, first) = (number()?, number()?);
        (is_ours && count > 0).then_some((first, count))
    };
    text.lines().filter_map(line).collect()
}

/// The name that the user database has for an id.
fn name_of(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// Ourselves at 0, the ranges one after the other from 1 on.
fn arguments(pid: u32, own: u32, ranges: &[Range]) -> Vec<String> {
    let mut numbers = vec![pid, 0, own, 1];
    let mut next = 1_u32;
    for (first, count) in ranges {
        numbers.extend([next, *first, *count]);
        next = next.saturating_add(*count);
    }
    numbers.iter().map(ToString::to_string).collect()
}

fn run(program: &Path, pid: u32, own: u32, ranges: &[Range]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments(pid, own, ranges))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot execute {}", program.display()))?;
    if !output.status.success() {
        bail!(
            "{} failed: {} (it must be set-user-ID root, and the daemon without no_new_privs)",
            program.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/bin"), PathBuf::from("/bin")])
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "alice:100000:65536\n# bob:1:1\nbob:165536:65536\n1000:300000:10\nalice:400000:5\nbad\nalice:x:1\nalice:1:0\n";

    #[test]
    fn a_user_has_the_ranges_of_their_name_and_of_their_number() {
        let users = ["alice".to_owned(), "1000".to_owned()];
        assert_eq!(
            ranges(FILE, &users),
            [(100_000, 65536), (300_000, 10), (400_000, 5)]
        );
        assert_eq!(ranges(FILE, &["carol".to_owned()]), []);
    }

    #[test]
    fn ranges_follow_each_other_after_oneself() {
        let words = arguments(7, 1000, &[(100_000, 65536), (300_000, 10)]);
        assert_eq!(words.join(" "), "7 0 1000 1 1 100000 65536 65537 300000 10");
    }

    #[test]
    fn names_are_those_of_the_user_database() {
        let text = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(name_of(text, 1000).as_deref(), Some("alice"));
        assert_eq!(name_of(text, 1), None);
    }
}
