//! What `lockgate policy explain` says of a docker command, and what the door answers to docker itself.

use std::collections::BTreeSet;
use std::fs;

use lockgate_testkit::{binary, program, run};

use crate::ownership::House;

/// Roles that differ in what a command needs, by the user that has them.
const ROLES: &[(u32, &str)] = &[
    (2101, "allow = [\"viewer\"]"),
    (2102, "allow = [\"deployer\"]"),
    (2103, "allow = [\"builder\"]"),
    (2104, "allow = [\"operator\"]"),
    (
        2105,
        "allow = [\"container.create\", \"container.lifecycle\"]",
    ),
    (
        2106,
        "allow = [\"operator\"]\ndeny = [\"container.attach\", \"exec\", \"network.connect\"]",
    ),
    (
        2107,
        "allow = [\"*\"]\npowers = true\ndeny = [\"host.privileged\", \"host.namespaces\"]",
    ),
    (
        2108,
        "allow = [\"container.logs\", \"exec\", \"container.files.write\", \"volume.remove\", \"network.remove\"]",
    ),
    (
        2109,
        "allow = [\"operator\", \"build\"]\nhost = { paths = [\"/srv\"], capabilities = [\"NET_ADMIN\"], drivers = [\"local\"] }",
    ),
    (
        2110,
        "allow = [\"operator\", \"build\"]\nonly = { images = [\"busybox\", \"ci/*\"], networks = [\"bridge\"], users = [\"\", \"7\"], memory = \"64m\", published_ports = [\"8080\"], volumes = [\"data\"] }",
    ),
    (
        2111,
        "allow = [\"operator\", \"build\"]\nown = true\nown_labels = { team = \"x\" }\n[ROLE.only]\nregistries = [\"r.invalid\"]\npids = 100\nlabels = { team = \"x\" }",
    ),
    (2112, "allow = [\"*\"]\npowers = true"),
    (
        2113,
        "allow = [\"door.admin\", \"image.read\"]\ndeny = [\"PluginPull\"]",
    ),
];

/// What differs in nothing but what is judged. Objects that are named `gone` are not there, so that a command that
/// is allowed changes nothing; the door judges it all the same.
const COMMANDS: &str = "
run --rm --network none busybox true
run -d --rm --network none busybox true
run --rm --network none --user 7 -m 64m --pids-limit 50 --label team=x busybox true
create --network none busybox
create busybox
create --privileged busybox
create -v /srv/x:/x busybox
create -v /srv/../etc:/x busybox
create -v /etc:/x:ro busybox
create --mount type=bind,src=/etc,dst=/x busybox
create --mount type=volume,dst=/x,volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/etc busybox
create -v data:/x -m 64m busybox
create -v other:/x -m 64m busybox
create --cap-add net_admin busybox
create --cap-add CAP_SYS_ADMIN busybox
create --cap-add all busybox
create --device /dev/null busybox
create --device-cgroup-rule c~1:3~rwm busybox
create --gpus all busybox
create --pid host busybox
create --ipc host busybox
create --uts host busybox
create --userns host busybox
create --cgroupns host busybox
create --network host busybox
create --network container:web -m 64m busybox
create --cgroup-parent /x busybox
create --security-opt seccomp=unconfined busybox
create --security-opt label=disable busybox
create --security-opt no-new-privileges busybox
create --security-opt systempaths=unconfined busybox
create --sysctl net.core.somaxconn=1 busybox
create --runtime runc busybox
create --log-driver syslog --log-opt syslog-address=udp://127.0.0.1:1 busybox
create --log-opt max-size=1m busybox
create --annotation a=b busybox
create --group-add 8 -m 64m busybox
create -p 8080:80 -m 64m busybox
create -p 127.0.0.1:9090:80 -m 64m busybox
create --tmpfs /x:size=1m -m 64m busybox
create --volumes-from web -m 64m busybox
create --link web:x -m 64m busybox
create -m 64m other
create -m 64m --memory-swap -1 busybox
exec web true
exec -d web true
exec --privileged web true
exec --user 9 web true
start idle
start -a idle
update --memory 32m --memory-swap 64m idle
update --memory 128m --memory-swap 256m idle
update --pids-limit -1 idle
update --restart no idle
logs web
top web
top web eww
stats --no-stream web
port web
diff web
export gone
inspect web
inspect --type image busybox
cp web:/etc/passwd -
cp /etc/hostname web:/tmp/x
rename gone other
pause gone
rm -f gone
wait gone
ps
ps --filter name=web
images
history busybox
rmi gone
save -o CONTEXT/UID busybox
tag gone ci/app
tag busybox other
load -i /dev/null
import /dev/null ci/app
commit gone ci/app
pull r.invalid/x
pull busybox:no-such
push r.invalid/x
push ci/app
search busybox
search r.invalid/x
login -u x -p y r.invalid
build --network host CONTEXT/src
build CONTEXT/src
build -m 64m --security-opt seccomp=unconfined CONTEXT/src
builder prune -f
network create -o com.docker.network.bridge.name=eth0 gone
network create -d macvlan gone
network ls
network inspect bridge
network connect bridge gone
network disconnect bridge gone
network rm gone
volume create --driver other data
volume create -o type=none -o o=bind -o device=/etc bad
volume ls
volume inspect data
volume rm gone
container prune -f --filter label=gone
system prune -f --filter label=gone
volume prune -f --filter label=gone
system df
info
version
events --since 1 --until 2
plugin ls
plugin enable gone
swarm init --advertise-addr 127.0.0.1
swarm leave
node ls
service ls
service create busybox
secret ls
";

