//! Which requests the words come to.

use super::words::words;
use super::{calls, requests};

fn operations(line: &str) -> Vec<&'static str> {
    let calls = calls(line).unwrap_or_else(|error| panic!("{line}: {error:?}"));
    calls
        .iter()
        .map(|(call, _)| call.operation().name())
        .collect()
}

#[test]
fn commands_become_their_calls() {
    for (line, expected) in [
        (
            "docker run -v /:/host busybox",
            "ContainerCreate ContainerAttach ContainerWait ContainerStart",
        ),
        ("docker run -d busybox", "ContainerCreate ContainerStart"),
        (
            "docker create --device /dev/null busybox",
            "SystemPingHead ContainerCreate",
        ),
        (
            "docker run -d --pull always busybox",
            "ImageCreate ContainerCreate ContainerStart",
        ),
        (
            "exec web sh",
            "ContainerInspect ContainerExec ExecStart ExecInspect",
        ),
        ("exec -d web sh", "ContainerInspect ContainerExec ExecStart"),
        (
            "docker start -a web",
            "ContainerInspect ContainerAttach ContainerWait ContainerStart",
        ),
        ("docker container rm web", "ContainerDelete"),
        ("docker container ls", "ContainerList"),
        ("docker volume rm data", "VolumeDelete"),
        ("docker volume create --label a=b data", "VolumeCreate"),
        ("docker volume update data", "VolumeInspect VolumeUpdate"),
        ("docker pull busybox", "ImageCreate"),
        ("docker push a:1", "ImagePush"),
        ("docker image push a:1", "ImagePush"),
        ("docker rm -f web db", "ContainerDelete ContainerDelete"),
        ("docker stop web --time 5", "ContainerStop"),
        ("docker image rm a b", "ImageDelete ImageDelete"),
        ("docker image inspect a", "ImageInspect"),
        ("docker inspect --type image a", "ImageInspect"),
        ("docker inspect --type network a", "NetworkInspect"),
        ("docker container inspect a", "ContainerInspect"),
        ("docker network inspect a", "NetworkInspect"),
        ("docker network create -o mtu=1 a", "NetworkCreate"),
        ("docker network connect a b", "NetworkConnect"),
        ("docker network disconnect a b", "NetworkDisconnect"),
        ("docker save a b", "ImageGetAll"),
        ("docker tag a b:1", "ImageTag"),
        ("docker commit web", "ImageCommit"),
        ("docker load -i file", "ImageLoad"),
        ("docker import - a:1", "ImageCreate"),
        ("docker cp a:/x .", "ContainerArchive"),
        ("docker cp . a:/x", "PutContainerArchive"),
        ("docker update --pids-limit 0 web", "ContainerUpdate"),
        ("docker build -t a .", "ImageBuild"),
        ("docker image build -t a .", "ImageBuild"),
        ("docker builder build .", "ImageBuild"),
        ("docker builder prune -f", "BuildPrune"),
        ("docker buildx build .", "Session Grpc"),
        ("docker system df -v", "SystemDataUsage"),
        ("docker system info", "SystemInfo"),
        (
            "docker system prune -f",
            "ContainerPrune NetworkPrune ImagePrune BuildPrune",
        ),
        ("docker login -u a -p b r.example", "SystemAuth"),
        ("docker search busybox", "ImageSearch"),
        (
            "docker plugin install --grant-all-permissions x",
            "GetPluginPrivileges PluginPull PluginEnable",
        ),
        ("docker swarm init --advertise-addr 1.2.3.4", "SwarmInit"),
        (
            "docker service create --mount type=bind,src=/,dst=/x a",
            "ServiceCreate",
        ),
        ("docker checkpoint create web one", "CheckpointCreate"),
        ("docker logout", ""),
        ("docker context ls", ""),
    ] {
        assert_eq!(operations(line).join(" "), expected, "{line}");
    }
}

