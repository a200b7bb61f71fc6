//! A container's surroundings, made for one test and gone after it, also on panic.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lockgate_runtime::cgroup::Cgroup;
use lockgate_runtime::protocol::{
    CreateRequest, Decoder, ExecRequest, ExitRecord, LogTarget, Reply, Request, Rootfs,
    RuntimeChoice, ShimEvent, encode,
};
use lockgate_runtime::spec;
use lockgate_types::{ContainerId, ExecId};
use oci_spec::runtime::{LinuxCapabilities, LinuxNamespaceType, Process, Spec};

/// A scratch directory with an image, and the container to be made of it.
pub(crate) struct Fixture {
    pub(crate) directory: PathBuf,
    pub(crate) id: ContainerId,
    pub(crate) spec: Spec,
    pub(crate) request: CreateRequest,
    pub(crate) cgroup: PathBuf,
}

impl Fixture {
    /// A container of busybox that runs `args`.
    pub(crate) fn new(args: &[&str]) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lockgate-it-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(&name);
        for part in ["bundle/rootfs", "upper", "work"] {
            fs::create_dir_all(directory.join(part)).unwrap();
        }
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        make_image(&directory.join("image"));
        let id = ContainerId::random();
        let cgroup = Path::new("/").join(&name);
        let spec = default_spec(args, &cgroup.join(id.as_str()));
        let request = CreateRequest {
            id: id.clone(),
            bundle: directory.join("bundle"),
            rootfs: Rootfs::Overlay {
                lower: vec![directory.join("image")],
                upper: directory.join("upper"),
                work: directory.join("work"),
            },
            terminal: false,
            open_stdin: false,
            stdin_once: false,
            console_size: [0, 0],
            log: LogTarget::JsonFile {
                path: directory.join("log"),
                max_size: None,
                max_file: 1,
                attrs: BTreeMap::new(),
                compressor: None,
            },
            exit_file: directory.join("exit.json"),
            runtime: RuntimeChoice::Native,
        };
        Self {
            directory,
            id,
            spec,
            request,
            cgroup,
        }
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.spec.process_mut().as_mut().unwrap()
    }

    /// Starts a shim and creates the container in it.
    pub(crate) fn create(&self) -> Shim {
        let mut shim = self.spawn();
        let reply = shim
            .control
            .ask(&Request::Create(Box::new(self.request.clone())));
        assert!(
            matches!(reply, Reply::Created { pid } if pid > 1),
            "{reply:?}"
        );
        shim
    }

    /// Creates and starts.
    pub(crate) fn start(&self) -> Shim {
        let mut shim = self.create();
        let reply = shim.control.ask(&Request::Start);
        assert!(matches!(reply, Reply::Started { .. }), "{reply:?}");
        shim
    }

    /// Runs to the end; returns the exit code and what was written to both outputs.
    pub(crate) fn run(&self) -> (i32, String) {
        let mut shim = self.create();
        let mut stream = shim.attach(false);
        assert!(matches!(
            shim.control.ask(&Request::Start),
            Reply::Started { .. }
        ));
        let output = stream.read_all();
        let record = shim.wait();
        (record.exit_code, output)
    }

    /// Expects creation to fail; returns why.
    pub(crate) fn refusal(&self) -> String {
        let mut shim = self.spawn();
        match shim
            .control
            .ask(&Request::Create(Box::new(self.request.clone())))
        {
            Reply::Failed(failure) => failure.message,
            reply => panic!("{reply:?}"),
        }
    }

    /// The log's lines as `(stream, text)`.
    pub(crate) fn log(&self) -> Vec<(String, String)> {
        let text = fs::read_to_string(self.directory.join("log")).unwrap();
        let parse = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| value[name].as_str().unwrap().to_owned();
            assert!(field("time").ends_with('Z'));
            (field("stream"), field("log"))
        };
        text.lines().map(parse).collect()
    }

    pub(crate) fn spawn(&self) -> Shim {
        let config = serde_json::to_vec(&self.spec).unwrap();
        fs::write(self.directory.join("bundle/config.json"), config).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let log = fs::File::create(self.directory.join("shim.log")).unwrap();
        let socket = self.directory.join("shim.sock");
        let program = Path::new(env!("CARGO_BIN_EXE_lockgate-shim"));
        let spawned =
            lockgate_sys::process::spawn_shim(program, &socket, theirs.as_fd(), log.as_fd());
        let spawned = spawned.unwrap();
        Shim {
            control: Connection::new(ours),
            socket,
            pid: spawned.pid,
            pidfd: spawned.pidfd,
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Ok(cgroup) = Cgroup::open(&self.cgroup) {
            for pid in cgroup.procs().unwrap_or_default() {
                drop(lockgate_sys::signal::send(pid, 9));
            }
            drop(cgroup.delete());
        }
        // runc also makes directories in the unified hierarchy of the hybrid layout.
        let unified = Path::new("/sys/fs/cgroup/unified");
        drop(fs::remove_dir(
            unified.join(self.cgroup.strip_prefix("/").unwrap()),
        ));
        drop(fs::remove_dir_all(&self.directory));
    }
}

