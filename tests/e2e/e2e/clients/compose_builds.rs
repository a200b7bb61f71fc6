//! Docker Compose with images of its own: builds, files of configs and secrets, profiles, replicas, copies and events.

use std::fs;
use std::path::Path;

use lockgate_testkit::{Daemon, NetNs};

use super::compose::Project;
use crate::guard::Follower;

const PROJECT: &str = r#"
name: built
services:
  app:
    build: { context: ., args: { WORD: "${WORD:-first}" } }
    init: true
    secrets: [token]
    configs: [{ source: file, target: /conf/file }, { source: text, target: /conf/text }]
  plain:
    image: busybox
    init: true
    command: ["sleep", "6000"]
    profiles: [more]
secrets: { token: { file: ./token } }
configs: { file: { file: ./file }, text: { content: "from the project\n" } }
"#;

const DOCKERFILE: &str = r#"
FROM busybox
ARG WORD
COPY file /copied
RUN echo $WORD > /word
CMD ["sh", "-c", "cat /run/secrets/token /conf/file /conf/text /word; exec sleep 6000"]
"#;

/// How images are built.
#[derive(Clone, Copy)]
pub(super) enum Builder<'a> {
    /// By the daemon's own.
    Classic,
    /// By BuildKit, which this plugin drives.
    Buildx(&'a Path),
}

/// A project's life at this door, which has busybox and nothing else.
pub(super) fn from_build_to_down(daemon: &Daemon, netns: &NetNs, builder: Builder<'_>) {
    let (name, kit, plugins) = match builder {
        Builder::Classic => ("classic", "0", vec![]),
        Builder::Buildx(plugin) => ("buildx", "1", vec![plugin]),
    };
    let project = Project::empty((daemon, netns), name, &plugins);
    project.write("compose.yaml", PROJECT);
    project.write("Dockerfile", DOCKERFILE);
    project.write("token", "a secret\n");
    project.write("file", "a file\n");
    let with =
        |word: &str, args: &[&str]| project.with(&[("DOCKER_BUILDKIT", kit), ("WORD", word)], args);
    let run = |args: &[&str]| with("second", args);

    with("first", &["build"]).ok();
    let up = ["up", "--detach", "--wait"];
    with("first", &up).ok();
    let says = |word: &str| {
        let logs = run(&["logs", "--no-color", "--no-log-prefix", "app"]);
        let said = format!("a secret\na file\nfrom the project\n{word}");
        assert_eq!(logs.ok(), said);
    };
    says("first");
    run(&["up", "--detach", "--wait", "--build"]).ok();
    says("second");
    assert!(run(&["top", "app"]).ok().contains("sleep 6000"));
    assert_eq!(run(&["exec", "-T", "app", "cat", "/copied"]).ok(), "a file");

    let services = |profiles: &[&str]| {
        let listed = run(&[profiles, &["ps", "--services"]].concat());
        let mut names: Vec<String> = listed.ok().lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    assert_eq!(services(&[]), ["app"]);
    let more = ["--profile", "more"];
    run(&[&more[..], &up].concat()).ok();
    assert_eq!(services(&more), ["app", "plain"]);
    copies(&project, &run);

    let replicas = || run(&["ps", "--quiet", "app"]).ok().lines().count();
    run(&["up", "--detach", "--wait", "--scale", "app=3"]).ok();
    assert_eq!(replicas(), 3);
    run(&["scale", "app=2"]).ok();
    assert_eq!(replicas(), 2);

    let events = ["events", "--since=10m"];
    let mut events = Follower::start(project.command(&[], &events));
    events.until_line(|line| line.contains("container start"));
    run(&["restart", "--timeout=0", "app"]).ok();
    events.until_line(|line| line.contains("container restart"));
    drop(events);
    assert!(run(&["ls"]).ok().contains("built"));
    run(&["--profile", "more", "down", "--rmi", "local"]).ok();
    let left = daemon.docker(&["ps", "--all", "--quiet"]);
    assert_eq!(left.ok(), "");
    let images = daemon.docker(&["images", "--format", "{{.Repository}}"]);
    assert!(!images.ok().contains("built"), "{images}");
}

/// Files of a service without mounts, in and out.
fn copies(project: &Project<'_>, run: &impl Fn(&[&str]) -> lockgate_testkit::Ended) {
    run(&["cp", "file", "plain:/tmp/in"]).ok();
    assert_eq!(
        run(&["exec", "-T", "plain", "cat", "/tmp/in"]).ok(),
        "a file"
    );
    run(&["cp", "plain:/tmp/in", "out"]).ok();
    assert_eq!(
        fs::read_to_string(project.folder.join("out")).unwrap(),
        "a file\n"
    );
}