/// For a shell.
fn quoted(line: &str) -> String {
    let word = |word: &str| {
        if word.contains('~') {
            format!("'{}'", word.replace('~', " "))
        } else {
            word.to_owned()
        }
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Each user tries one part of the commands in so many, unless `LOCKGATE_EXPLAIN_ALL` is set.
const SHARES: usize = 3;

fn policy() -> String {
    let role = |(uid, text): &(u32, &str)| {
        let name = format!("roles.r{uid}");
        let text = text.replace("ROLE", &name);
        format!("[{name}]\n{text}\n[[bindings]]\nuid = {uid}\nroles = [\"r{uid}\"]\n")
    };
    ROLES.iter().map(role).collect()
}

/// How docker shows a refusal: in the door's words, but for a connection that does not become a stream, and for the
/// head of a ping.
const REFUSALS: [&str; 3] = [
    "access denied",
    "unable to upgrade to tcp, received 403",
    "unknown server OS",
];

/// Each command of the table as one user; what explain and the door do not agree about.
fn differences(house: &House, number: usize, context: &str) -> (Vec<String>, BTreeSet<bool>) {
    let (uid, _) = ROLES[number];
    let (mut told, mut verdicts) = (Vec::new(), BTreeSet::new());
    let all = std::env::var_os("LOCKGATE_EXPLAIN_ALL").is_some();
    let commands = COMMANDS.lines().filter(|line| !line.is_empty()).enumerate();
    for (_, line) in commands.filter(|(at, _)| all || at % SHARES == number % SHARES) {
        let line = line
            .replace("CONTEXT", context)
            .replace("UID", &uid.to_string());
        let mut explain = program(binary("lockgate"));
        explain.args([
            "policy",
            "explain",
            &format!("uid={uid}"),
            &quoted(&line),
            "--policy",
        ]);
        let explained = run(explain.arg(house.policy()), b"");
        assert!(
            explained.code() <= 1 && !explained.stdout.is_empty(),
            "{explained}"
        );
        let mut docker = house.command(uid, "docker");
        docker.env("DOCKER_BUILDKIT", "0");
        let ended = run(
            docker.args(line.split(' ').map(|word| word.replace('~', " "))),
            b"",
        );
        let is_refused = ended.code() != 0 && REFUSALS.iter().any(|it| ended.stderr.contains(it));
        verdicts.insert(is_refused);
        if is_refused != (explained.code() == 1) {
            told.push(format!("{uid}: {line}\n{explained}\n{ended}"));
        }
    }
    (told, verdicts)
}

#[test]
fn explain_says_of_every_command_what_the_door_answers_to_docker() {
    let house = House::open_with(&policy());
    let context = tempfile::tempdir().unwrap();
    fs::create_dir(context.path().join("src")).unwrap();
    fs::write(context.path().join("src/Dockerfile"), "FROM busybox\n").unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(context.path(), everybody).unwrap();
    // One role is for objects with that label.
    house.root("run -d --name web --network none --label team=x busybox sleep 600");
    house.root("create --name idle --label team=x --network none busybox true");
    house.root("volume create --label team=x data");
    house.root("tag busybox other");
    let (house, context) = (&house, context.path().to_str().unwrap());
    let all: Vec<_> = std::thread::scope(|scope| {
        let mut running = Vec::new();
        for number in 0..ROLES.len() {
            running.push(scope.spawn(move || differences(house, number, context)));
        }
        running.into_iter().map(|it| it.join().unwrap()).collect()
    });
    for ((_, verdicts), (uid, text)) in all.iter().zip(ROLES) {
        let is_total = text.starts_with("allow = [\"*\"]") && !text.contains("deny");
        let both = BTreeSet::from([false, !is_total]);
        assert_eq!(*verdicts, both, "{uid} is refused all or nothing");
    }
    let differ: Vec<String> = all.into_iter().flat_map(|(told, _)| told).collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
