//! The command line, the same way on Debian's runc and on ours.

use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use oci_spec::runtime::Spec;

use crate::fixture::Fixture;

/// A runtime's command line with a state directory of its own.
pub(crate) struct Runtime {
    pub(crate) program: PathBuf,
    pub(crate) fixture: Fixture,
}

impl Runtime {
    pub(crate) fn each(args: &[&str], test: impl Fn(&Self)) {
        for runtime in Self::both(args) {
            test(&runtime);
        }
    }

    /// runc, then ours.
    pub(crate) fn both(args: &[&str]) -> [Self; 2] {
        ["/usr/sbin/runc", env!("CARGO_BIN_EXE_lockgate-oci")].map(|program| Self {
            program: program.into(),
            fixture: Fixture::new(args),
        })
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.fixture.directory.join("bundle")
    }

    /// Writes the bundle; the root is a copy, because only `create` of a shim knows overlays.
    pub(crate) fn prepare(&self, change: impl FnOnce(&mut Spec)) {
        let mut spec = self.fixture.spec.clone();
        let image = self.fixture.directory.join("image");
        spec.root_mut().as_mut().unwrap().set_path(image);
        change(&mut spec);
        let text = serde_json::to_vec(&spec).unwrap();
        fs::write(self.bundle().join("config.json"), text).unwrap();
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--root")
            .arg(self.fixture.directory.join("state"))
            .args(args);
        command.current_dir(self.bundle()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command whose process may live on, so that its outputs go to files.
    pub(crate) fn launch(&self, args: &[&str]) -> (bool, String, String) {
        let path = |name: &str| self.fixture.directory.join(name);
        let status = self
            .command(args)
            .stdout(fs::File::create(path("stdout")).unwrap())
            .stderr(fs::File::create(path("stderr")).unwrap())
            .status()
            .unwrap();
        let read = |name: &str| fs::read_to_string(path(name)).unwrap();
        (status.success(), read("stdout"), read("stderr"))
    }

    pub(crate) fn state(&self, id: &str) -> serde_json::Value {
        let output = self.run(&["state", id]);
        assert!(output.status.success(), "{}: {output:?}", self.name());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn wait_for(&self, id: &str, status: &str) {
        for _ in 0..400 {
            if self.state(id)["status"] == status {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{}: {id} does not become {status}", self.name());
    }

    pub(crate) fn name(&self) -> std::path::Display<'_> {
        self.program.display()
    }
}

#[test]
fn create_start_state_kill_delete() {
    Runtime::each(&["sh", "-c", "echo up; sleep 100"], |runtime| {
        runtime.prepare(|_| {});
        let pid_file = runtime.fixture.directory.join("pid");
        let pid_path = pid_file.to_str().unwrap();
        let made = runtime.launch(&["create", "--pid-file", pid_path, "box1"]);
        assert!(made.0, "{}: {made:?}", runtime.name());
        let state = runtime.state("box1");
        assert_eq!(state["status"], "created");
        assert_eq!(state["id"], "box1");
        assert_eq!(
            fs::read_to_string(&pid_file).unwrap(),
            state["pid"].to_string()
        );
        let again = runtime.run(&["create", "box1"]);
        assert!(!again.status.success());
        assert!(
            String::from_utf8_lossy(&again.stderr).contains("already exists"),
            "{again:?}"
        );
        assert!(runtime.run(&["start", "box1"]).status.success());
        runtime.wait_for("box1", "running");
        assert!(!runtime.run(&["start", "box1"]).status.success());
        let refused = runtime.run(&["delete", "box1"]);
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            text.contains("cannot delete container"),
            "{}: {text}",
            runtime.name()
        );
        assert!(runtime.run(&["kill", "box1", "KILL"]).status.success());
        runtime.wait_for("box1", "stopped");
        assert!(runtime.run(&["delete", "box1"]).status.success());
        let gone = runtime.run(&["state", "box1"]);
        assert!(!gone.status.success());
        assert!(
            String::from_utf8_lossy(&gone.stderr).contains("does not exist"),
            "{gone:?}"
        );
        assert!(!runtime.fixture.directory.join("state/box1").exists());
    });
}

#[test]
fn run_gives_the_programs_output_and_exit_code() {
    Runtime::each(
        &["sh", "-c", "echo out; echo err >&2; exit 42"],
        |runtime| {
            runtime.prepare(|_| {});
            let output = runtime.run(&["run", "box2"]);
            assert_eq!(
                output.status.code(),
                Some(42),
                "{}: {output:?}",
                runtime.name()
            );
            assert_eq!(output.stdout, b"out\n");
            assert_eq!(output.stderr, b"err\n");
            assert!(!runtime.run(&["state", "box2"]).status.success());
        },
    );
}

#[test]
fn a_program_that_is_not_there_is_named() {
    Runtime::each(&["nope"], |runtime| {
        runtime.prepare(|_| {});
        let log = runtime.fixture.directory.join("log.json");
        let flags = ["--log", log.to_str().unwrap(), "--log-format", "json"];
        let output = runtime.run(&[&flags[..], &["create", "box3"]].concat());
        assert_eq!(output.status.code(), Some(1));
        let expected = "exec: \"nope\": executable file not found in $PATH";
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains(&expected.replace('"', "\\\"")) || stderr.contains(expected));
        let text = fs::read_to_string(log).unwrap();
        let entry: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert!(entry["msg"].as_str().unwrap().contains(expected), "{text}");
        assert!(!runtime.fixture.directory.join("state/box3").exists());
    });
}

#[test]
fn exec_joins_and_gives_its_exit_code() {
    Runtime::each(&["sleep", "100"], |runtime| {
        runtime.prepare(|_| {});
        let detached = runtime.launch(&["run", "--detach", "box4"]);
        assert!(detached.0, "{}: {detached:?}", runtime.name());
        let script = "hostname; pwd; echo $A; id -u; exit 5";
        let args = [
            "exec", "--env", "A=b", "--cwd", "/tmp", "--user", "7:8", "box4",
        ];
        let output = runtime.run(&[&args[..], &["sh", "-c", script]].concat());
        assert_eq!(
            output.status.code(),
            Some(5),
            "{}: {output:?}",
            runtime.name()
        );
        assert_eq!(output.stdout, b"box\n/tmp\nb\n7\n");
        let listed = runtime.run(&["list", "--quiet"]);
        assert_eq!(listed.stdout, b"box4\n", "{}", runtime.name());
        let table = runtime.run(&["list"]);
        assert!(String::from_utf8_lossy(&table.stdout).contains("running"));
        let pids = runtime.run(&["ps", "--format", "json", "box4"]);
        let pids: Vec<i64> = serde_json::from_slice(&pids.stdout).unwrap();
        assert_eq!(pids, [runtime.state("box4")["pid"].as_i64().unwrap()]);
        assert!(runtime.run(&["pause", "box4"]).status.success());
        assert_eq!(runtime.state("box4")["status"], "paused");
        assert!(runtime.run(&["resume", "box4"]).status.success());
        assert!(runtime.run(&["delete", "--force", "box4"]).status.success());
        assert!(!runtime.run(&["state", "box4"]).status.success());
    });
}

#[test]
fn a_terminal_is_sent_over_the_console_socket() {
    Runtime::each(&["sh", "-c", "tty; exit 0"], |runtime| {
        runtime.prepare(|spec| {
            spec.process_mut()
                .as_mut()
                .unwrap()
                .set_terminal(Some(true));
        });
        let path = runtime.fixture.directory.join("console.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let made = runtime.launch(&["create", "--console-socket", path.to_str().unwrap(), "box5"]);
        assert!(made.0, "{}: {made:?}", runtime.name());
        let (stream, _) = listener.accept().unwrap();
        let master = lockgate_sys::descriptor::receive(stream.as_fd()).unwrap();
        assert!(runtime.run(&["start", "box5"]).status.success());
        let mut text = Vec::new();
        let mut buffer = [0; 256];
        while let Ok(count) = rustix::io::read(&master, &mut buffer) {
            if count == 0 {
                break;
            }
            text.extend_from_slice(&buffer[..count]);
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(text.starts_with("/dev/"), "{}: {text:?}", runtime.name());
        runtime.wait_for("box5", "stopped");
        assert!(runtime.run(&["delete", "box5"]).status.success());
    });
}

#[test]
fn spec_writes_a_bundle_that_runs() {
    Runtime::each(&["true"], |runtime| {
        assert!(runtime.run(&["spec"]).status.success());
        let path = runtime.bundle().join("config.json");
        let mut spec = Spec::load(&path).unwrap();
        let process = spec.process_mut().as_mut().unwrap();
        process
            .set_terminal(Some(false))
            .set_args(Some(vec!["echo".into(), "made".into()]));
        process.set_env(Some(vec!["PATH=/bin".to_owned()]));
        spec.root_mut()
            .as_mut()
            .unwrap()
            .set_path(runtime.fixture.directory.join("image"));
        let cgroup = runtime.fixture.cgroup.join("spec");
        spec.linux_mut()
            .as_mut()
            .unwrap()
            .set_cgroups_path(Some(cgroup));
        fs::write(&path, serde_json::to_vec(&spec).unwrap()).unwrap();
        let output = runtime.run(&["run", "box6"]);
        assert_eq!(output.stdout, b"made\n", "{}: {output:?}", runtime.name());
        assert!(!runtime.run(&["spec"]).status.success());
    });
}

#[test]
fn hostile_ids_are_refused() {
    Runtime::each(&["true"], |runtime| {
        runtime.prepare(|_| {});
        for id in ["../x", "a/b", "..", ""] {
            assert!(
                !runtime.run(&["create", id]).status.success(),
                "{}: {id}",
                runtime.name()
            );
        }
    });
}
