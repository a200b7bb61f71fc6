//! `events`: a container's counters, and the news that its memory has run out.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use serde_json::{Map, Value, json};

use super::args::{Args, Option as Flag, Words, words};
use super::store::{Place, Status};
use super::{Global, OciError, failed, say};
use crate::cgroup::{BlkioEntry, Cgroup, Stats};

/// `events [--stats] [--interval DURATION] ID`
pub(super) fn events(global: &Global, mut args: Args) -> Result<u8, OciError> {
    let (mut once, mut interval) = (
        false,
        Timespec {
            tv_sec: 5,
            tv_nsec: 0,
        },
    );
    while let Some(flag) = args.flag(&FLAGS)? {
        match (flag.name, flag.value) {
            ("interval", Some(value)) => interval = duration(&value)?,
            _ => once = true,
        }
    }
    let list = words("events", args.rest(), Words::Exactly(1))?;
    let id = list.first().map_or("", String::as_str);
    let place = Place::of(global, id)?;
    let record = place.read()?;
    if place.status(&record) == Status::Stopped {
        return Err(OciError::NotRunningId(id.to_owned()));
    }
    let cgroup = Cgroup::open(&record.cgroup)?;
    if once {
        return tell_stats(id, &cgroup);
    }
    let init = record.open_init()?;
    watch(id, &cgroup, &init, interval)
}

/// Tells the counters at every interval, and of each time that memory ran out, until the init ends.
fn watch(id: &str, cgroup: &Cgroup, init: &OwnedFd, interval: Timespec) -> Result<u8, OciError> {
    let memory = cgroup.watch_memory();
    let mut kills = cgroup.oom_kills()?;
    loop {
        let mut handles = vec![PollFd::new(init, PollFlags::IN)];
        // Changes of a v2 file come as inotify events, those of v1 through an eventfd: both are readable.
        handles.extend(memory.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        let ready = match poll(&mut handles, Some(&interval)) {
            Err(Errno::INTR) => continue,
            result => result.map_err(failed("waiting"))?,
        };
        let ended = handles.first().is_some_and(|h| !h.revents().is_empty());
        drop(handles);
        if let Some(memory) = &memory {
            let mut buffer = [0; 1024];
            while rustix::io::read(memory, &mut buffer).is_ok_and(|count| count > 0) {}
        }
        let now = cgroup.oom_kills().unwrap_or(kills);
        if now > kills {
            kills = now;
            say(&json!({ "type": "oom", "id": id }).to_string(), 0);
        }
        if ended {
            return Ok(0);
        }
        if ready == 0 {
            tell_stats(id, cgroup)?;
        }
    }
}

fn tell_stats(id: &str, cgroup: &Cgroup) -> Result<u8, OciError> {
    let data = in_runcs_form(&cgroup.stats()?);
    let event = json!({ "type": "stats", "id": id, "data": data });
    Ok(say(&event.to_string(), 0))
}

/// The counters under runc's names.
fn in_runcs_form(stats: &Stats) -> Value {
    let (cpu, memory) = (&stats.cpu, &stats.memory);
    let raw = |name: &str| memory.stats.get(name).copied().unwrap_or(0);
    json!({
        "cpu": {
            "usage": {
                "total": cpu.total,
                "percpu": cpu.per_cpu,
                "kernel": cpu.system,
                "user": cpu.user,
            },
            "throttling": without_zeros(&[
                ("periods", cpu.throttling.periods),
                ("throttledPeriods", cpu.throttling.throttled_periods),
                ("throttledTime", cpu.throttling.throttled_time),
            ]),
        },
        "memory": {
            "cache": memory.stats.get("cache").copied().unwrap_or_else(|| raw("file")),
            "usage": {
                "limit": memory.limit,
                "usage": memory.usage,
                "max": memory.max_usage,
                "failcnt": memory.failures,
            },
            "raw": memory.stats,
        },
        "pids": without_zeros(&[("current", stats.pids.current), ("limit", stats.pids.limit)]),
        "blkio": blkio(&[
            ("ioServiceBytesRecursive", &stats.blkio.service_bytes),
            ("ioServicedRecursive", &stats.blkio.serviced),
        ]),
        "hugetlb": {},
        "intel_rdt": {},
        "network_interfaces": null,
    })
}

fn without_zeros(fields: &[(&str, u64)]) -> Value {
    let fields = fields.iter().filter(|(_, value)| *value > 0);
    let fields = fields.map(|(name, value)| ((*name).to_owned(), json!(value)));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn blkio(lists: &[(&str, &Vec<BlkioEntry>)]) -> Value {
    let entry = |e: &BlkioEntry| json!({ "major": e.major, "minor": e.minor, "op": e.op, "value": e.value });
    let lists = lists.iter().filter(|(_, list)| !list.is_empty());
    let lists = lists.map(|(name, list)| ((*name).to_owned(), list.iter().map(entry).collect()));
    Value::Object(lists.collect::<Map<_, _>>())
}

/// A whole number of `ms`, `s`, `m` or `h`, which is more than nothing.
fn duration(text: &str) -> Result<Timespec, OciError> {
    let milliseconds = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
        .iter()
        .find_map(|(unit, scale)| {
            let number = text.strip_suffix(unit)?.parse::<i64>().ok()?;
            number.checked_mul(*scale).filter(|n| *n > 0)
        });
    let milliseconds = milliseconds.ok_or_else(|| OciError::InvalidValue {
        what: "duration interval",
        value: text.to_owned(),
    })?;
    Ok(Timespec {
        tv_sec: milliseconds / 1000,
        tv_nsec: milliseconds % 1000 * 1_000_000,
    })
}

const FLAGS: [Flag; 2] = [
    Flag::with_value("interval", None),
    Flag::plain("stats", None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_gos_durations_of_one_unit() {
        let of = |text: &str| duration(text).map(|t| (t.tv_sec, t.tv_nsec));
        assert_eq!(of("5s").unwrap(), (5, 0));
        assert_eq!(of("250ms").unwrap(), (0, 250_000_000));
        assert_eq!(of("2m").unwrap(), (120, 0));
        for wrong in ["0s", "-1s", "5", "s", "9999999999999999h"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_zero_is_left_out_where_runc_does() {
        let form = in_runcs_form(&Stats::default());
        assert_eq!(form["cpu"]["throttling"], json!({}));
        assert_eq!(form["pids"], json!({}));
        assert_eq!(form["blkio"], json!({}));
        assert_eq!(form["cpu"]["usage"]["total"], 0);
    }
}
