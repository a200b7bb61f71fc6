//! Whether the daemon can read what it is told: syntax, keys, types, and one voice for each key.

use serde_json::Value;

use crate::doctor::daemon::{Daemon, File, Kind, is_key, suggestion};
use crate::doctor::finding::Pen;

/// Checks `daemon.json`, the unit, and both together.
pub(crate) fn check(daemon: &Daemon, pen: &mut Pen<'_>) {
    let path = daemon.path.display();
    let program = daemon.kind.program();
    let validate = format!("{program} --validate --config-file={path}");
    match &daemon.file {
        File::Absent => {}
        File::Unreadable(reason) => pen.error(
            "config-unreadable",
            format!("{path} cannot be read: {reason}"),
            format!("sudo lockgate doctor   # or: ls -l {path}"),
        ),
        File::Broken(reason) => pen.error(
            "config-syntax",
            format!("{path} is no JSON object ({reason}): {program} does not start"),
            format!("editor {path} && {validate}"),
        ),
        File::Object(object) => {
            for (key, value) in object {
                key_is_known(daemon, key, pen);
                type_is_right(daemon, key, value, pen);
            }
            pen.ok("config", format!("{path} can be read"));
        }
    }
    one_voice(daemon, pen);
    one_start(daemon, pen);
    is_current(daemon, pen);
}

fn key_is_known(daemon: &Daemon, key: &str, pen: &mut Pen<'_>) {
    let (path, program) = (daemon.path.display(), daemon.kind.program());
    if is_key(key, daemon.kind == Kind::Lockgated) {
        return;
    }
    let meant = suggestion(key).map_or_else(
        || format!("editor {path}   # remove `{key}`"),
        |right| format!("sed -i 's/\"{key}\"/\"{right}\"/' {path}"),
    );
    pen.error(
        "unknown-key",
        format!("{program} knows no key `{key}` ({path}) and does not start"),
        meant,
    );
}

/// The keys that decide who gets in; the daemon itself checks the others.
fn type_is_right(daemon: &Daemon, key: &str, value: &Value, pen: &mut Pen<'_>) {
    let (wanted, is_right) = match key {
        "hosts" => ("a list of texts", value.is_array()),
        "tls" | "tlsverify" => ("true or false", value.is_boolean()),
        "tlscacert" | "tlscert" | "tlskey" => ("a text", value.is_string()),
        _ => return,
    };
    if is_right || value.is_null() {
        return;
    }
    let (path, program) = (daemon.path.display(), daemon.kind.program());
    pen.error(
        "wrong-type",
        format!("`{key}` in {path} must be {wanted}: {program} does not start"),
        format!("editor {path} && {program} --validate --config-file={path}"),
    );
}

/// dockerd refuses a key that the command line has as well; `lockgated` takes the flag.
fn one_voice(daemon: &Daemon, pen: &mut Pen<'_>) {
    let path = daemon.path.display();
    let start = daemon.service.as_ref().and_then(|unit| unit.start());
    let place = start.map_or_else(
        || "the command line".to_owned(),
        |start| format!("ExecStart in {}", start.file.display()),
    );
    for key in daemon.settings.twice() {
        if daemon.kind == Kind::Lockgated {
            pen.note(
                "flag-and-file",
                format!("`{key}` is in {path} and in {place}: the flag wins"),
            );
            continue;
        }
        let fix = if key == "hosts" {
            "lockgate dockerd configure --yes".to_owned()
        } else {
            format!("systemctl edit docker.service   # take the flag for `{key}` out of ExecStart")
        };
        pen.error(
            "flag-and-file",
            format!("`{key}` is in {path} and in {place}: dockerd does not start"),
            fix,
        );
    }
}

/// A drop-in that does not empty `ExecStart=` first adds a second command.
fn one_start(daemon: &Daemon, pen: &mut Pen<'_>) {
    let Some(service) = &daemon.service else {
        return;
    };
    if let [.., last] = service.starts.as_slice()
        && service.starts.len() > 1
    {
        let file = last.file.display();
        pen.error(
            "two-starts",
            format!("{file} adds a second ExecStart= without an empty one before it: systemd refuses the unit"),
            format!("sed -i '0,/^ExecStart=/s//ExecStart=\\nExecStart=/' {file} && systemctl daemon-reload"),
        );
    }
    let wants_sockets = daemon.hosts().iter().any(|host| host.starts_with("fd://"));
    let service = daemon.kind.service();
    if wants_sockets && daemon.socket.is_none() {
        pen.error(
            "no-socket-unit",
            format!(
                "it listens on fd://, and there is no {service}.socket that hands a socket over"
            ),
            format!(
                "lockgate dockerd configure --host unix://{} --yes",
                daemon.kind.socket()
            ),
        );
    }
}

/// A file that changed after the start says what is not so yet.
fn is_current(daemon: &Daemon, pen: &mut Pen<'_>) {
    let Some(process) = &daemon.process else {
        return;
    };
    let units = daemon.service.iter().flat_map(|unit| &unit.files);
    for file in units.chain([&daemon.path]) {
        let changed = std::fs::metadata(file).ok();
        let changed = changed.map(|metadata| std::os::unix::fs::MetadataExt::mtime(&metadata));
        if changed.is_some_and(|changed| changed > process.started) {
            pen.warn(
                "restart-needed",
                format!(
                    "{} changed after {} started",
                    file.display(),
                    daemon.kind.program()
                ),
                daemon.restart(),
            );
        }
    }
}
