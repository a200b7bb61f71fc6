//! Tenants on one daemon: each sees and reaches its own objects alone, whatever it calls them.
//! Threats: indirect-object, symlink-bind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use lockgate_testkit::{Daemon, DaemonOptions, Dockerd, Ended, NetNs, program, run};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

pub(crate) const ALICE: u32 = 2001;
pub(crate) const BOB: u32 = 2002;
/// Has a role for objects with the label `team=ci`.
pub(crate) const TEAM: u32 = 2003;

const POLICY: &str = r#"
[roles.tenant]
allow = ["operator", "build"]
own = true

[roles.team]
allow = ["operator"]
own = true
own_labels = { team = "ci" }

[roles.narrow]
allow = ["operator"]
[roles.narrow.only]
images = ["busybox"]
networks = ["bridge", "allowed"]

[[bindings]]
uid = 2001
roles = ["tenant"]

[[bindings]]
uid = 2002
roles = ["tenant"]

[[bindings]]
uid = 2003
roles = ["team"]

[[bindings]]
uid = 2004
roles = ["narrow"]
"#;
const NARROW: u32 = 2004;

pub(crate) struct House {
    pub(crate) daemon: Daemon,
    /// What the daemon stands before, if it runs no containers itself.
    _behind: Option<Dockerd>,
    policy: NamedTempFile,
}

impl House {
    pub(crate) fn open() -> Self {
        Self::open_with("")
    }

    pub(crate) fn open_with(more: &str) -> Self {
        Self::open_before(None, more)
    }

    /// The same tenants at a door before a stock dockerd.
    pub(crate) fn guarding() -> Self {
        Self::guarding_with("")
    }

    pub(crate) fn guarding_with(more: &str) -> Self {
        let behind = Dockerd::start_in(NetNs::new("lgh"), &["--bridge=none"]);
        Self::open_before(Some(behind), more)
    }

    fn open_before(behind: Option<Dockerd>, more: &str) -> Self {
        let policy = NamedTempFile::new().unwrap();
        fs::write(&policy, format!("{POLICY}{more}")).unwrap();
        let socket = behind.as_ref().map(Dockerd::socket);
        let guard = socket.map(|socket| format!("--guard=unix://{}", socket.display()));
        let own = format!("--policy={}", policy.path().display());
        let daemon = Daemon::start_with(DaemonOptions {
            args: [own].into_iter().chain(guard).collect(),
            config: None,
        });
        let house = Self {
            daemon,
            _behind: behind,
            policy,
        };
        house.unlock();
        house.daemon.load_busybox();
        house
    }

    /// The policy file.
    pub(crate) fn policy(&self) -> &std::path::Path {
        self.policy.path()
    }

    /// Anybody may knock; who they are says the kernel.
    pub(crate) fn unlock(&self) {
        let everybody = |path: &std::path::Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        everybody(self.daemon.path("").as_path(), 0o755);
        everybody(&self.daemon.socket(), 0o666);
    }

    pub(crate) fn command(&self, uid: u32, name: &str) -> Command {
        let mut command = program("setpriv");
        command
            .arg(format!("--reuid={uid}"))
            .arg(format!("--regid={uid}"))
            .args(["--clear-groups", name])
            .env(
                "DOCKER_HOST",
                format!("unix://{}", self.daemon.socket().display()),
            )
            .env("DOCKER_CONFIG", "/nonexistent")
            .env("HOME", "/nonexistent");
        command
    }

    #[track_caller]
    pub(crate) fn docker(&self, uid: u32, line: &str) -> Ended {
        run(self.command(uid, "docker").args(line.split(' ')), b"")
    }

    /// What root does, which goes well.
    #[track_caller]
    pub(crate) fn root(&self, line: &str) -> String {
        let words: Vec<_> = line.split(' ').collect();
        self.daemon.docker(&words).ok().to_owned()
    }

