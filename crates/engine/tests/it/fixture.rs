//! An engine of its own for every test: roots, cgroup parent, a busybox image.

use std::io::Cursor;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use lockgate_engine::{
    CreateContainer, Engine, EngineConfig, Inspect, LogQuery, RemoveOptions, WaitCondition,
    WaitResult,
};
use lockgate_store::Store;
use lockgate_testkit::{binary, busybox_layer, docker_archive, unique};
use lockgate_types::container::{ContainerConfig, HostConfig};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Nothing here takes longer unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The roots of an engine; what runs on them is ended when they are dropped.
pub(crate) struct Roots {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) cgroup: String,
}

impl Roots {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("lockgate-engine-")
            .tempdir()
            .unwrap();
        let roots = Self {
            directory,
            cgroup: unique("/lockgate-test-"),
        };
        let store = Store::open(&roots.data()).unwrap();
        store.load(Cursor::new(archive()), &mut |_| {}).unwrap();
        roots
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn config(&self) -> EngineConfig {
        config(self.directory.path(), &self.cgroup)
    }

    pub(crate) async fn open(&self) -> Engine {
        Engine::open(self.config()).await.unwrap()
    }

    /// The directories of running shims.
    pub(crate) fn run_directory(&self, id: &str) -> PathBuf {
        self.directory.path().join("exec/containers").join(id)
    }
}

pub(crate) fn config(root: &Path, cgroup: &str) -> EngineConfig {
    let shim = binary("lockgate-shim");
    let mut config = EngineConfig::new(root.join("data"), root.join("exec"), shim);
    cgroup.clone_into(&mut config.cgroup_parent);
    config
}

impl Drop for Roots {
    /// Kills every process that a test left in its cgroups, and removes those.
    fn drop(&mut self) {
        let name = self.cgroup.trim_start_matches('/').to_owned();
        let Ok(hierarchies) = std::fs::read_dir("/sys/fs/cgroup") else {
            return;
        };
        for hierarchy in hierarchies.flatten() {
            let parent = hierarchy.path().join(&name);
            let Ok(children) = std::fs::read_dir(&parent) else {
                continue;
            };
            for child in children.flatten().filter(|c| c.path().is_dir()) {
                let procs = std::fs::read_to_string(child.path().join("cgroup.procs"));
                for pid in procs.unwrap_or_default().lines() {
                    if let Some(pid) = pid.parse().ok().and_then(rustix::process::Pid::from_raw) {
                        let killed =
                            rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                        // It may have ended meanwhile.
                        killed.unwrap_or_default();
                    }
                }
                for _ in 0..200 {
                    if std::fs::remove_dir(child.path()).is_ok() {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            drop(std::fs::remove_dir(&parent));
        }
    }
}

/// An engine on roots of its own.
pub(crate) struct Fixture {
    pub(crate) engine: Engine,
    pub(crate) roots: Roots,
}

impl Deref for Fixture {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let roots = Roots::new();
        let engine = roots.open().await;
        Self { engine, roots }
    }

    pub(crate) async fn create(&self, request: CreateContainer) -> String {
        self.containers()
            .create(request)
            .await
            .unwrap()
            .id
            .to_string()
    }

    /// Creates and starts `sh -c script`.
    pub(crate) async fn run(&self, script: &str) -> String {
        self.run_with(sh(script)).await
    }

    pub(crate) async fn run_with(&self, request: CreateContainer) -> String {
        let id = self.create(request).await;
        self.containers().start(&id).await.unwrap();
        id
    }

    pub(crate) async fn wait(&self, id: &str) -> WaitResult {
        let wait = self
            .containers()
            .wait(id, WaitCondition::NotRunning)
            .unwrap();
        tokio::time::timeout(PATIENCE, wait)
            .await
            .expect("the container ends")
    }

    pub(crate) async fn inspect(&self, id: &str) -> Inspect {
        self.containers().inspect(id, false).await.unwrap()
    }

    pub(crate) async fn status(&self, id: &str) -> &'static str {
        self.inspect(id).await.state.status
    }

    pub(crate) async fn remove(&self, id: &str) {
        let options = RemoveOptions {
            force: true,
            volumes: true,
            link: false,
        };
        self.containers().remove(id, options).await.unwrap();
    }

    /// The whole log as text, both streams, without frames.
    pub(crate) async fn log(&self, id: &str) -> String {
        let query = LogQuery {
            stdout: true,
            stderr: true,
            ..LogQuery::default()
        };
        let mut stream = self.containers().logs(id, query).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.unwrap());
        }
        if stream.is_raw() {
            String::from_utf8(bytes).unwrap()
        } else {
            unframe(&bytes).0
        }
    }

    /// Waits until `holds` of what inspect shows.
    pub(crate) async fn eventually(&self, id: &str, holds: impl Fn(&Inspect) -> bool) -> Inspect {
        let waiting = async {
            loop {
                let inspect = self.inspect(id).await;
                if holds(&inspect) {
                    return inspect;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("the state is reached")
    }
}

/// A container without network that runs `sh -c script`.
pub(crate) fn sh(script: &str) -> CreateContainer {
    command(&["sh", "-c", script])
}

pub(crate) fn command(words: &[&str]) -> CreateContainer {
    CreateContainer {
        config: ContainerConfig {
            image: "busybox".to_owned(),
            cmd: Some(words.iter().map(|&word| word.to_owned()).collect()),
            ..ContainerConfig::default()
        },
        host_config: HostConfig {
            network_mode: "none".to_owned(),
            ..HostConfig::default()
        },
        ..CreateContainer::default()
    }
}

/// Reads to the end, or panics.
pub(crate) async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("an end")
        .unwrap();
    bytes
}

/// Reads until `wanted` occurs, or panics.
pub(crate) async fn read_until(stream: &mut (impl AsyncRead + Unpin), wanted: &str) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&bytes).contains(wanted) {
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).await.unwrap();
            assert!(
                length > 0,
                "the end before {wanted:?}: {:?}",
                String::from_utf8_lossy(&bytes)
            );
            bytes.extend_from_slice(&buffer[..length]);
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect(wanted);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Standard output and standard error of stdcopy frames.
pub(crate) fn unframe(mut bytes: &[u8]) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some((header, rest)) = bytes.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let stream = if header[0] == 1 { &mut out } else { &mut err };
        stream.extend_from_slice(&rest[..length]);
        bytes = &rest[length..];
    }
    assert!(bytes.is_empty(), "half a frame");
    (
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    )
}

fn archive() -> &'static [u8] {
    static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let config = json!({
            "Cmd": ["sh"],
            "Env": ["PATH=/bin", "FROM_IMAGE=yes"],
            "Labels": { "from": "image" },
        });
        docker_archive(&["busybox:latest"], &config, &[busybox_layer()])
    })
}
