//! What tenants come to without saying a name, and what their names mean later: on our engine, and at a
//! door before a stock dockerd.

use lockgate_testkit::run;
use serde_json::{Value, json};

use crate::ownership::{ALICE, BOB, House, TEAM};

/// An image of root's with a volume and a label of its own.
fn load_marked(house: &House) {
    let root = |args: &[&str]| house.daemon.docker(args).ok().to_owned();
    root(&["create", "--name", "plain", "--network=none", "busybox"]);
    let changes = ["VOLUME /fromimage", "LABEL team=ci"];
    let changes = changes.map(|change| format!("--change={change}"));
    root(&["commit", &changes[0], &changes[1], "plain", "marked"]);
    root(&["rm", "plain"]);
}

fn volumes_without_a_name_are_their_owners(house: &House) {
    load_marked(house);
    let volumes = |uid| {
        let list = house.docker(uid, "volume ls -q");
        let mut names: Vec<String> = list.ok().lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    let create = "run -d --pull never --network none --name hers -v /bare \
        --mount type=volume,target=/typed marked sleep 600";
    house
        .docker(
            ALICE,
            &create.split_whitespace().collect::<Vec<_>>().join(" "),
        )
        .ok();
    let hers = volumes(ALICE);
    assert_eq!(hers.len(), 3, "of the image, of -v, of --mount: {hers:?}");
    assert_eq!(volumes(BOB), [""; 0]);
    for name in &hers {
        for line in [
            format!("volume inspect {name}"),
            format!("volume rm {name}"),
            format!("create --pull never --network none -v {name}:/x busybox"),
            format!("volume create {name}"),
        ] {
            let refused = house.docker(BOB, &line);
            assert_ne!(refused.code(), 0, "{refused}");
            assert!(refused.stderr.contains("no such volume"), "{refused}");
        }
        house.docker(ALICE, &format!("volume inspect {name}")).ok();
    }
    house.docker(ALICE, "rm -f hers").ok();
    house.docker(BOB, "volume prune -f").ok();
    assert_eq!(volumes(ALICE), hers, "nobody else took them away");
    house.docker(ALICE, &format!("volume rm {}", hers[0])).ok();
    house.docker(ALICE, "volume prune -f").ok();
    assert_eq!(volumes(ALICE), [""; 0]);
    // They are the container's own as ever, and a place that is taken gets none.
    house
        .docker(
            ALICE,
            "run --rm --pull never --network none -v /bare marked true",
        )
        .ok();
    assert_eq!(volumes(ALICE), [""; 0]);
    house
        .docker(
            ALICE,
            "create --pull never --network none --name one -v data:/fromimage marked",
        )
        .ok();
    house
        .docker(
            ALICE,
            "create --pull never --network none --name two --volumes-from one marked",
        )
        .ok();
    assert_eq!(volumes(ALICE), ["data"]);
    // What the image says of an owner counts for nobody.
    assert_eq!(house.docker(TEAM, "ps -aq").ok(), "");
    house.docker(ALICE, "rm -f one two").ok();
}

#[test]
fn volumes_without_a_name_belong_to_whom_the_container_belongs() {
    volumes_without_a_name_are_their_owners(&House::open());
}

#[test]
fn volumes_without_a_name_belong_to_whom_the_container_belongs_in_guard_mode_too() {
    volumes_without_a_name_are_their_owners(&House::guarding());
}

fn names_lead_nowhere_else_at_a_later_start(house: &House) {
    let alice = |line: &str| house.docker(ALICE, line);
    let bob = |line: &str| house.docker(BOB, line);
    // A network of hers that is gone, and one of his that has its name now.
    alice("network create meeting").ok();
    alice("create --pull never --name early --network meeting busybox sleep 600").ok();
    alice("network rm meeting").ok();
    bob("network create meeting").ok();
    let refused = alice("start early");
    assert_ne!(refused.code(), 0, "{refused}");
    assert!(refused.stderr.contains("not found"), "{refused}");
    // The same of containers whose namespaces are shared.
    for sharing in ["--pid", "--ipc", "--network"] {
        alice("run -d --pull never --name helper --network none --ipc shareable busybox sleep 600")
            .ok();
        let line =
            format!("create --pull never --name late {sharing} container:helper busybox true");
        alice(&line).ok();
        alice("rm -f helper").ok();
        bob("run -d --pull never --name helper --network none --ipc shareable busybox sleep 600")
            .ok();
        let refused = alice("start late");
        assert_ne!(refused.code(), 0, "{sharing}: {refused}");
        assert!(
            refused.stderr.to_lowercase().contains("no such container"),
            "{sharing}: {refused}"
        );
        alice("rm late").ok();
        bob("rm -f helper").ok();
    }
    // What is not there yet cannot become somebody else's either.
    for line in [
        "create --pull never --network future busybox",
        "create --pull never --network container:future busybox",
        "create --pull never --pid container:future busybox",
    ] {
        assert_ne!(alice(line).code(), 0, "{line}");
    }
    alice("rm -f early").ok();
}

// T: indirect-object
#[test]
fn a_name_that_became_somebody_elses_leads_nowhere_at_the_next_start() {
    names_lead_nowhere_else_at_a_later_start(&House::open());
}

// T: indirect-object
#[test]
fn a_name_that_became_somebody_elses_leads_nowhere_at_the_next_start_in_guard_mode_too() {
    names_lead_nowhere_else_at_a_later_start(&House::guarding());
}

// T: indirect-object
#[test]
fn a_door_that_was_killed_knows_whose_the_execs_are() {
    let mut house = House::guarding();
    house
        .docker(
            ALICE,
            "run -d --pull never --network none --name hers busybox sleep 600",
        )
        .ok();
    let asked = json!({"Cmd": ["true"]});
    let prepare = || {
        let (status, body) = house.api(ALICE, "POST", "/containers/hers/exec", Some(&asked));
        assert_eq!(status, 201, "{body}");
        let made: Value = serde_json::from_str(&body).unwrap();
        made["Id"].as_str().unwrap().to_owned()
    };
    let execs = [prepare(), prepare()];
    house.daemon.kill();
    house.daemon.spawn();
    house.unlock();
    let start = json!({"Detach": true});
    for exec in &execs {
        let (target, look) = (format!("/exec/{exec}/start"), format!("/exec/{exec}/json"));
        for (who, status) in [(BOB, 404), (TEAM, 404), (ALICE, 200)] {
            assert_eq!(house.api(who, "GET", &look, None).0, status, "{who}");
            let (told, body) = house.api(who, "POST", &target, Some(&start));
            assert_eq!(told, status, "{who}: {body}");
        }
    }
    house.docker(ALICE, "rm -f hers").ok();
}

// T: symlink-bind
#[test]
fn copies_and_volumes_of_a_path_never_lead_out_of_its_root() {
    const MOUNTER: u32 = 2005;
    let host = tempfile::tempdir().unwrap();
    let root = host.path().canonicalize().unwrap();
    let (inside, outside, link) = (
        root.join("ours/real"),
        root.join("secret"),
        root.join("ours/link"),
    );
    for (folder, text) in [(&inside, "inside"), (&outside, "outside")] {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("file"), text).unwrap();
    }
    let to = |target: &std::path::Path| {
        let fresh = root.join("fresh");
        std::os::unix::fs::symlink(target, &fresh).unwrap();
        std::fs::rename(&fresh, &link).unwrap();
    };
    to(&inside);
    let house = House::open_with(&format!(
        "[roles.mounter]\nallow = [\"operator\"]\nhost = {{ paths = [\"{}/ours\"], drivers = [\"local\"] }}\n\
         [[bindings]]\nuid = {MOUNTER}\nroles = [\"mounter\"]\n",
        root.display()
    ));
    let shown = link.display();
    house
        .docker(
            MOUNTER,
            &format!("volume create -o type=none -o o=bind -o device={shown} vol"),
        )
        .ok();
    house
        .docker(
            MOUNTER,
            "create --pull never --name ofvolume -v vol:/x busybox cat /x/file",
        )
        .ok();
    assert_eq!(house.docker(MOUNTER, "start -a ofvolume").ok(), "inside");
    house
        .docker(
            MOUNTER,
            &format!("create --pull never --name box -v {shown}:/x busybox true"),
        )
        .ok();
    // The judge sees where the paths lead now; the engine sees it too, whoever starts or copies.
    to(&outside);
    for line in [
        "start ofvolume",
        "cp ofvolume:/x/file -",
        "start box",
        "cp box:/x/file -",
    ] {
        let refused = house.docker(MOUNTER, line);
        assert_ne!(refused.code(), 0, "{refused}");
        let refused = house.daemon.docker(&line.split(' ').collect::<Vec<_>>());
        assert!(
            refused
                .stderr
                .contains("not below a path that its maker may mount"),
            "{refused}"
        );
    }
    // While somebody swaps it all the time it is the one or a refusal.
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                to(&outside);
                to(&inside);
            }
        });
        let copied = |name: &str| {
            let mut copy = house.command(MOUNTER, "docker");
            run(copy.args(["cp", &format!("{name}:/x/file"), "-"]), b"").stdout
        };
        let mut seen = 0;
        for _ in 0..20 {
            for name in ["box", "ofvolume"] {
                let text = copied(name);
                assert!(!text.contains("outside"), "{text}");
                seen += usize::from(text.contains("inside"));
            }
            house.daemon.docker(&["start", "ofvolume"]);
            house.daemon.docker(&["wait", "ofvolume"]).ok();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(seen > 0, "it is refused always");
    });
    let written = house.daemon.docker(&["logs", "ofvolume"]);
    assert!(!written.stdout.contains("outside"), "{written}");
    // Missing directories are not made where the link leads.
    to(&outside);
    house.docker(
        MOUNTER,
        &format!("create --pull never --name deep -v {shown}/new/deep:/x busybox true"),
    );
    to(&inside);
    house
        .docker(
            MOUNTER,
            &format!("create --pull never --name deep -v {shown}/new/deep:/x busybox true"),
        )
        .ok();
    to(&outside);
    assert_ne!(house.daemon.docker(&["start", "deep"]).code(), 0);
    assert!(!outside.join("new").exists());
}