    /// Status and body.
    #[track_caller]
    pub(crate) fn api(
        &self,
        uid: u32,
        method: &str,
        target: &str,
        body: Option<&Value>,
    ) -> (u16, String) {
        let mut command = self.command(uid, "curl");
        command
            .args([
                "-s",
                "-m",
                "20",
                "-w",
                "\n%{http_code}",
                "-X",
                method,
                "--unix-socket",
            ])
            .arg(self.daemon.socket())
            .arg(format!("http://x{target}"));
        if let Some(body) = body {
            command.args([
                "-H",
                "Content-Type: application/json",
                "-d",
                &body.to_string(),
            ]);
        }
        let ended = run(&mut command, b"");
        let (text, status) = ended.stdout.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), text.to_owned())
    }

    /// Nobody learns by a list's filters that there is a container of somebody else's.
    #[track_caller]
    pub(crate) fn lists_are_cut_at_own_containers_alone(&self, hers: &str) {
        for key in ["before", "since"] {
            let asked = |uid: u32, name: &str| {
                let filters = format!("%7B%22{key}%22%3A%5B%22{name}%22%5D%7D");
                let target = format!("/containers/json?all=1&filters={filters}");
                self.api(uid, "GET", &target, None)
            };
            let (status, body) = asked(BOB, "nope");
            let not_there = (status, body.replace("nope", hers));
            assert_eq!(not_there.0, 404, "{}", not_there.1);
            assert_eq!(asked(BOB, hers), not_there);
            assert_eq!(asked(ALICE, hers).0, 200);
        }
    }

    /// A running container of alice.
    fn alices(&self) -> String {
        self.docker(
            ALICE,
            "run -d --name hers -v hervolume:/data busybox sleep 600",
        )
        .ok()
        .to_owned()
    }
}

#[test]
fn a_stranger_is_told_that_there_is_no_such_container_whatever_it_asks() {
    let house = House::open();
    let id = house.alices();
    for name in ["hers", &id, &id[..8]] {
        for line in [
            format!("container inspect {name}"),
            format!("logs {name}"),
            format!("attach {name}"),
            format!("exec {name} id"),
            format!("wait {name}"),
            format!("stop {name}"),
            format!("kill {name}"),
            format!("restart {name}"),
            format!("pause {name}"),
            format!("rm {name}"),
            format!("rename {name} mine"),
            format!("update --memory 64m {name}"),
            format!("top {name}"),
            format!("diff {name}"),
            format!("export {name}"),
            format!("port {name}"),
            format!("commit {name} stolen"),
            format!("cp {name}:/etc/passwd -"),
            format!("stats --no-stream {name}"),
            format!("create --pull never --network container:{name} busybox"),
            format!("create --pull never --pid container:{name} busybox"),
            format!("create --pull never --ipc container:{name} busybox"),
            format!("create --pull never --volumes-from {name} busybox"),
            format!("create --pull never --link {name}:x busybox"),
            format!("network connect bridge {name}"),
            format!("network disconnect bridge {name}"),
        ] {
            let ended = house.docker(BOB, &line);
            assert_ne!(ended.code(), 0, "{ended}");
            let told = ended.stderr.to_lowercase();
            assert!(
                told.contains("no such") && !told.contains("denied"),
                "{ended}"
            );
        }
    }
    // The same for what was never there: the two cannot be told apart.
    let there = house
        .docker(BOB, "logs hers")
        .stderr
        .replace("hers", "NAME");
    let never = house
        .docker(BOB, "logs never")
        .stderr
        .replace("never", "NAME");
    assert_eq!(there, never);
    let running = house.docker(ALICE, "inspect -f {{.State.Running}}{{.Name}} hers");
    assert_eq!(running.ok(), "true/hers");
}

