//! A role that has some pieces of power over the host, and whoever has it asks for others: by odd spellings, by ways
//! around, by bodies that old daemons read. On our engine and at a door before a stock dockerd.
//! Threats: body-escalation, symlink-bind.

use std::path::Path;

use serde_json::{Value, json};

use crate::ownership::{BOB, House};

/// Has the pieces.
const PIECES: u32 = 2006;

fn roles(shown: &Path) -> String {
    format!(
        "[roles.pieces]\nallow = [\"operator\"]\n[roles.pieces.host]\npaths = [\"{}:ro\"]\ncapabilities = [\"NET_ADMIN\"]\n\
         devices = [\"/dev/null\"]\nsysctls = [\"net.core.*\"]\n[roles.pieces.only]\npublished_ports = [\"8080\"]\n\
         [[bindings]]\nuid = {PIECES}\nroles = [\"pieces\"]\n",
        shown.display()
    )
}

fn create(house: &House, name: &str, host: &Value) -> (u16, String) {
    let mut host = host.clone();
    let defaults = [("NetworkMode", json!("none"))];
    for (key, value) in defaults {
        host.as_object_mut().unwrap().entry(key).or_insert(value);
    }
    let body = json!({ "Image": "busybox", "Cmd": ["touch", "/x/made"], "HostConfig": host });
    house.api(
        PIECES,
        "POST",
        &format!("/containers/create?name={name}"),
        Some(&body),
    )
}

#[track_caller]
fn is_refused(house: &House, host: &Value) {
    let (status, said) = create(house, "asked", host);
    assert!((400..500).contains(&status), "{host}: {status} {said}");
}

fn other_spellings_get_no_other_piece(house: &House) {
    let allowed = json!({ "CapAdd": ["cap_net_admin"], "Sysctls": { "net.core.somaxconn": "64" }, "Devices": [{ "PathOnHost": "/dev/./null", "PathInContainer": "/dev/n", "CgroupPermissions": "r" }] });
    let (status, said) = create(house, "allowed", &allowed);
    assert_eq!(status, 201, "{said}");
    house.docker(PIECES, "rm -f allowed").ok();
    for names in [
        json!(["ALL"]),
        json!(["all"]),
        json!(["CAP_ALL"]),
        json!(["sys_admin"]),
        json!([" NET_ADMIN", "SYS_ADMIN"]),
        json!(["NET_ADMIN", "cap_sys_admin"]),
        json!(["NET_ADMIN,SYS_ADMIN"]),
        json!(["CAP_CAP_SYS_ADMIN"]),
        json!(["NET_ADMIN\u{0}SYS_ADMIN"]),
    ] {
        is_refused(house, &json!({ "CapAdd": names }));
    }
    for path in [
        "/dev",
        "/dev/",
        "/dev/../dev/zero",
        "/dev/null/../zero",
        "/proc/self/root/dev/zero",
        "/dev/NULL",
        "dev/null",
        "vendor.example/device=/dev/null",
    ] {
        let device =
            json!({ "PathOnHost": path, "PathInContainer": "/dev/n", "CgroupPermissions": "rwm" });
        is_refused(house, &json!({ "Devices": [device] }));
    }
    for (key, mode) in [
        ("PidMode", "Host"),
        ("PidMode", " host"),
        ("PidMode", "host:"),
        ("PidMode", "container:"),
        ("PidMode", "/proc/1/ns/pid"),
        ("IpcMode", "HOST"),
        ("IpcMode", "container:"),
        ("UTSMode", "Host"),
        ("UsernsMode", "Host"),
        ("UsernsMode", "keep-id"),
        ("CgroupnsMode", "HOST"),
        ("NetworkMode", "Host"),
        ("NetworkMode", "container:"),
        ("NetworkMode", "ns:/proc/1/ns/net"),
        ("Runtime", "runc;x"),
        ("Runtime", "/bin/sh"),
        ("CgroupParent", "../.."),
        ("VolumeDriver", "../local"),
    ] {
        is_refused(house, &json!({ key: mode }));
    }
    for option in [
        "seccomp=unconfined",
        "seccomp:unconfined",
        "SECCOMP=unconfined",
        "label=disable",
        "label:type:spc_t",
        "apparmor=unconfined",
        "no-new-privileges=false",
        "systempaths=unconfined",
        "writable-cgroups=true",
        "unmask=ALL",
    ] {
        is_refused(house, &json!({ "SecurityOpt": [option] }));
    }
    for port in ["8080-8090", "1-8080", "0", "", "8081", "8080 8081", "+8081"] {
        let bindings = json!({ "80/tcp": [{ "HostPort": port }] });
        is_refused(house, &json!({ "PortBindings": bindings }));
    }
    is_refused(house, &json!({ "PortBindings": { "80/tcp": null } }));
    is_refused(
        house,
        &json!({ "PortBindings": { "80/tcp": [{ "HostPort": "8080" }, { "HostPort": "9090" }] } }),
    );
    is_refused(house, &json!({ "PublishAllPorts": true }));
}