// T: CVE-2026-33997, CVE-2024-23653, CVE-2026-33747, CVE-2026-33748, response-side
#[test]
fn tenants_before_a_stock_daemon_get_no_plugins_no_builder_and_no_word_of_others() {
    let house = House::guarding();
    house
        .docker(
            ALICE,
            "run -d --pull never --network none --name hers -e SECRET=hush busybox sleep 600",
        )
        .ok();
    for (method, target) in [
        ("POST", "/plugins/pull?remote=127.0.0.1:1/x&name=attack"),
        ("GET", "/plugins/privileges?remote=127.0.0.1:1/x"),
        ("POST", "/plugins/attack/set"),
        ("POST", "/plugins/attack/upgrade?remote=127.0.0.1:1/x"),
        ("POST", "/plugins/create?name=attack"),
        ("POST", "/grpc"),
        ("POST", "/v1.41/grpc"),
    ] {
        let list = json!([{"Name": "mount", "Value": ["/"]}]);
        let (status, body) = house.api(BOB, method, target, Some(&list));
        assert_eq!(status, 403, "{method} {target}: {body}");
    }
    for target in [
        "/containers/json?all=1",
        "/containers/json?all=1&filters=%7B%22name%22%3A%5B%22hers%22%5D%7D",
        "/system/df",
        "/events?since=0&until=1999999999&filters=%7B%22type%22%3A%5B%22container%22%5D%7D",
        "/volumes",
        "/networks",
    ] {
        let target = target.replace("1999999999", &now().to_string());
        let (status, body) = house.api(BOB, "GET", &target, None);
        assert_eq!(status, 200, "{target}");
        assert!(
            !body.contains("hers") && !body.contains("uid=2001"),
            "{target}: {body}"
        );
    }
    house.lists_are_cut_at_own_containers_alone("hers");
    let (_, own) = house.api(ALICE, "GET", "/containers/hers/json", None);
    assert!(
        own.contains("hush"),
        "an operator sees the environment of its own: {own}"
    );
    house.docker(ALICE, "rm -f hers").ok();
}