/// A running shim; it must have ended by itself when the test is over.
pub(crate) struct Shim {
    pub(crate) control: Connection,
    pub(crate) socket: PathBuf,
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
}

impl Shim {
    pub(crate) fn connect(&self) -> Connection {
        Connection::new(UnixStream::connect(&self.socket).unwrap())
    }

    pub(crate) fn attach(&self, stdin: bool) -> Connection {
        let mut connection = self.connect();
        let reply = connection.ask(&Request::Attach {
            stdin,
            stdout: true,
            stderr: true,
        });
        assert_eq!(reply, Reply::Done);
        connection
    }

    pub(crate) fn exec(&self, request: ExecRequest) -> Result<Connection, String> {
        let mut connection = self.connect();
        match connection.ask(&Request::Exec(Box::new(request))) {
            Reply::ExecStarted { pid } => {
                assert!(pid > 1);
                Ok(connection)
            }
            Reply::Failed(failure) => Err(failure.message),
            reply => panic!("{reply:?}"),
        }
    }

    /// Waits for the container's end, then for the shim's.
    pub(crate) fn wait(&mut self) -> ExitRecord {
        let record = loop {
            if let ShimEvent::Exited(record) = self.control.event() {
                break record;
            }
        };
        assert!(
            self.control.is_at_end(),
            "the shim says nothing after the end"
        );
        self.reap();
        record
    }

    pub(crate) fn reap(&self) {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let status = waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED).unwrap();
        assert_eq!(status.unwrap().exit_status(), Some(0));
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        // Ended already, unless the test failed or is over early.
        drop(lockgate_sys::signal::send_to_handle(self.pidfd.as_fd(), 9));
        if let Err(_error) = waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED) {}
    }
}

/// A connection to a shim.
pub(crate) struct Connection {
    stream: UnixStream,
    decoder: Decoder,
    events: Vec<ShimEvent>,
}

