//! `cargo xtask quickstart`: from a clone to a container that a remote client ran over mutual TLS.
//!
//! Every command is printed as a person would type it. All state is in one temporary folder; the
//! bridge, the nftables table and the cgroups have names of their own, and all is gone at the end.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::build::{Profile, binaries};
use crate::setup;
use crate::shell::{self, describe, has_program};

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Leave the daemon running and say how to use and how to stop it
    #[arg(long)]
    pub(crate) keep: bool,
    /// Use the development build, which is slower but quick to make
    #[arg(long)]
    pub(crate) dev: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(
        is_root(),
        "the quickstart runs containers: run it as root, for example with `sudo`"
    );
    say("Debian packages");
    setup::run_quickstart()?;
    say("Build");
    let bin = binaries(if args.dev {
        Profile::Dev
    } else {
        Profile::Release
    })?;
    let lab = Lab::new(bin)?;
    say("A certificate authority, a server's certificate and a client's");
    lab.make_certificates()?;
    say("The daemon, on a unix socket and on TCP under mutual TLS");
    let daemon = lab.start_daemon()?;
    say("An image, from Debian's busybox");
    lab.make_image()?;
    say("A container, run by a remote client");
    lab.use_as_remote_client()?;
    say("A client without a certificate is refused");
    lab.refuse_without_certificate()?;
    if args.keep {
        lab.explain_how_to_keep(&daemon);
        daemon.forget();
        lab.forget();
        return Ok(());
    }
    drop(daemon);
    lab.check_nothing_is_left()?;
    say(
        "Done: a container ran on a remote daemon that knows its clients. Nothing was left behind.",
    );
    Ok(())
}

/// The folder, the names and the port of this run.
struct Lab {
    bin: PathBuf,
    dir: PathBuf,
    id: u32,
    port: u16,
    keep: std::cell::Cell<bool>,
}

impl Lab {
    fn new(bin: PathBuf) -> Result<Self> {
        let id = std::process::id();
        let dir = std::env::temp_dir().join(format!("lockgate-quickstart-{id}"));
        fs::DirBuilder::new().mode(0o700).create(&dir)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self {
            bin,
            dir,
            id,
            port,
            keep: std::cell::Cell::new(false),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn bridge(&self) -> String {
        format!("lgq{}", self.id)
    }

    fn lockgate(&self) -> Command {
        let mut command = Command::new(self.bin.join("lockgate"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_client_setting(name)) {
            command.env_remove(name);
        }
        command
    }

    fn make_certificates(&self) -> Result<()> {
        let passphrase = self.path("passphrase");
        write_random(&passphrase)?;
        fs::set_permissions(
            &passphrase,
            std::os::unix::fs::PermissionsExt::from_mode(0o400),
        )?;
        shell::run(
            self.lockgate()
                .args(["ca", "quick"])
                .arg(self.path("pki"))
                .args(["--client", "alice", "--passphrase-file"])
                .arg(&passphrase),
        )
    }

    fn start_daemon(&self) -> Result<Daemon> {
        let server = self.path("pki/server");
        let config = format!(
            r#"{{
  "hosts": ["unix://{socket}", "tcp://127.0.0.1:{port}"],
  "tlsverify": true,
  "tlscacert": "{ca}",
  "tlscert": "{cert}",
  "tlskey": "{key}",
  "data-root": "{data}",
  "exec-root": "{exec}",
  "pidfile": "{pidfile}",
  "bridge": "{bridge}",
  "nft-table": "{bridge}",
  "cgroup-parent": "/{bridge}"
}}
"#,
            socket = self.path("lockgate.sock").display(),
            port = self.port,
            ca = server.join("ca.pem").display(),
            cert = server.join("cert.pem").display(),
            key = server.join("key.pem").display(),
            data = self.path("data").display(),
            exec = self.path("exec").display(),
            pidfile = self.path("lockgated.pid").display(),
            bridge = self.bridge(),
        );
        let file = self.path("daemon.json");
        println!("$ cat {}\n{config}", file.display());
        fs::write(&file, config)?;
        let mut command = Command::new(self.bin.join("lockgated"));
        command.arg("--config-file").arg(&file).stdin(Stdio::null());
        let log = fs::File::create(self.path("lockgated.log"))?;
        command.stdout(log.try_clone()?).stderr(log);
        println!("$ {} &", describe(&command));
        let mut daemon = Daemon(Some(command.spawn()?));
        daemon.wait_for(&self.path("lockgate.sock"), &self.path("lockgated.log"))?;
        Ok(daemon)
    }

    fn make_image(&self) -> Result<()> {
        let bin = self.path("rootfs/bin");
        fs::create_dir_all(&bin)?;
        fs::copy("/bin/busybox", bin.join("busybox")).context("busybox-static is not installed")?;
        for applet in [
            "sh", "echo", "cat", "ls", "id", "uname", "hostname", "sleep", "ip",
        ] {
            symlink("busybox", bin.join(applet))?;
        }
        let tar = self.path("rootfs.tar");
        shell::run(
            Command::new("tar")
                .arg("-cf")
                .arg(&tar)
                .arg("-C")
                .arg(self.path("rootfs"))
                .arg("."),
        )?;
        shell::run(
            self.lockgate()
                .arg("-H")
                .arg(format!("unix://{}", self.path("lockgate.sock").display()))
                .args(["import", "--change", r#"CMD ["sh"]"#])
                .arg(&tar)
                .arg("busybox:latest"),
        )
    }

    fn use_as_remote_client(&self) -> Result<()> {
        let greeting = "echo hello from $(hostname), as uid $(id -u), over mutual TLS";
        println!(
            "export {}",
            self.environment()
                .map(|(k, v)| format!("{k}={v}"))
                .join(" ")
        );
        shell::run(
            self.remote(self.lockgate())
                .args(["run", "--rm", "busybox", "sh", "-c", greeting]),
        )?;
        shell::run(self.remote(self.lockgate()).arg("ps").arg("-a"))?;
        if has_program("docker") {
            let mut docker = self.remote(Command::new("docker"));
            docker.env("DOCKER_CONFIG", self.path("docker-config"));
            shell::run(docker.args([
                "run",
                "--rm",
                "busybox",
                "sh",
                "-c",
                "echo and with the docker CLI",
            ]))?;
        }
        let client = self.path("pki/client-alice");
        shell::run(
            Command::new("curl")
                .args(["--silent", "--show-error", "--fail"])
                .arg("--cacert")
                .arg(client.join("ca.pem"))
                .arg("--cert")
                .arg(client.join("cert.pem"))
                .arg("--key")
                .arg(client.join("key.pem"))
                .arg(format!("https://127.0.0.1:{}/version", self.port)),
        )?;
        println!();
        Ok(())
    }

    fn refuse_without_certificate(&self) -> Result<()> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20", "--cacert"])
            .arg(self.path("pki/client-alice/ca.pem"))
            .arg(format!("https://127.0.0.1:{}/version", self.port));
        println!("$ {}", describe(&curl));
        let status = curl.status()?;
        ensure!(
            !status.success(),
            "a client without a certificate was let in"
        );
        println!("refused, as it must be ({status})");
        Ok(())
    }

    fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("DOCKER_HOST", format!("tcp://127.0.0.1:{}", self.port)),
            ("DOCKER_TLS_VERIFY", "1".to_owned()),
            (
                "DOCKER_CERT_PATH",
                self.path("pki/client-alice").display().to_string(),
            ),
        ]
    }