pub(crate) fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs()
        + 1
}

/// Everything that one can do to somebody else's, in spellings that rules forget.
#[test]
fn a_stranger_reaches_nothing_of_anothers_before_a_stock_daemon_however_it_is_spelt() {
    let house = House::guarding();
    let id = house
        .docker(
            ALICE,
            "run -d --pull never --network none --name hers -v hervolume:/data busybox sleep 600",
        )
        .ok()
        .to_owned();
    house
        .docker(BOB, "create --pull never --network none --name his busybox")
        .ok();
    house.docker(ALICE, "network create hernet").ok();
    for name in ["hers", &id, &id[..6], "%68ers", "/hers"] {
        for (method, end, body) in [
            ("GET", "json", None),
            ("GET", "json?size=1", None),
            ("GET", "archive?path=/etc", None),
            ("GET", "logs?stdout=1", None),
            ("GET", "stats?stream=0", None),
            ("GET", "top", None),
            ("GET", "changes", None),
            ("GET", "export", None),
            ("POST", "attach?stream=1&stdin=1", None),
            ("GET", "attach/ws?stdin=1", None),
            ("POST", "resize?h=1&w=1", None),
            ("POST", "start", None),
            ("POST", "stop?t=0", None),
            ("POST", "restart?t=0", None),
            ("POST", "kill", None),
            ("POST", "pause", None),
            ("POST", "unpause", None),
            ("POST", "wait", None),
            ("POST", "rename?name=mine", None),
            ("POST", "update", Some(json!({"Memory": 67_108_864}))),
            ("POST", "exec", Some(json!({"Cmd": ["id"]}))),
        ] {
            let target = format!("/containers/{name}/{end}");
            let (status, said) = house.api(BOB, method, &target, body.as_ref());
            // A slash too many is another path: no route, or a redirection to the clean one.
            let expected: &[u16] = if name.starts_with('/') {
                &[301, 404]
            } else {
                &[404]
            };
            assert!(
                expected.contains(&status),
                "{method} {target}: {status} {said}"
            );
        }
        let (status, _) = house.api(
            BOB,
            "DELETE",
            &format!("/containers/{name}?force=1&v=1"),
            None,
        );
        assert!([301, 404].contains(&status), "{status}");
    }
    let source = json!({"Cmd": ["true"]});
    for target in [
        "/commit?container=hers&repo=stolen".to_owned(),
        format!("/commit?container={}&repo=stolen", &id[..5]),
        format!("/commit?repo=stolen&container={id}&container=his"),
    ] {
        let (status, said) = house.api(BOB, "POST", &target, Some(&source));
        assert_ne!(status, 201, "{target}: {said}");
    }
    for body in [
        json!({"Image": "busybox", "HostConfig": {"NetworkMode": format!("container:{}", &id[..7])}}),
        json!({"Image": "busybox", "HostConfig": {"networkmode": "container:hers"}}),
        json!({"Image": "busybox", "HostConfig": {"IpcMode": "container:hers"}}),
        json!({"Image": "busybox", "HostConfig": {"VolumesFrom": [format!("{id}:ro")]}}),
        json!({"Image": "busybox", "HostConfig": {"VolumesFrom": ["/hers"]}}),
        json!({"Image": "busybox", "HostConfig": {"Links": ["/hers:/his/x"]}}),
        json!({"Image": "busybox", "HostConfig": {"Links": ["//hers:x"]}}),
        json!({"Image": "busybox", "HostConfig": {"NetworkMode": "hernet"}}),
        json!({"Image": "busybox", "HostConfig": {"NetworkMode": "none"}, "NetworkingConfig": {"EndpointsConfig": {"hernet": null}}}),
        json!({"Image": "busybox", "HostConfig": {"Binds": ["hervolume:/x"]}}),
        json!({"Image": "busybox", "HostConfig": {"mounts": [{"type": "volume", "source": "hervolume", "target": "/x"}]}}),
    ] {
        let (status, said) = house.api(BOB, "POST", "/containers/create", Some(&body));
        assert!((400..500).contains(&status), "{body}: {status} {said}");
    }
    for (target, body) in [
        ("/networks/hernet/connect", json!({"Container": "his"})),
        ("/networks/none/connect", json!({"Container": "hers"})),
        (
            "/networks/none/disconnect",
            json!({"container": id, "Force": true}),
        ),
        (
            "/networks/hernet/disconnect",
            json!({"Container": "his", "Force": true}),
        ),
    ] {
        let (status, said) = house.api(BOB, "POST", target, Some(&body));
        assert_eq!(status, 404, "{target}: {said}");
    }
    // A name that is taken stays whose it is.
    let (status, _) = house.api(
        BOB,
        "POST",
        "/containers/create?name=hers",
        Some(&json!({"Image": "busybox"})),
    );
    assert_eq!(status, 409);
    let state = house
        .daemon
        .inspect("hers", "{{.State.Running}} {{.Id}} {{.HostConfig.Memory}}");
    assert_eq!(state, format!("true {id} 0"));
    house.docker(ALICE, "rm -f hers").ok();
    house.docker(BOB, "rm -f his").ok();
}
