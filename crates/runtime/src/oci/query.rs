//! `state`, `list` and `ps`.

use serde_json::json;

use super::args::{Args, Option as Flag};
use super::store::{Place, Record, Status};
use super::{Global, OciError, failed, say};
use crate::cgroup::Cgroup;

/// `state ID`
pub(super) fn state(global: &Global, mut args: Args) -> Result<u8, OciError> {
    let id = args
        .word()
        .ok_or(OciError::MissingArgument("state", "a container's id"))?;
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
        as_json |= flag.value.as_deref() == Some("json");
        quiet |= flag.name == "quiet";
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
            states.push(describe(&place, &record));
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

/// `ps [--format table|json] ID`
pub(super) fn ps(global: &Global, mut args: Args) -> Result<u8, OciError> {
    let mut as_json = false;
    while let Some(flag) = args.flag(&[Flag::with_value("format", Some('f'))])? {
        as_json = flag.value.as_deref() == Some("json");
    }
    let id = args
        .word()
        .ok_or(OciError::MissingArgument("ps", "a container's id"))?;
    let record = Place::of(global, &id)?.read()?;
    let pids = Cgroup::open(&record.cgroup)?.procs()?;
    if as_json {
        return Ok(say(&json!(pids).to_string(), 0));
    }
    let mut rows = vec![vec!["PID".to_owned(), "CMD".to_owned()]];
    for pid in pids {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        rows.push(vec![pid.to_string(), command.trim_end().to_owned()]);
    }
    Ok(say(&table(&rows), 0))
}

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
