//! What calls have to keep to: a container that keeps to everything is permitted, and each case differs in one thing.

use anyhow::Result;
use lockgate_testkit::busybox_archive;

use crate::case::{Case, Run, Verdict};
use crate::target::{Endpoint, Who};
use crate::wire::Answer;

macro_rules! kept {
    ($id:literal, $title:literal, $but:literal) => {
        Case {
            id: concat!("only-", $id),
            title: $title,
            sends: concat!("create with `", $but, "`"),
            run: Run::Kept($but),
        }
    };
}

macro_rules! ask {
    ($id:literal, $title:literal, $method:literal, $path:literal) => {
        Case {
            id: concat!("only-", $id),
            title: $title,
            sends: concat!("`", $method, " ", $path, "`"),
            run: Run::Ask(Who::Kept, $method, $path, None),
        }
    };
    ($id:literal, $title:literal, $method:literal, $path:literal, $body:literal) => {
        Case {
            id: concat!("only-", $id),
            title: $title,
            sends: concat!("`", $method, " ", $path, "` with `", $body, "`"),
            run: Run::Ask(Who::Kept, $method, $path, Some($body)),
        }
    };
}

macro_rules! call {
    ($id:literal, $title:literal, $sends:literal, $run:expr) => {
        Case {
            id: concat!("only-", $id),
            title: $title,
            sends: $sends,
            run: Run::Call($run),
        }
    };
}

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    kept!("image", "another image", r#"{"Image":"attack-evil"}"#),
    kept!("image-id", "the same by its id", r#"{"Image":"sha256:{id}"}"#),
    kept!("image-digits", "the same by the digits of its id", r#"{"Image":"{id}"}"#),
    kept!("image-short", "the same by the start of its id", r#"{"Image":"{short}"}"#),
    kept!("image-tag", "another tag of a permitted image", r#"{"Image":"busybox:evil"}"#),
    kept!("image-registry", "a permitted name in another registry", r#"{"Image":"localhost:5000/busybox"}"#),
    kept!("image-mount", "the files of another image", r#"{"HostConfig":{"Mounts":[{"Type":"image","Source":"attack-evil","Target":"/i"}]}}"#),
    kept!("user", "another user", r#"{"User":"0"}"#),
    kept!("user-image", "whatever user the image says", r#"{"User":""}"#),
    kept!("user-group", "another group", r#"{"User":"1000:0"}"#),
    kept!("group-add", "another group besides", r#"{"HostConfig":{"GroupAdd":["0"]}}"#),
    kept!("network", "another network", r#"{"HostConfig":{"NetworkMode":"bridge"}}"#),
    kept!("network-default", "another network by no name", r#"{"HostConfig":{"NetworkMode":""}}"#),
    kept!("network-endpoint", "a second network", r#"{"HostConfig":{"NetworkMode":"bridge"},"NetworkingConfig":{"EndpointsConfig":{"bridge":{}}}}"#),
    kept!("network-container", "whatever network a container is on", r#"{"HostConfig":{"NetworkMode":"container:{c}"}}"#),
    kept!("port", "another port", r#"{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"80"}]}}}"#),
    kept!("port-any", "any port", r#"{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":""}]}}}"#),
    kept!("port-range", "a range beyond the end", r#"{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8999-9001"}]}}}"#),
    kept!("port-all", "all ports of the image", r#"{"HostConfig":{"PublishAllPorts":true}}"#),
    kept!("volume", "another volume", r#"{"HostConfig":{"Binds":["attack-volume:/d"]}}"#),
    kept!("volume-mount", "the same as a mount", r#"{"HostConfig":{"Mounts":[{"Type":"volume","Source":"attack-volume","Target":"/d"}]}}"#),
    kept!("volume-from", "the same through its container", r#"{"HostConfig":{"VolumesFrom":["{c}"]}}"#),
    kept!("path", "a path beside the given one", r#"{"HostConfig":{"Binds":["/etc:/d:ro"]}}"#),
    kept!("path-dots", "the same by a way around", r#"{"HostConfig":{"Binds":["{given}/../given-not:/d:ro"]}}"#),
    kept!("path-prefix", "a path that begins with the same letters", r#"{"HostConfig":{"Binds":["{given}-not:/d:ro"]}}"#),
    kept!("path-link", "a link below the given path", r#"{"HostConfig":{"Binds":["{given}/out:/d:ro"]}}"#),
    kept!("path-link-below", "a path through such a link", r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"{given}/out/ssl","Target":"/d","ReadOnly":true}]}}"#),
    kept!("path-dangling", "a link to what is not there yet", r#"{"HostConfig":{"Binds":["{given}/dangling:/d:ro"]}}"#),
    kept!("path-write", "writing where looking is given", r#"{"HostConfig":{"Binds":["{given}:/d"]}}"#),
    kept!("path-write-below", "writing to what is mounted below", r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"{given}","Target":"/d","ReadOnly":true,"BindOptions":{"ReadOnlyNonRecursive":true}}]}}"#),
    kept!("path-volume", "the options of a volume", r#"{"HostConfig":{"Mounts":[{"Type":"volume","Source":"kept-a","Target":"/d","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"none","o":"bind,ro","device":"{given}/out"}}}}]}}"#),
    kept!("path-volume-relative", "the same from where the daemon stands", r#"{"HostConfig":{"Mounts":[{"Type":"volume","Source":"kept-b","Target":"/d","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"none","o":"bind,ro","device":"etc"}}}}]}}"#),
    kept!("path-volume-overlay", "the same as layers", r#"{"HostConfig":{"Mounts":[{"Type":"volume","Source":"kept-c","Target":"/d","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"overlay","o":"lowerdir=/etc:/tmp","device":"overlay"}}}}]}}"#),
    kept!("memory", "no limit of the memory", r#"{"HostConfig":{"Memory":0}}"#),
    kept!("memory-over", "more memory", r#"{"HostConfig":{"Memory":134217728}}"#),
    kept!("memory-swap", "no limit of the swap", r#"{"HostConfig":{"MemorySwap":-1}}"#),
    kept!("cpus", "no limit of processors", r#"{"HostConfig":{"NanoCpus":0}}"#),
    kept!("cpus-quota", "more processors in other words", r#"{"HostConfig":{"NanoCpus":0,"CpuPeriod":1000,"CpuQuota":2000}}"#),
    kept!("pids", "no limit of processes", r#"{"HostConfig":{"PidsLimit":0}}"#),
    kept!("pids-below", "no limit of processes in other words", r#"{"HostConfig":{"PidsLimit":-1}}"#),
    kept!("pids-null", "no limit of processes by saying nothing", r#"{"HostConfig":{"PidsLimit":null}}"#),
    kept!("label", "no label", r#"{"Labels":null}"#),
    kept!("label-other", "another value of the label", r#"{"Labels":{"team":"other"}}"#),
    ask!("update-pids", "the limit of processes taken away", "POST", "/containers/{c}/update", r#"{"PidsLimit":0}"#),
    ask!("update-pids-below", "the same in other words", "POST", "/containers/{c}/update", r#"{"PidsLimit":-1}"#),
    ask!("update-swap", "the limit of the swap taken away", "POST", "/containers/{c}/update", r#"{"MemorySwap":-1}"#),
    ask!("update-quota", "the limit of processors taken away", "POST", "/containers/{c}/update", r#"{"CpuQuota":-1}"#),
    ask!("update-period", "the same by its period", "POST", "/containers/{c}/update", r#"{"CpuPeriod":1000}"#),
    ask!("update-memory", "more memory, later", "POST", "/containers/{c}/update", r#"{"Memory":134217728,"MemorySwap":268435456}"#),
    ask!("exec-user", "a process of another user", "POST", "/containers/{c}/exec", r#"{"Cmd":["id"],"User":"0"}"#),
    ask!("exec-privileged", "a privileged process", "POST", "/containers/{c}/exec", r#"{"Cmd":["id"],"Privileged":true}"#),
    ask!("network-connect", "another network, later", "POST", "/networks/bridge/connect", r#"{"Container":"{c}"}"#),
    ask!("tag", "a permitted name for another image", "POST", "/images/attack-evil/tag?repo=kept%2Fx"),
    ask!("tag-out", "another name for a permitted image", "POST", "/images/busybox/tag?repo=attack-out"),
    ask!("tag-beside", "another tag for a permitted image", "POST", "/images/busybox/tag?repo=busybox&tag=other"),
    ask!("commit", "a permitted name for a container of another image", "POST", "/commit?container={s}&repo=kept%2Fx", "{}"),
    ask!("commit-out", "another name for a container", "POST", "/commit?container={c}&repo=attack-out", "{}"),
    ask!("commit-tag", "another tag for a container", "POST", "/commit?container={c}&repo=busybox&tag=other", "{}"),
    ask!("service", "a container through the swarm", "POST", "/services/create", r#"{"Name":"attack","TaskTemplate":{"ContainerSpec":{"Image":"attack-evil"}}}"#),
    ask!("login", "the daemon sent to a registry", "POST", "/auth", r#"{"serveraddress":"127.0.0.1:1","username":"a","password":"b"}"#),
    ask!("search", "the daemon sent to a registry", "GET", "/images/search?term=127.0.0.1:1%2Fx"),
    ask!("pull", "the daemon sent to a registry", "POST", "/images/create?fromImage=127.0.0.1:1%2Fx&tag=1"),
    call!("build", "a build from another image under a permitted name", "`POST /build?t=kept/x` of `FROM attack-evil`", |endpoint| build(endpoint, "FROM attack-evil\n")),
    call!("build-copy", "the files of another image in a build", "`COPY --from=attack-evil`", |endpoint| build(endpoint, "FROM busybox\nCOPY --from=attack-evil /etc/passwd /p\n")),
    call!("build-user", "a build step as another user", "`FROM busybox` and `USER 0`", |endpoint| build(endpoint, "FROM busybox\nUSER 0\nRUN id\n")),
    call!("load", "another image in an archive under a permitted name", "`POST /images/load`", load),
    call!("import", "files as an image under a permitted name", "`POST /images/create?fromSrc=-&repo=kept/x`", import),
    call!("session", "the builder's own protocol, whose calls nobody judges", "`POST /session` with `Upgrade: h2c`", |endpoint| upgrade(endpoint, "session")),
    call!("grpc", "the builder's own protocol, whose calls nobody judges", "`POST /grpc` with `Upgrade: h2c`", |endpoint| upgrade(endpoint, "grpc")),
];

fn answered(answer: &Answer) -> Verdict {
    if answer.is_success() && !answer.text().contains("\"errorDetail\"") {
        Verdict::leaked(answer.summary())
    } else {
        Verdict::refused(answer.summary())
    }
}

fn send(endpoint: &Endpoint, path: &str, archive: &[u8]) -> Result<Verdict> {
    let kind = "application/x-tar";
    let answer = endpoint.ask_as(Who::Kept, "POST", path, kind, Some(archive))?;
    endpoint.ask(Who::Admin, "DELETE", "/images/kept/x?force=1", None)?;
    Ok(answered(&answer))
}

fn build(endpoint: &Endpoint, dockerfile: &str) -> Result<Verdict> {
    let path = "/build?t=kept%2Fx&networkmode=none&memory=67108864&cpuquota=50000&cpuperiod=100000";
    send(endpoint, path, &file("Dockerfile", dockerfile)?)
}

fn load(endpoint: &Endpoint) -> Result<Verdict> {
    send(
        endpoint,
        "/images/load",
        &busybox_archive(&["kept/x:latest"]),
    )
}

fn import(endpoint: &Endpoint) -> Result<Verdict> {
    let path = "/images/create?fromSrc=-&repo=kept%2Fx";
    send(endpoint, path, &file("bin", "")?)
}

fn upgrade(endpoint: &Endpoint, path: &str) -> Result<Verdict> {
    let mut wire = endpoint.connect(Who::Kept)?;
    wire.send(format!(
        "POST /{path} HTTP/1.1\r\nHost: e\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    ));
    Ok(answered(&wire.answer(false)))
}

/// An archive of one file.
fn file(name: &str, text: &str) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(text.len() as u64);
    tar.append_data(&mut header, name, text.as_bytes())?;
    Ok(tar.into_inner()?)
}