/// A parameter is one of `net.core`, whatever stands behind the dot.
fn a_parameter_is_no_path(house: &House) {
    let delay = "/proc/sys/kernel/printk_ratelimit_burst";
    let before = std::fs::read_to_string(delay).unwrap();
    for key in [
        "net.core.x/../../../kernel/printk_ratelimit_burst",
        "net.core./../../kernel/printk_ratelimit_burst",
        "net.core.../../kernel.printk_ratelimit_burst",
        "net.core.//kernel/printk_ratelimit_burst",
    ] {
        let (status, said) = create(house, "tuned", &json!({ "Sysctls": { key: "11" } }));
        if status == 201 {
            let (status, said) = house.api(PIECES, "POST", "/containers/tuned/start", None);
            assert!(status >= 400, "{key}: {said}");
            house.docker(PIECES, "rm -f tuned").ok();
        } else {
            assert!((400..500).contains(&status), "{key}: {said}");
        }
        assert_eq!(std::fs::read_to_string(delay).unwrap(), before, "{key}");
    }
}

/// What is for looking only stays so, however the mode is written.
fn nobody_writes_where_he_may_look(house: &House, shown: &Path) {
    let path = shown.display();
    let mut hosts: Vec<Value> = [
        "ro",
        "ro,rw",
        "rw,ro",
        "ro,rshared",
        "ro,exec",
        "z,ro",
        "RO",
        "rw",
        "",
        "ro:rw",
        "rro",
    ]
    .map(|mode| json!({ "Binds": [format!("{path}:/x:{mode}")] }))
    .to_vec();
    hosts.push(json!({ "Binds": [format!("{path}:/x")] }));
    hosts.push(json!({ "Binds": [format!("{path}:/y:ro"), format!("{path}:/x:rw")] }));
    for (read_only, options) in [
        (json!(false), json!({})),
        (json!(true), json!({ "ReadOnlyNonRecursive": true })),
        (json!(true), json!({ "Propagation": "rshared" })),
        (json!(true), json!({ "CreateMountpoint": true })),
    ] {
        let mount = json!({ "Type": "bind", "Source": path.to_string(), "Target": "/x", "ReadOnly": read_only, "BindOptions": options });
        hosts.push(json!({ "Mounts": [mount] }));
    }
    let mut shows = 0;
    for host in hosts {
        let (status, said) = create(house, "looks", &host);
        if status == 201 {
            shows += 1;
            house.api(PIECES, "POST", "/containers/looks/start", None);
            house.api(PIECES, "POST", "/containers/looks/wait", None);
            house.docker(PIECES, "rm -f looks").ok();
        } else {
            // A mode that makes no sense is dockerd's 500.
            assert!(status >= 400, "{host}: {said}");
        }
        assert!(!shown.join("made").exists(), "{host}");
    }
    assert!(shows > 0, "it may look");
}

/// Daemons of long ago took a configuration when a container was started.
fn a_start_brings_no_configuration(house: &House) {
    let (status, said) = create(house, "plain", &json!({}));
    assert_eq!(status, 201, "{said}");
    let body =
        json!({ "Privileged": true, "Binds": ["/:/host"], "HostConfig": { "Privileged": true } });
    for version in ["", "/v1.12", "/v1.21", "/v1.23", "/v1.24", "/v1.41"] {
        house.api(
            PIECES,
            "POST",
            &format!("{version}/containers/plain/start"),
            Some(&body),
        );
        let (_, told) = house.api(PIECES, "GET", "/containers/plain/json", None);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["HostConfig"]["Privileged"], false, "{version}");
        assert_eq!(told["HostConfig"]["Binds"], Value::Null, "{version}");
        assert_eq!(told["Mounts"], json!([]), "{version}");
    }
    house.docker(PIECES, "rm -f plain").ok();
}

/// Who is root in a user namespace of his own is who he is outside.
fn root_of_ones_own_is_nobody_else(house: &House) {
    house
        .docker(BOB, "create --pull never --network none --name his busybox")
        .ok();
    house
        .docker(
            PIECES,
            "create --pull never --network none --name theirs busybox",
        )
        .ok();
    let mut inside = house.command(BOB, "unshare");
    let inside = inside.args([
        "--user",
        "--map-root-user",
        "docker",
        "ps",
        "-a",
        "--format",
        "{{.Names}}",
    ]);
    assert_eq!(lockgate_testkit::run(inside, b"").ok(), "his");
    house.docker(BOB, "rm his").ok();
    house.docker(PIECES, "rm theirs").ok();
}

fn some_pieces_are_not_the_whole(house: &House, shown: &Path) {
    other_spellings_get_no_other_piece(house);
    a_parameter_is_no_path(house);
    nobody_writes_where_he_may_look(house, shown);
    a_start_brings_no_configuration(house);
    root_of_ones_own_is_nobody_else(house);
}

// T: body-escalation, symlink-bind
#[test]
fn who_has_some_power_over_the_host_gets_no_other_by_odd_spellings() {
    let shown = tempfile::tempdir().unwrap();
    let house = House::open_with(&roles(shown.path()));
    some_pieces_are_not_the_whole(&house, shown.path());
}

// T: body-escalation, symlink-bind
#[test]
fn who_has_some_power_over_the_host_gets_no_other_before_a_stock_daemon_either() {
    let shown = tempfile::tempdir().unwrap();
    let house = House::guarding_with(&roles(shown.path()));
    some_pieces_are_not_the_whole(&house, shown.path());
}