#[test]
fn lists_events_and_prunes_show_and_touch_own_objects_alone() {
    let house = House::open();
    let id = house.alices();
    house
        .docker(ALICE, "create --pull never --name herstopped busybox")
        .ok();
    house.docker(ALICE, "network create hernet").ok();
    house
        .docker(BOB, "create --pull never --name his busybox")
        .ok();
    for line in [
        "ps -aq --no-trunc",
        "ps -aq --filter name=hers",
        "volume ls -q",
    ] {
        assert!(
            !house.docker(BOB, line).ok().contains(id.as_str()),
            "{line}"
        );
    }
    assert_eq!(house.docker(BOB, "ps -a --format {{.Names}}").ok(), "his");
    house.lists_are_cut_at_own_containers_alone("herstopped");
    assert_eq!(house.docker(BOB, "volume ls -q").ok(), "");
    let networks = house.docker(BOB, "network ls --format {{.Name}}");
    assert!(!networks.ok().contains("hernet"), "{networks}");
    let (_, events) = house.api(BOB, "GET", "/events?since=1&until=1", None);
    assert_eq!(events, "");
    let now = "/events?since=0&until=".to_owned() + &now();
    let (_, his) = house.api(BOB, "GET", &now, None);
    let (_, hers) = house.api(ALICE, "GET", &now, None);
    assert!(
        his.contains("\"his\"") && !his.contains("hers") && !his.contains("hernet"),
        "{his}"
    );
    assert!(hers.contains("hers") && !hers.contains("\"his\""), "{hers}");
    for line in ["container prune -f", "volume prune -af", "network prune -f"] {
        house.docker(BOB, line).ok();
    }
    let all = house.daemon.docker(&["ps", "-a", "--format", "{{.Names}}"]);
    assert!(
        all.ok().contains("herstopped") && !all.ok().contains("his"),
        "{all}"
    );
    house.docker(ALICE, "network inspect hernet").ok();
    house.docker(ALICE, "volume inspect hervolume").ok();
    let (_, usage) = house.api(BOB, "GET", "/system/df", None);
    assert!(
        !usage.contains(&id) && !usage.contains("hervolume"),
        "{usage}"
    );
}

fn now() -> String {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    // To the end of this second.
    (since.as_secs() + 1).to_string()
}

#[test]
fn volumes_and_networks_of_another_are_not_there_either() {
    let house = House::open();
    house.alices();
    house.docker(ALICE, "network create hernet").ok();
    let net = house
        .docker(ALICE, "network inspect -f {{.Id}} hernet")
        .ok()
        .to_owned();
    house
        .docker(BOB, "create --pull never --name his busybox")
        .ok();
    for line in [
        "volume inspect hervolume".to_owned(),
        "volume rm hervolume".to_owned(),
        "create --pull never -v hervolume:/x busybox".to_owned(),
        "create --pull never --mount type=volume,source=hervolume,target=/x busybox".to_owned(),
        "volume create hervolume".to_owned(),
        "network inspect hernet".to_owned(),
        "network rm hernet".to_owned(),
        format!("network rm {}", &net[..8]),
        "network connect hernet his".to_owned(),
        format!("network connect {net} his"),
        "create --pull never --network hernet busybox".to_owned(),
        format!("create --pull never --network {net} busybox"),
    ] {
        let ended = house.docker(BOB, &line);
        assert_ne!(ended.code(), 0, "{ended}");
        let told = ended.stderr.to_lowercase();
        assert!(
            told.contains("no such") || told.contains("not found"),
            "{ended}"
        );
    }
    house.docker(ALICE, "volume inspect hervolume").ok();
    house.docker(ALICE, "network inspect hernet").ok();
}