#[test]
fn a_bind_is_the_same_power_however_it_is_spelt() {
    for line in [
        "docker run -v /:/host busybox",
        "docker run --volume=/:/host busybox",
        "docker run -itv/:/host busybox",
        "docker run -it -v=/:/host busybox",
        "docker container run --mount 'type=bind,\"source=/\",target=/host' busybox",
    ] {
        let powers = calls(line).unwrap()[0].1.powers().to_vec();
        assert_eq!(powers, [lockgate_access::Power::HostPath], "{line}");
    }
}

#[test]
fn bodies_and_queries_carry_what_is_judged() {
    use lockgate_access::Power;
    for (line, power) in [
        ("docker build --network host .", Power::HostNamespace),
        ("docker build --cgroup-parent /x .", Power::ControlGroup),
        (
            "docker build --security-opt seccomp=unconfined .",
            Power::Security,
        ),
        (
            "docker volume create -o type=none -o o=bind -o device=/ v",
            Power::HostPath,
        ),
        ("docker volume create -d other v", Power::Driver),
        ("docker network create -d macvlan n", Power::HostNamespace),
        (
            "docker network create -o com.docker.network.bridge.name=eth0 n",
            Power::HostNamespace,
        ),
        (
            "docker network connect --driver-opt a=b n web",
            Power::HostNamespace,
        ),
        ("docker import http://example/x a:1", Power::Driver),
        ("docker buildx build .", Power::HostNamespace),
    ] {
        let calls = calls(line).unwrap();
        let powers: Vec<Power> = calls
            .iter()
            .flat_map(|(_, facts)| facts.powers().to_vec())
            .collect();
        assert!(powers.contains(&power), "{line}: {powers:?}");
    }
}

fn targets(line: &str) -> Vec<String> {
    let words = words(line).unwrap();
    let requests = requests(&words).unwrap();
    requests.into_iter().map(|request| request.target).collect()
}

#[test]
fn what_a_command_names_is_in_its_calls() {
    for (line, expected) in [
        ("docker stop web --time 5", "/containers/web/stop"),
        ("docker rm 'a?b'", "/containers/a%3Fb"),
        ("docker top web eww", "/containers/web/top?ps_args=eww"),
        (
            "docker commit web ci/app:1",
            "/commit?container=web&repo=ci%2Fapp&tag=1",
        ),
        (
            "docker tag a r.example:5000/b:2",
            "/images/a/tag?repo=r.example%3A5000%2Fb&tag=2",
        ),
        (
            "docker pull busybox",
            "/images/create?fromImage=busybox&tag=latest",
        ),
        ("docker pull -a busybox", "/images/create?fromImage=busybox"),
        ("docker push -a r.example/a", "/images/r.example/a/push"),
        (
            "docker push r.example/a",
            "/images/r.example/a/push?tag=latest",
        ),
        (
            "docker import - ci/app",
            "/images/create?fromSrc=-&repo=ci%2Fapp&tag=",
        ),
        (
            "docker pull 'busybox&fromSrc=x'",
            "/images/create?fromImage=busybox%26fromSrc%3Dx&tag=latest",
        ),
    ] {
        assert_eq!(targets(line), [expected], "{line}");
    }
    assert_eq!(targets("docker rm a b"), ["/containers/a", "/containers/b"]);
}

#[test]
fn what_is_not_understood_is_an_error_and_not_passed_over() {
    for line in [
        "docker run --privilegd busybox",
        "docker run -it --no-such-flag=1 busybox",
        "docker rm --no-such-flag web",
        "docker build --no-such-flag .",
        "docker build",
        "docker compose up",
        "docker stack deploy -c x y",
        "docker buildx create",
        "docker plugin nonsense",
        "docker -H tcp://elsewhere rm web",
        "docker cp a:/x b:/y",
        "docker inspect --type task a",
        "docker update web",
        "docker run 'busybox",
        "docker",
        "",
    ] {
        assert!(calls(line).is_err(), "{line}");
    }
}
