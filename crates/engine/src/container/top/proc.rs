//! What `ps -ef` prints, read from `/proc`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

use crate::container::view::Top;

const TITLES: [&str; 8] = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];

/// The processes in order of their ids; those that end meanwhile are left out.
pub(super) fn list(pids: &BTreeSet<i32>) -> Top {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let clock = Clock::read();
    Top {
        processes: pids
            .iter()
            .filter_map(|pid| process(*pid, &users, &clock))
            .collect(),
        titles: TITLES.iter().map(|&title| title.to_owned()).collect(),
    }
}

/// The processes in the pid namespace of `init`; in our own namespace those that descend from it. For a user
/// without cgroups, which would tell.
pub(super) fn of_pid_namespace(init: i32) -> Vec<i32> {
    let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let wanted = namespace(&init.to_string());
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut all: Vec<i32> = all
        .filter(|pid| wanted.is_some() && namespace(&pid.to_string()) == wanted)
        .collect();
    if wanted == namespace("self") {
        let known: BTreeMap<i32, i32> = all
            .iter()
            .filter_map(|pid| Some((*pid, parent(*pid)?)))
            .collect();
        all.retain(|pid| {
            std::iter::successors(Some(*pid), |pid| known.get(pid).copied()).any(|up| up == init)
        });
    }
    all
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok()
}

/// What ticks are in terms of the wall clock.
struct Clock {
    now: f64,
    boot: f64,
    ticks: f64,
}

impl Clock {
    fn read() -> Self {
        let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
        let uptime: f64 = uptime
            .split(' ')
            .next()
            .and_then(|t| t.parse().ok())
            .unwrap_or_default();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a hundred or a thousand")]
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        Self {
            now,
            boot: now - uptime,
            ticks,
        }
    }
}

fn process(pid: i32, users: &str, clock: &Clock) -> Option<Vec<String>> {
    let directory = format!("/proc/{pid}");
    let uid = fs::metadata(&directory).ok()?.uid();
    let stat = fs::read_to_string(format!("{directory}/stat")).ok()?;
    let (head, tail) = stat.rsplit_once(") ")?;
    let name = head.split_once(" (")?.1;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok());
    let used = (number(11)? + number(12)?) / clock.ticks;
    let started = clock.boot + number(19)? / clock.ticks;
    let lived = clock.now - started;
    let percent = if lived > 0.0 {
        (used * 100.0 / lived).min(99.0)
    } else {
        0.0
    };
    let command = fs::read(format!("{directory}/cmdline")).ok()?;
    Some(vec![
        user_name(uid, users),
        pid.to_string(),
        (*fields.get(1)?).to_owned(),
        format!("{}", percent.trunc()),
        start_time(started, clock.now),
        terminal(number(4)?),
        cpu_time(used),
        command_text(&command, name),
    ])
}

/// A name of up to eight letters, else the number, as `ps` does it.
fn user_name(uid: u32, users: &str) -> String {
    let entry = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    });
    match entry {
        Some(name) if name.len() <= 8 => name.to_owned(),
        Some(name) => format!("{}+", name.get(..7).unwrap_or(name)),
        None => uid.to_string(),
    }
}

/// The hour and minute of a start today, else the month and day, in UTC as the engine keeps time.
#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
fn start_time(started: f64, now: f64) -> String {
    let date = |seconds: f64| OffsetDateTime::from_unix_timestamp(seconds as i64).ok();
    match (date(started), date(now)) {
        (Some(start), Some(now)) if start.date() == now.date() => {
            format!("{:02}:{:02}", start.hour(), start.minute())
        }
        (Some(start), _) => {
            let month: String = start.month().to_string().chars().take(3).collect();
            format!("{month}{:02}", start.day())
        }
        (None, _) => "?".to_owned(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a device number"
)]
fn terminal(number: f64) -> String {
    let number = number as u64;
    let (major, minor) = (
        (number >> 8) & 0xfff,
        (number & 0xff) | ((number >> 12) & 0xfff00),
    );
    match major {
        136..=143 => format!("pts/{}", minor + (major - 136) * 256),
        4 => format!("tty{minor}"),
        _ => "?".to_owned(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a process"
)]
fn cpu_time(seconds: f64) -> String {
    let seconds = seconds as u64;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The command line; a process without one (a zombie, a kernel thread) is shown in brackets.
fn command_text(bytes: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\0').replace('\0', " ");
    if text.is_empty() {
        format!("[{name}]")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_this_process_as_ps_does() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let top = list(&BTreeSet::from([pid, i32::MAX]));
        assert_eq!(top.titles.join(" "), "UID PID PPID C STIME TTY TIME CMD");
        assert_eq!(top.processes.len(), 1);
        let process = &top.processes[0];
        assert_eq!(
            (process[0].as_str(), process[1].as_str()),
            ("root", pid.to_string().as_str())
        );
        assert_eq!(process[2], std::os::unix::process::parent_id().to_string());
    }

    #[test]
    fn columns_look_as_from_ps() {
        assert_eq!(cpu_time(3723.9), "01:02:03");
        assert_eq!(terminal(f64::from(136 << 8 | 3)), "pts/3");
        assert_eq!(terminal(0.0), "?");
        assert_eq!(start_time(10.0 * 86400.0, 20.0 * 86400.0), "Jan11");
        assert_eq!(user_name(12345, "root:x:0:0::/:"), "12345");
        assert_eq!(user_name(5, "averylongname:x:5:5::/:"), "averylo+");
        assert_eq!(command_text(b"sleep\x0060\0", "sleep"), "sleep 60");
        assert_eq!(command_text(b"", "defunct"), "[defunct]");
    }
}