impl Connection {
    fn new(stream: UnixStream) -> Self {
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self {
            stream,
            decoder: Decoder::new(),
            events: Vec::new(),
        }
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Reply {
        self.stream.write_all(&encode(request).unwrap()).unwrap();
        loop {
            match self.next_reply().expect("an answer") {
                Reply::Event(event) => self.events.push(event),
                reply => return reply,
            }
        }
    }

    pub(crate) fn event(&mut self) -> ShimEvent {
        if !self.events.is_empty() {
            return self.events.remove(0);
        }
        match self.next_reply().expect("an event") {
            Reply::Event(event) => event,
            reply => panic!("{reply:?}"),
        }
    }

    pub(crate) fn is_at_end(&mut self) -> bool {
        self.next_reply().is_none()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn end_input(&self) {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Raw bytes up to the end.
    pub(crate) fn read_raw(&mut self) -> Vec<u8> {
        let mut bytes = self.decoder.take_rest();
        self.stream.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Raw bytes until `text` has come.
    pub(crate) fn read_until(&mut self, text: &str) -> String {
        let mut bytes = self.decoder.take_rest();
        loop {
            let so_far = String::from_utf8_lossy(&bytes).into_owned();
            if so_far.contains(text) {
                return so_far;
            }
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).unwrap();
            assert!(count > 0, "{so_far:?} ended without {text:?}");
            bytes.extend_from_slice(&buffer[..count]);
        }
    }

    /// The frames of both outputs up to the end.
    pub(crate) fn read_frames(&mut self) -> Vec<(u8, String)> {
        let bytes = self.read_raw();
        let mut frames = Vec::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (header, after) = rest.split_at(8);
            assert_eq!(header[1..4], [0, 0, 0]);
            let length = u32::from_be_bytes(header[4..].try_into().unwrap()) as usize;
            let (payload, after) = after.split_at(length);
            frames.push((header[0], String::from_utf8_lossy(payload).into_owned()));
            rest = after;
        }
        frames
    }

    /// Both outputs, joined.
    pub(crate) fn read_all(&mut self) -> String {
        self.read_frames()
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    fn next_reply(&mut self) -> Option<Reply> {
        loop {
            if let Some(reply) = self.decoder.next_message().unwrap() {
                return Some(reply);
            }
            let mut buffer = [0; 4096];
            let count = self
                .stream
                .read(&mut buffer)
                .expect("the shim answers in time");
            if count == 0 {
                return None;
            }
            self.decoder.push(&buffer[..count]);
        }
    }
}

/// An exec that runs `args` with both outputs attached.
pub(crate) fn exec(args: &[&str]) -> ExecRequest {
    ExecRequest {
        exec: ExecId::random(),
        process: default_process(args),
        open_stdin: false,
        attach_stdout: true,
        attach_stderr: true,
        exit_file: None,
    }
}

fn make_image(image: &Path) {
    for part in ["bin", "etc", "tmp", "proc", "sys", "dev"] {
        fs::create_dir_all(image.join(part)).unwrap();
    }
    fs::copy("/bin/busybox", image.join("bin/busybox")).unwrap();
    for name in [
        "sh", "cat", "echo", "true", "false", "sleep", "ls", "id", "mount", "touch", "head",
        "stty", "tty", "mkdir", "unshare", "hostname", "pwd", "tail", "grep", "seq", "ps", "ln",
        "wc", "umount", "ip", "stat",
    ] {
        std::os::unix::fs::symlink("busybox", image.join("bin").join(name)).unwrap();
    }
    fs::write(
        image.join("etc/passwd"),
        "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:\n",
    )
    .unwrap();
}

fn default_process(args: &[&str]) -> Process {
    let mut process = Process::default();
    let capabilities: oci_spec::runtime::Capabilities =
        spec::default_capabilities().into_iter().collect();
    let mut sets = LinuxCapabilities::default();
    sets.set_bounding(Some(capabilities.clone()))
        .set_effective(Some(capabilities.clone()))
        .set_permitted(Some(capabilities))
        .set_inheritable(None)
        .set_ambient(None);
    process
        .set_args(Some(args.iter().map(|&a| a.to_owned()).collect()))
        .set_env(Some(vec!["PATH=/bin".to_owned()]))
        .set_cwd("/".into())
        .set_no_new_privileges(Some(false))
        .set_rlimits(None)
        .set_capabilities(Some(sets));
    process
}

fn default_spec(args: &[&str], cgroup: &Path) -> Spec {
    let mut spec = Spec::default();
    let namespaces = [
        LinuxNamespaceType::Mount,
        LinuxNamespaceType::Pid,
        LinuxNamespaceType::Ipc,
        LinuxNamespaceType::Uts,
        LinuxNamespaceType::Network,
        LinuxNamespaceType::Cgroup,
    ];
    let mut resources = oci_spec::runtime::LinuxResources::default();
    resources.set_devices(Some(spec::default_device_rules()));
    let mut linux = oci_spec::runtime::Linux::default();
    linux
        .set_namespaces(Some(
            namespaces.map(|kind| spec::namespace(kind, None)).to_vec(),
        ))
        .set_masked_paths(Some(spec::masked_paths()))
        .set_readonly_paths(Some(spec::readonly_paths()))
        .set_resources(Some(resources))
        .set_seccomp(Some(spec::seccomp::default_profile(
            &spec::default_capabilities(),
        )))
        .set_cgroups_path(Some(cgroup.to_owned()));
    let mut root = oci_spec::runtime::Root::default();
    root.set_path("rootfs".into()).set_readonly(Some(false));
    spec.set_root(Some(root))
        .set_process(Some(default_process(args)))
        .set_hostname(Some("box".to_owned()))
        .set_mounts(Some(spec::default_mounts(Some(64 << 20), false)))
        .set_linux(Some(linux));
    spec
}
