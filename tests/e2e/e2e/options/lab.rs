//! A daemon, and containers made through its bare API.

use lockgate_testkit::{Daemon, DaemonOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(super) struct Lab {
    pub(super) daemon: Daemon,
    /// A folder of the host to bind, with `file` in it.
    pub(super) folder: TempDir,
}

impl Lab {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "content\n").unwrap();
        let cdi = folder.path().join("cdi");
        std::fs::create_dir(&cdi).unwrap();
        std::fs::write(cdi.join("test.yaml"), CDI).unwrap();
        let options = DaemonOptions {
            config: Some(json!({ "cdi-spec-dirs": [cdi] })),
            ..DaemonOptions::default()
        };
        let daemon = Daemon::start_with(options);
        daemon.load_busybox();
        Self { daemon, folder }
    }

    /// Makes and starts a container; what it is asked for is put on a body with a terminal and no
    /// network. The answer of create comes back, its `Id` in it.
    pub(super) fn start_container(&self, asked: &Value) -> Value {
        let created = self.create(asked);
        assert_eq!(created.0, 201, "{}", created.1);
        let id = created.1["Id"].as_str().unwrap().to_owned();
        let started = self
            .daemon
            .api("POST", &format!("/containers/{id}/start"), None);
        assert_eq!(started.status, 204, "{asked}: {}", started.text());
        created.1
    }

    /// What `script` prints in a container that is asked for like this.
    pub(super) fn run(&self, asked: &Value, script: &str) -> String {
        let mut asked = asked.clone();
        asked["Cmd"] = json!(["sh", "-c", script]);
        let id = id(&self.start_container(&asked));
        self.finish(&id)
    }

    /// Waits for the end, and removes it; what it printed comes back.
    pub(super) fn finish(&self, id: &str) -> String {
        let waited = self
            .daemon
            .api("POST", &format!("/containers/{id}/wait"), None);
        assert_eq!(waited.status, 200, "{}", waited.text());
        let logs = format!("/containers/{id}/logs?stdout=1&stderr=1");
        let text = self.daemon.api("GET", &logs, None).text().replace('\r', "");
        self.remove(id);
        text.trim_end().to_owned()
    }

    /// The status and sentence with which create, or else start, refuses it.
    pub(super) fn refused(&self, asked: &Value) -> (u16, String) {
        let (status, answer) = self.create(asked);
        if status != 201 {
            return (status, message(&answer));
        }
        let id = id(&answer);
        let started = self
            .daemon
            .api("POST", &format!("/containers/{id}/start"), None);
        self.remove(&id);
        assert!(
            started.status >= 400,
            "it is neither refused nor fails to start: {asked}"
        );
        (started.status, message(&started.json()))
    }

    /// The warnings of create.
    pub(super) fn warnings(&self, asked: &Value) -> Vec<String> {
        let (status, answer) = self.create(asked);
        assert_eq!(status, 201, "{answer}");
        self.remove(&id(&answer));
        serde_json::from_value(answer["Warnings"].clone()).unwrap()
    }

    /// What inspect shows of a container that was made and not started.
    pub(super) fn shown(&self, asked: &Value, pointer: &str) -> Value {
        let (status, answer) = self.create(asked);
        assert_eq!(status, 201, "{answer}");
        let seen = self.inspect(&id(&answer));
        self.remove(&id(&answer));
        seen.pointer(pointer).cloned().unwrap_or_default()
    }

    pub(super) fn inspect(&self, id: &str) -> Value {
        self.daemon
            .api("GET", &format!("/containers/{id}/json"), None)
            .json()
    }

    pub(super) fn remove(&self, id: &str) {
        self.daemon
            .api("DELETE", &format!("/containers/{id}?force=1&v=1"), None);
    }

    pub(super) fn create(&self, asked: &Value) -> (u16, Value) {
        let mut body = json!({
            "Image": "busybox",
            "Cmd": ["true"],
            "Tty": true,
            "HostConfig": { "NetworkMode": "none" },
        });
        for (key, value) in asked.as_object().unwrap() {
            if key == "HostConfig" {
                for (key, value) in value.as_object().unwrap() {
                    body["HostConfig"][key] = value.clone();
                }
            } else {
                body[key] = value.clone();
            }
        }
        let answer = self
            .daemon
            .api("POST", "/containers/create", Some(&body.to_string()));
        (answer.status, answer.json())
    }
}

/// A body with one option of the host's half.
pub(super) fn host(key: &str, value: &Value) -> Value {
    json!({ "HostConfig": { key: value } })
}

pub(super) fn id(answer: &Value) -> String {
    answer["Id"].as_str().unwrap().to_owned()
}

fn message(answer: &Value) -> String {
    answer["message"].as_str().unwrap_or_default().to_owned()
}

/// Reads a file of the container's own cgroup, in whichever place it has.
pub(super) fn cgroup(v1: &str, v2: &str) -> String {
    format!("cat /sys/fs/cgroup/{v1} 2>/dev/null || cat /sys/fs/cgroup/{v2}")
}

const CDI: &str = r#"
cdiVersion: "0.5.0"
kind: lockgate.example/null
devices:
- name: one
  containerEdits:
    env: [CDI_ONE=1]
    deviceNodes:
    - {path: /dev/one, hostPath: /dev/null}
"#;
