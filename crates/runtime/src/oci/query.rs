//! `state`, `list` and `ps`.

use std::path::PathBuf;

use rustix::process::WaitStatus;
use serde_json::json;

use super::args::{Args, Option as Flag, Words, words};
use super::store::{Place, Record, Status};
use super::{Global, OciError, failed, say};
use crate::cgroup::Cgroup;
use crate::program::Program;

/// `state ID`
pub(super) fn state(global: &Global, mut args: Args) -> Result<u8, OciError> {
    // There are none, but one that is given is to be refused as a flag.
    args.flag(&[])?;
    let id = words("state", args.rest(), Words::Exactly(1))?.remove(0);
    let place = Place::of(global, &id)?;
    let value = describe(&place, &place.read()?);
    let text = serde_json::to_string_pretty(&value).map_err(failed("state"))?;
    Ok(say(&text, 0))
}

/// `list [--format table|json] [--quiet]`
pub(super) fn list(global: &Global, mut args: Args) -> Result<u8, OciError> {
    let known = [
        Flag::with_value("format", Some('f')),
        Flag::plain("quiet", Some('q')),
    ];
    let (mut as_json, mut quiet) = (false, false);
    while let Some(flag) = args.flag(&known)? {
        match flag.value {
            Some(format) => as_json = is_json(&format)?,
            None => quiet = true,
        }
    }
    let mut states: Vec<serde_json::Value> = Vec::new();
    for entry in std::fs::read_dir(&global.root)
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        // One that goes away meanwhile, or is just being made, is passed over.
        let Ok(place) = Place::of(global, &name) else {
            continue;
        };
        if let Ok(record) = place.read() {
            let mut state = describe(&place, &record);
            if let Some(state) = state.as_object_mut() {
                state.insert("owner".to_owned(), owner(&place).into());
            }
            states.push(state);
        }
    }
    let field = |state: &serde_json::Value, name: &str| match &state[name] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    states.sort_by_key(|state| field(state, "id"));
    if as_json {
        return Ok(say(&serde_json::Value::Array(states).to_string(), 0));
    }
    let names = if quiet {
        &["id"][..]
    } else {
        &["id", "pid", "status", "bundle", "created", "owner"][..]
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !quiet {
        rows.push(names.iter().map(|name| name.to_uppercase()).collect());
    }
    rows.extend(
        states
            .iter()
            .map(|state| names.iter().map(|name| field(state, name)).collect()),
    );
    Ok(say(&table(&rows), 0))
}

/// `ps [--format table|json] ID [PS-OPTION...]`
pub(super) fn ps(global: &Global, mut args: Args) -> Result<u8, OciError> {
    let mut as_json = false;
    while let Some(flag) = args.flag(&[Flag::with_value("format", Some('f'))])? {
        as_json = is_json(&flag.value.unwrap_or_default())?;
    }
    let mut words = words("ps", args.rest(), Words::AtLeast(1))?;
    let record = Place::of(global, &words.remove(0))?.read()?;
    let pids = Cgroup::open(&record.cgroup)?.procs().unwrap_or_default();
    if as_json {
        return Ok(say(&json!(pids).to_string(), 0));
    }
    if words.is_empty() {
        words.push("-ef".to_owned());
    }
    words.insert(0, "ps".to_owned());
    let ended = Program {
        path: &find_ps().ok_or(OciError::NoPs)?,
        args: &words,
        environment: &[],
        input: &[],
        seconds: Some(60),
    };
    let ended = ended.run().map_err(failed("ps"))?;
    let text = ended.stdout(MAX_TABLE).map_err(failed("ps"))?;
    if ended.status.and_then(WaitStatus::exit_status) != Some(0) {
        let error = ended.stderr(MAX_TABLE).map_err(failed("ps"))?;
        return Err(OciError::Ps(error));
    }
    Ok(say(&of_these(&text, &pids)?, 0))
}

/// The heading, and the lines of these processes.
fn of_these(table: &str, pids: &[i32]) -> Result<String, OciError> {
    let mut lines = table.lines();
    let heading = lines.next().unwrap_or("");
    let column = heading.split_whitespace().position(|name| name == "PID");
    let column = column.ok_or(OciError::NoPid)?;
    let ours = lines.filter(|line| {
        let pid = line.split_whitespace().nth(column);
        pid.and_then(|pid| pid.parse().ok())
            .is_some_and(|pid| pids.contains(&pid))
    });
    Ok(std::iter::once(heading)
        .chain(ours)
        .collect::<Vec<_>>()
        .join("\n"))
}

fn find_ps() -> Option<PathBuf> {
    ["/usr/bin/ps", "/bin/ps"]
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
}

fn is_json(format: &str) -> Result<bool, OciError> {
    match format {
        "json" => Ok(true),
        "table" => Ok(false),
        _ => Err(OciError::Format),
    }
}

/// The name of whoever owns a container's directory.
fn owner(place: &Place) -> String {
    let Some(uid) = place.owner() else {
        return String::new();
    };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("#{uid}"))
}

/// More than all processes that a machine can have need.
const MAX_TABLE: u64 = 64 << 20;

fn describe(place: &Place, record: &Record) -> serde_json::Value {
    let status = place.status(record);
    let pid = if status == Status::Stopped {
        0
    } else {
        record.pid
    };
    let mut value = json!({
        "ociVersion": record.config.version(),
        "id": record.id,
        "pid": pid,
        "status": status.name(),
        "bundle": record.bundle,
        "rootfs": record.root,
        "created": record.created,
        "owner": "",
    });
    if let (Some(annotations), Some(object)) = (
        record
            .config
            .annotations()
            .as_ref()
            .filter(|a| !a.is_empty()),
        value.as_object_mut(),
    ) {
        object.insert("annotations".to_owned(), json!(annotations));
    }
    value
}

/// Columns as wide as their widest cell.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(String::len)
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("   ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