    fn remote(&self, mut command: Command) -> Command {
        command.envs(self.environment());
        command
    }

    fn explain_how_to_keep(&self, daemon: &Daemon) {
        say("The daemon keeps running, as asked. In another terminal:");
        for (name, value) in self.environment() {
            println!("export {name}={value}");
        }
        println!(
            "{} run --rm busybox echo hello",
            self.bin.join("lockgate").display()
        );
        println!(
            "\nTo end it and remove everything:\nkill {} && rm -r {}",
            daemon.pid(),
            self.dir.display()
        );
    }

    fn check_nothing_is_left(&self) -> Result<()> {
        let link = Path::new("/sys/class/net").join(self.bridge());
        ensure!(
            !link.exists(),
            "the bridge {} is still there",
            self.bridge()
        );
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let dir = self.dir.to_string_lossy();
        ensure!(!mounts.contains(&*dir), "mounts are left below {dir}");
        Ok(())
    }

    fn forget(&self) {
        self.keep.set(true);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !self.keep.get()
            && let Err(error) = fs::remove_dir_all(&self.dir)
        {
            eprintln!("cannot remove {}: {error}", self.dir.display());
        }
    }
}

/// The daemon; ended when dropped.
struct Daemon(Option<Child>);

impl Daemon {
    fn wait_for(&mut self, socket: &Path, log: &Path) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::os::unix::net::UnixStream::connect(socket).is_err() {
            let ended = self.0.as_mut().map(Child::try_wait).transpose()?.flatten();
            if ended.is_some() || Instant::now() > deadline {
                bail!("lockgated did not start:\n{}", fs::read_to_string(log)?);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn pid(&self) -> u32 {
        self.0.as_ref().map_or(0, Child::id)
    }

    fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else {
            return;
        };
        let ended = shell::run(Command::new("kill").arg(child.id().to_string()))
            .and_then(|()| child.wait().context("cannot wait for lockgated"));
        if let Err(error) = ended {
            eprintln!("{error:#}");
        }
    }
}

fn say(text: &str) {
    println!("\n# {text}");
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

fn is_client_setting(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("DOCKER_") || name.starts_with("LOCKGATE_")
}

fn write_random(path: &Path) -> Result<()> {
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    fs::write(path, id).context("cannot write the passphrase")
}
