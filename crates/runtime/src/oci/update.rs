//! `update`: other limits for a container that runs.

use std::io::Read as _;

use oci_spec::runtime::LinuxResources;
use serde_json::{Map, Value, json};

use super::args::{Args, Option as Flag, Words, words};
use super::store::{Place, Status};
use super::{Global, OciError, failed};
use crate::cgroup::Cgroup;

/// `update [--resources FILE | limits] ID`
pub(super) fn update(global: &Global, mut args: Args) -> Result<u8, OciError> {
    let mut given: Vec<(&'static str, String)> = Vec::new();
    while let Some(flag) = args.flag(&FLAGS)? {
        given.push((flag.name, flag.value.unwrap_or_default()));
    }
    let list = words("update", args.rest(), Words::Exactly(1))?;
    let place = Place::of(global, list.first().map_or("", String::as_str))?;
    let record = place.read()?;
    if place.status(&record) == Status::Stopped {
        return Err(OciError::NotRunning);
    }
    let file = given.iter().find(|(name, _)| *name == "resources");
    let resources = match file {
        Some((_, path)) => from_file(path)?,
        None => from_flags(&given)?,
    };
    Cgroup::open(&record.cgroup)?.update(&resources)?;
    Ok(0)
}

fn from_file(path: &str) -> Result<LinuxResources, OciError> {
    let mut text = String::new();
    if path == "-" {
        let input = std::io::stdin().lock();
        input
            .take(MAX_FILE)
            .read_to_string(&mut text)
            .map_err(failed("standard input"))?;
    } else {
        text = std::fs::read_to_string(path).map_err(failed(format!("open {path}")))?;
    }
    serde_json::from_str(&text).map_err(failed("resources"))
}

/// The specification's form of the flags.
fn from_flags(given: &[(&'static str, String)]) -> Result<LinuxResources, OciError> {
    let mut resources = Map::new();
    for (name, value) in given {
        let Some((flag, group, field, kind)) = FIELDS.iter().find(|(known, ..)| known == name)
        else {
            return Err(OciError::Unsupported(format!("--{name}")));
        };
        let invalid = || OciError::InvalidUpdate {
            name: flag,
            value: value.clone(),
        };
        let value = match kind {
            Kind::Size => json!(size(value).ok_or_else(invalid)?),
            Kind::Number => json!(value.parse::<i64>().map_err(|_error| invalid())?),
            Kind::Text => json!(value),
        };
        let group = resources
            .entry(*group)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(group) = group.as_object_mut() {
            group.insert((*field).to_owned(), value);
        }
    }
    serde_json::from_value(Value::Object(resources)).map_err(failed("resources"))
}

/// A number of bytes, or with a unit of 1024: `64m`, `1.5g`, `-1`.
fn size(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number);
    }
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let lower = lower.strip_suffix('i').unwrap_or(lower);
    let (digits, unit) = lower.split_at_checked(lower.len().checked_sub(1)?)?;
    let shift = 10 * ("kmgtp".find(unit)? + 1);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let (whole, part) = (whole.parse::<i64>().ok()?, part.get(..part.len().min(6))?);
    let unit = 1_i64.checked_shl(u32::try_from(shift).ok()?)?;
    let scale = 10_i64.checked_pow(u32::try_from(part.len()).ok()?)?;
    let fraction = i128::from(part.parse::<i64>().ok()?) * i128::from(unit) / i128::from(scale);
    whole
        .checked_mul(unit)?
        .checked_add(i64::try_from(fraction).ok()?)
}

#[derive(Clone, Copy)]
enum Kind {
    Size,
    Number,
    Text,
}

/// A flag, and the field of the specification that it means.
const FIELDS: [(&str, &str, &str, Kind); 14] = [
    ("blkio-weight", "blockIO", "weight", Kind::Number),
    ("cpu-period", "cpu", "period", Kind::Number),
    ("cpu-quota", "cpu", "quota", Kind::Number),
    ("cpu-burst", "cpu", "burst", Kind::Number),
    ("cpu-share", "cpu", "shares", Kind::Number),
    ("cpu-rt-period", "cpu", "realtimePeriod", Kind::Number),
    ("cpu-rt-runtime", "cpu", "realtimeRuntime", Kind::Number),
    ("cpu-idle", "cpu", "idle", Kind::Number),
    ("cpuset-cpus", "cpu", "cpus", Kind::Text),
    ("cpuset-mems", "cpu", "mems", Kind::Text),
    ("memory", "memory", "limit", Kind::Size),
    ("memory-reservation", "memory", "reservation", Kind::Size),
    ("memory-swap", "memory", "swap", Kind::Size),
    ("pids-limit", "pids", "limit", Kind::Number),
];

const FLAGS: [Flag; 17] = [
    Flag::with_value("resources", Some('r')),
    Flag::with_value("blkio-weight", None),
    Flag::with_value("cpu-period", None),
    Flag::with_value("cpu-quota", None),
    Flag::with_value("cpu-burst", None),
    Flag::with_value("cpu-share", None),
    Flag::with_value("cpu-rt-period", None),
    Flag::with_value("cpu-rt-runtime", None),
    Flag::with_value("cpu-idle", None),
    Flag::with_value("cpuset-cpus", None),
    Flag::with_value("cpuset-mems", None),
    Flag::with_value("memory", None),
    Flag::with_value("memory-reservation", None),
    Flag::with_value("memory-swap", None),
    Flag::with_value("pids-limit", None),
    Flag::with_value("l3-cache-schema", None),
    Flag::with_value("mem-bw-schema", None),
];

/// Much more than any set of limits.
const MAX_FILE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("64m", Some(64 << 20)),
            ("64MiB", Some(64 << 20)),
            ("1.5g", Some(3 << 29)),
            ("10kb", Some(10 << 10)),
            ("nonsense", None),
            ("", None),
            ("9999999999p", None),
            ("9223372036854775807g", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }

    #[test]
    fn flags_become_fields() {
        let given = [("memory", "8m".to_owned()), ("pids-limit", "5".to_owned())];
        let resources = from_flags(&given).unwrap();
        assert_eq!(resources.memory().as_ref().unwrap().limit(), Some(8 << 20));
        assert_eq!(resources.pids().as_ref().unwrap().limit(), 5);
        let refused = from_flags(&[("memory", "much".to_owned())]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "invalid value for memory: invalid size: 'much'"
        );
    }
}