#[test]
fn an_exec_is_started_by_who_prepared_it_and_by_nobody_else() {
    let house = House::open();
    // Both may enter a container of the team.
    house
        .daemon
        .docker(&[
            "run", "-d", "--name", "shared", "--label", "team=ci", "busybox", "sleep", "600",
        ])
        .ok();
    let asked = json!({"Cmd": ["true"], "AttachStdout": true});
    let (status, body) = house.api(0, "POST", "/containers/shared/exec", Some(&asked));
    assert_eq!(status, 201, "{body}");
    let exec: Value = serde_json::from_str(&body).unwrap();
    let exec = exec["Id"].as_str().unwrap();
    let start = json!({"Detach": true});
    for target in [
        format!("/exec/{exec}/start"),
        format!("/exec/{exec}/resize?h=1&w=1"),
    ] {
        let (status, body) = house.api(TEAM, "POST", &target, Some(&start));
        assert_eq!(status, 404, "{target} {body}");
    }
    let (status, body) = house.api(TEAM, "GET", &format!("/exec/{exec}/json"), None);
    assert_eq!(status, 404, "{body}");
    let (status, body) = house.api(TEAM, "POST", "/containers/shared/exec", Some(&asked));
    assert_eq!(status, 201, "{body}");
    let own: Value = serde_json::from_str(&body).unwrap();
    let own = format!("/exec/{}/start", own["Id"].as_str().unwrap());
    assert_eq!(house.api(TEAM, "POST", &own, Some(&start)).0, 200);
}

// T: indirect-object
#[test]
fn nobody_marks_an_object_as_somebody_elses_not_even_by_an_image() {
    let house = House::open();
    for line in [
        "create --pull never --label lockgate.owner=uid=2001 busybox",
        "create --pull never --label team=ci busybox",
        "create --pull never --label team=other busybox",
        "volume create --label team=ci v",
        "volume create --label lockgate.owner=uid=2001 v",
        "network create --label lockgate.owner=uid=2001 n",
        "network create --label team=ci n",
        "create --pull never --mount type=volume,target=/x,volume-label=team=ci busybox",
    ] {
        let ended = house.docker(BOB, line);
        assert_ne!(ended.code(), 0, "{ended}");
        assert!(ended.stderr.contains("says whose an object is"), "{ended}");
    }
    house
        .docker(BOB, "create --pull never --name plain busybox")
        .ok();
    let change = [
        "commit",
        "--change",
        "LABEL team=ci lockgate.owner=uid=2001 other=kept",
        "plain",
        "marked",
    ];
    run(house.command(BOB, "docker").args(change), b"").ok();
    house
        .docker(BOB, "create --pull never --name marked marked")
        .ok();
    house
        .daemon
        .docker(&["create", "--name", "byroot", "marked"])
        .ok();
    let labels = |name: &str| -> Value {
        let shown = house
            .daemon
            .docker(&["inspect", "-f", "{{json .Config.Labels}}", name]);
        serde_json::from_str(shown.ok()).unwrap()
    };
    assert_eq!(
        labels("marked"),
        json!({"lockgate.owner": "uid=2002", "other": "kept"})
    );
    assert_eq!(
        labels("byroot"),
        json!({"lockgate.owner": "uid=0", "other": "kept"})
    );
    assert_eq!(house.docker(TEAM, "ps -aq").ok(), "");
    assert_eq!(house.docker(ALICE, "ps -aq").ok(), "");
}

