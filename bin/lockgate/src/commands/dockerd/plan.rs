//! What would be written: pure, from what is there and what is asked for.

use serde_json::{Value, json};

use crate::doctor::daemon::{Daemon, words};
use crate::entries::{Entries, indent_of};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlanError {
    #[error("{0} cannot be changed: it is no JSON object ({1})")]
    Json(String, serde_json::Error),
    #[error(
        "the variable ${0} of the unit holds `{1}`, which daemon.json would say as well: take it \
         out of the environment file first"
    )]
    Variable(String, String),
}

/// The keys that are set, in the order in which they are added.
pub(super) fn settings(
    hosts: &[String],
    certificates: Option<&std::path::Path>,
) -> Vec<(&'static str, Value)> {
    let mut all = vec![("hosts", json!(hosts))];
    if hosts.iter().any(|host| host.starts_with("tcp://")) {
        all.push(("tlsverify", json!(true)));
    }
    if let Some(folder) = certificates {
        for (key, name) in [
            ("tlscacert", "ca.pem"),
            ("tlscert", "cert.pem"),
            ("tlskey", "key.pem"),
        ] {
            all.push((key, json!(folder.join(name).display().to_string())));
        }
    }
    all
}

/// Where dockerd is to listen: wherever it does now, and at `wanted`.
pub(super) fn hosts(daemon: Option<&Daemon>, wanted: &[String]) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    let said = daemon.map(|daemon| [&daemon.settings.file, &daemon.settings.flags]);
    let said = said
        .into_iter()
        .flatten()
        .filter_map(|said| said.get("hosts"));
    for host in said.flatten().chain(wanted) {
        if !hosts.contains(host) {
            hosts.push(host.clone());
        }
    }
    if !hosts
        .iter()
        .any(|host| host.starts_with("unix://") || host.starts_with("fd://"))
    {
        let by_socket_unit = daemon.is_some_and(|daemon| daemon.socket.is_some());
        let local = if by_socket_unit {
            "fd://"
        } else {
            "unix:///var/run/docker.sock"
        };
        hosts.insert(0, local.to_owned());
    }
    hosts
}

/// `daemon.json` with these settings; what else it says stays as it is spelled.
pub(super) fn daemon_json(
    path: &str,
    text: &str,
    settings: &[(&str, Value)],
) -> Result<String, PlanError> {
    let failed = |error| PlanError::Json(path.to_owned(), error);
    let mut entries = Entries::parse(text).map_err(failed)?;
    for (key, value) in settings {
        entries.set(key, value).map_err(failed)?;
    }
    Ok(entries.render(indent_of(text, "  ")))
}

/// The command of the unit without the flags that the file says now; `None` if it has none of them.
pub(super) fn start_line(
    daemon: &Daemon,
    settings: &[(&str, Value)],
) -> Result<Option<String>, PlanError> {
    let Some(start) = daemon.service.as_ref().and_then(|unit| unit.start()) else {
        return Ok(None);
    };
    let is_set = |key: &str| settings.iter().any(|(known, _)| *known == key);
    let (kept, dropped) = words::without_flags(&words::split(&start.line), is_set);
    let (_, hidden) = words::without_flags(&start.words, is_set);
    if let Some(flag) = hidden.iter().find(|flag| !dropped.contains(flag)) {
        let variable = kept.iter().find_map(|word| word.strip_prefix('$'));
        let variable = variable.unwrap_or("…").to_owned();
        return Err(PlanError::Variable(variable, flag.clone()));
    }
    Ok((!dropped.is_empty()).then(|| words::join(&kept)))
}

/// A drop-in with this command; what else it says stays.
pub(super) fn drop_in(text: &str, line: &str) -> String {
    let start = format!("ExecStart=\nExecStart={line}\n");
    if text.trim().is_empty() {
        return format!("[Service]\n{start}");
    }
    let mut result = String::new();
    let mut pending = Some(start);
    for old in text.lines() {
        if old.trim_start().starts_with("ExecStart=") {
            continue;
        }
        result.push_str(old);
        result.push('\n');
        if old.trim() == "[Service]"
            && let Some(start) = pending.take()
        {
            result.push_str(&start);
        }
    }
    if let Some(start) = pending {
        result.push_str(&format!("\n[Service]\n{start}"));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_in_keeps_what_else_it_says() {
        let text = "[Unit]\nAfter=x\n[Service]\nExecStart=\nExecStart=old\nNice=5\n";
        let wanted = "[Unit]\nAfter=x\n[Service]\nExecStart=\nExecStart=new\nNice=5\n";
        assert_eq!(drop_in(text, "new"), wanted);
        assert_eq!(drop_in("", "new"), "[Service]\nExecStart=\nExecStart=new\n");
        assert_eq!(
            drop_in("[Unit]\nAfter=x\n", "new"),
            "[Unit]\nAfter=x\n\n[Service]\nExecStart=\nExecStart=new\n"
        );
    }

    #[test]
    fn daemon_json_keeps_order_and_adds_at_the_end() {
        let text = "{\n    \"log-opts\": {\"max-size\":  \"1m\"},\n    \"hosts\": [\"fd://\"]\n}\n";
        let hosts = ["fd://".to_owned(), "tcp://0.0.0.0:2376".to_owned()];
        let new = daemon_json("x", text, &settings(&hosts, None)).unwrap();
        assert_eq!(
            new,
            "{\n    \"log-opts\": {\"max-size\":  \"1m\"},\n    \"hosts\": [\"fd://\",\"tcp://0.0.0.0:2376\"],\n    \"tlsverify\": true\n}\n"
        );
        assert_eq!(
            daemon_json("x", &new, &settings(&hosts, None)).unwrap(),
            new
        );
    }
}
