//! A bundle of its own, a runtime, and what one does with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How a runtime is called.
pub(crate) struct Runtime(Vec<String>);

impl Runtime {
    pub(crate) fn runc() -> Self {
        Self(vec!["/usr/sbin/runc".to_owned()])
    }

    /// crun refuses hosts with controllers on both versions of cgroups, so it is not shown those of the
    /// second.
    pub(crate) fn crun() -> Self {
        let script = "f=/sys/fs/cgroup/unified/cgroup.controllers; [ ! -e $f ] || \
            mount --bind /dev/null $f || exit 1; exec /usr/bin/crun \"$@\"";
        let words = [
            "/usr/bin/unshare",
            "--mount",
            "--propagation",
            "slave",
            "sh",
            "-c",
            script,
            "crun",
        ];
        Self(words.map(str::to_owned).to_vec())
    }

    pub(crate) fn lockgate() -> Self {
        Self(vec![env!("CARGO_BIN_EXE_lockgate-oci").to_owned()])
    }
}

/// One container that is about to be.
pub(crate) struct Case {
    runtime: Runtime,
    pub(crate) directory: PathBuf,
    pub(crate) spec: Value,
    pub(crate) id: String,
    /// Its cgroup, below the roots of the hierarchies.
    pub(crate) cgroup: String,
}

impl Case {
    pub(crate) fn new(runtime: Runtime) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let id = format!("oci-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(&id);
        make_root(&directory.join("bundle/rootfs"));
        let cgroup = format!("/lockgate-{id}");
        let mut case = Self {
            runtime,
            spec: base_spec(&cgroup),
            directory,
            id,
            cgroup,
        };
        case.args(&["true"]);
        case
    }

    pub(crate) fn args(&mut self, args: &[&str]) {
        self.spec["process"]["args"] = json!(args);
    }

    /// What the program is to do; it ends with an error at the first command that fails.
    pub(crate) fn script(&mut self, script: &str) {
        self.args(&["sh", "-ec", script]);
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.directory.join("bundle")
    }

    pub(crate) fn rootfs(&self) -> PathBuf {
        self.bundle().join("rootfs")
    }

    pub(crate) fn add_mount(&mut self, mount: Value) {
        self.spec["mounts"].as_array_mut().unwrap().push(mount);
    }

    pub(crate) fn write_config(&self) {
        let text = serde_json::to_vec(&self.spec).unwrap();
        fs::write(self.bundle().join("config.json"), text).unwrap();
    }

    /// A command of the runtime; what it starts may live on, so its outputs are files.
    pub(crate) fn call(&self, args: &[&str]) -> Output {
        let path = |name: &str| self.directory.join(name);
        let (stdout, stderr) = (path("stdout"), path("stderr"));
        let (program, first) = self.runtime.0.split_first().unwrap();
        let status = Command::new(program)
            .args(first)
            .arg("--root")
            .arg(path("state"))
            .args(args)
            .current_dir(self.bundle())
            .stdin(Stdio::null())
            .stdout(fs::File::create(&stdout).unwrap())
            .stderr(fs::File::create(&stderr).unwrap())
            .status()
            .unwrap();
        Output {
            status,
            stdout: fs::read(stdout).unwrap(),
            stderr: fs::read(stderr).unwrap(),
        }
    }

    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.call(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The command fails and says something.
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let output = self.call(args);
        assert!(!output.status.success(), "{args:?}: {output:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!text.trim().is_empty(), "{args:?} fails without a word");
        text
    }

    pub(crate) fn create(&self) {
        self.write_config();
        self.ok(&["create", &self.id]);
    }

    pub(crate) fn create_refused(&self) -> String {
        self.write_config();
        self.refused(&["create", &self.id])
    }

    pub(crate) fn start(&self) {
        self.ok(&["start", &self.id]);
    }

    /// Runs to the end, which must be a good one; returns what was written.
    pub(crate) fn run(&self) -> String {
        self.write_config();
        self.ok(&["run", &self.id])
    }

    /// Runs a script to the end; returns what it wrote.
    pub(crate) fn output_of(&mut self, script: &str) -> String {
        self.script(script);
        self.run()
    }

    pub(crate) fn state(&self) -> Value {
        serde_json::from_str(&self.ok(&["state", &self.id])).unwrap()
    }

    pub(crate) fn status(&self) -> String {
        self.state()["status"].as_str().unwrap().to_owned()
    }

    pub(crate) fn wait_for(&self, status: &str) {
        eventually(status, || self.status() == status);
    }

    pub(crate) fn kill_and_delete(&self) {
        self.ok(&["kill", &self.id, "KILL"]);
        self.wait_for("stopped");
        self.ok(&["delete", &self.id]);
    }

    /// A path of the host's that the container sees as `/shared`.
    pub(crate) fn share(&mut self) -> PathBuf {
        let path = self.directory.join("shared");
        fs::create_dir_all(&path).unwrap();
        self.add_mount(json!({
            "destination": "/shared", "type": "bind", "source": path, "options": ["bind", "rw"],
        }));
        path
    }

    /// The value of a file of the container's cgroup, with its name on each version.
    pub(crate) fn cgroup_file(&self, controller: &str, v1: &str, v2: &str) -> String {
        let root = Path::new("/sys/fs/cgroup");
        let below = self.cgroup.trim_start_matches('/');
        let path = if root.join("cgroup.controllers").exists() {
            root.join(below).join(v2)
        } else {
            root.join(controller).join(below).join(v1)
        };
        let text = fs::read_to_string(&path);
        text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            .trim()
            .to_owned()
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        drop(self.call(&["delete", "--force", &self.id]));
        let hierarchies = fs::read_dir("/sys/fs/cgroup")
            .into_iter()
            .flatten()
            .flatten();
        for hierarchy in hierarchies {
            drop(fs::remove_dir(hierarchy.path().join(&self.cgroup[1..])));
        }
        drop(fs::remove_dir_all(&self.directory));
    }
}

pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        60
    } else {
        15
    };
    let end = Instant::now() + Duration::from_secs(patience);
    while !is_so() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn make_root(root: &Path) {
    for part in ["bin", "etc", "tmp", "proc", "sys", "dev", "work"] {
        fs::create_dir_all(root.join(part)).unwrap();
    }
    fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
    let programs = Command::new("/bin/busybox").arg("--list").output().unwrap();
    for name in String::from_utf8(programs.stdout).unwrap().lines() {
        if name != "busybox" {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).unwrap();
        }
    }
}

fn base_spec(cgroup: &str) -> Value {
    let namespaces = ["pid", "network", "ipc", "uts", "mount"].map(|kind| json!({ "type": kind }));
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": [],
            "env": ["PATH=/bin"],
            "cwd": "/",
            "capabilities": {
                "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES,
            },
        },
        "root": { "path": "rootfs" },
        "hostname": "box",
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
              "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
            { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
              "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"] },
            { "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
              "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] },
            { "destination": "/sys", "type": "sysfs", "source": "sysfs",
              "options": ["nosuid", "noexec", "nodev", "ro"] },
        ],
        "linux": { "namespaces": namespaces, "cgroupsPath": cgroup },
    })
}

const CAPABILITIES: [&str; 6] = [
    "CAP_CHOWN",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETGID",
    "CAP_SETUID",
];