// T: indirect-object
#[test]
fn another_name_is_no_way_to_what_the_old_name_does_not_lead_to() {
    let house = House::open();
    house.daemon.load_busybox_as(&["secret:latest"]);
    let id = house
        .daemon
        .docker(&["image", "inspect", "-f", "{{.Id}}", "secret"]);
    let id = id.ok().to_owned();
    house.daemon.docker(&["network", "create", "allowed"]).ok();
    house
        .daemon
        .docker(&["network", "create", "forbidden"])
        .ok();
    house
        .docker(
            NARROW,
            "create --pull never --name box --network allowed busybox",
        )
        .ok();
    for line in [
        "create --pull never secret".to_owned(),
        format!("create --pull never {id}"),
        format!("create --pull never {}", &id["sha256:".len()..][..12]),
        "tag secret busybox:mine".to_owned(),
        format!("tag {id} busybox:mine"),
        "tag busybox secret".to_owned(),
        "create --pull never --network forbidden busybox".to_owned(),
        "network connect forbidden box".to_owned(),
    ] {
        let ended = house.docker(NARROW, &line);
        assert_ne!(ended.code(), 0, "{ended}");
        assert!(ended.stderr.contains("access denied"), "{ended}");
    }
    house.docker(NARROW, "tag busybox busybox:mine").ok();
    // A container whose name is the beginning of another's id is itself, and the other stays hidden.
    let hers = house.alices();
    let prefix = &hers[..6];
    house
        .docker(BOB, &format!("create --pull never --name {prefix} busybox"))
        .ok();
    let shown = house.docker(BOB, &format!("inspect -f {{{{.Name}}}} {prefix}"));
    assert_eq!(shown.ok(), format!("/{prefix}"));
    house.docker(BOB, &format!("rm -f {prefix}")).ok();
    house.docker(ALICE, "inspect hers").ok();
}

// T: symlink-bind
#[test]
fn a_bind_is_of_what_was_looked_at_and_never_leads_out_of_its_root() {
    const MOUNTER: u32 = 2005;
    let host = tempfile::tempdir().unwrap();
    let root = host.path().canonicalize().unwrap();
    let (inside, outside, link) = (
        root.join("ours/real"),
        root.join("secret"),
        root.join("ours/link"),
    );
    for (folder, text) in [(&inside, "inside"), (&outside, "outside")] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("file"), text).unwrap();
    }
    let to = |target: &std::path::Path| {
        let fresh = root.join("fresh");
        std::os::unix::fs::symlink(target, &fresh).unwrap();
        fs::rename(&fresh, &link).unwrap();
    };
    to(&inside);
    let house = House::open_with(&format!(
        "[roles.mounter]\nallow = [\"operator\"]\nhost = {{ paths = [\"{}/ours\"] }}\n\
         [[bindings]]\nuid = {MOUNTER}\nroles = [\"mounter\"]\n",
        root.display()
    ));
    let create = format!(
        "create --pull never --name box -v {}:/x busybox cat /x/file",
        link.display()
    );
    house.docker(MOUNTER, &create).ok();
    assert_eq!(house.docker(MOUNTER, "start -a box").ok(), "inside");
    to(&outside);
    // Its maker is refused by the judge, who looks at the path of this moment; whoever else starts it by the engine.
    for line in ["start -a box", "start box"] {
        let refused = house.docker(MOUNTER, line);
        assert!(
            refused.stderr.contains("access denied") || refused.stderr.contains("403"),
            "{refused}"
        );
    }
    let refused = house.daemon.docker(&["start", "box"]);
    assert_ne!(refused.code(), 0, "{refused}");
    assert!(
        refused
            .stderr
            .contains("is not below a path that its maker may mount"),
        "{refused}"
    );
    assert_ne!(house.daemon.docker(&["start", "-a", "box"]).code(), 0);
    to(&inside);
    assert_eq!(house.docker(MOUNTER, "start -a box").ok(), "inside");
    // While somebody swaps it all the time it is the one or a refusal.
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                to(&outside);
                to(&inside);
            }
        });
        for _ in 0..20 {
            house.docker(MOUNTER, "start box");
            house.daemon.docker(&["wait", "box"]).ok();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let written = house.daemon.docker(&["logs", "box"]);
    assert!(
        written.ok().contains("inside") && !written.stdout.contains("outside"),
        "{written}"
    );
    // Who may mount everything is not asked where it leads.
    to(&outside);
    let free = format!("run --rm -v {}:/x busybox cat /x/file", link.display());
    let free: Vec<&str> = free.split(' ').collect();
    assert_eq!(house.daemon.docker(&free).ok(), "outside");
}
