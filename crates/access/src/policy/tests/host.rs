//! Ways to the host that have no name of their own, in the words of one daemon or another.

use super::*;

/// A new container of this host configuration, by who has the role.
fn create(role: &str, host: &str) -> Grant {
    let body = format!("{{\"Image\":\"a\",\"User\":\"1000\",\"HostConfig\":{{{host}}}}}");
    request(
        &format!("[roles.x]\nallow = [\"operator\"]\n{role}"),
        "POST",
        "/containers/create",
        &body,
    )
}

// T: body-escalation
#[test]
fn what_only_another_daemon_takes_for_power_is_power() {
    for host in [
        r#""NetworkMode":"ns:/proc/1/ns/net""#,
        r#""NetworkMode":"slirp4netns:allow_host_loopback=true""#,
        r#""PidMode":"ns:/proc/1/ns/pid""#,
        r#""IpcMode":"ns:/proc/1/ns/ipc""#,
        r#""UTSMode":"ns:/proc/1/ns/uts""#,
        r#""UsernsMode":"ns:/proc/1/ns/user""#,
        r#""UsernsMode":"keep-id""#,
        r#""CgroupnsMode":"ns:/proc/1/ns/cgroup""#,
        r#""PidMode":"HOST""#,
        r#""LogConfig":{"Type":"json-file","Config":{"path":"/etc/cron.d/x"}}"#,
        r#""Annotations":{"org.systemd.property.DevicePolicy":"'auto'"}"#,
        r#""Annotations":{"run.oci.hooks.stdout":"/etc/cron.d/x"}"#,
        r#""SecurityOpt":["no-new-privileges:false"]"#,
        r#""SecurityOpt":["no-new-privileges=0"]"#,
        r#""Mounts":[{"Type":"volume","Target":"/x,src=bobs-data"}]"#,
        r#""Mounts":[{"Type":"volume","Source":"v,readonly","Target":"/x"}]"#,
        r#""Mounts":[{"Type":"tmpfs","Target":"/x\n"}]"#,
        r#""Mounts":[{"Type":"glob","Source":"/e*","Target":"/x"}]"#,
    ] {
        let grant = create("", host);
        assert!(matches!(grant, Grant::Power { .. }), "{host}: {grant:?}");
        assert!(is_allowed(&create("powers = true", host)), "{host}");
    }
    for host in [
        r#""IpcMode":"shareable","PidMode":"","UTSMode":"","CgroupnsMode":"private""#,
        r#""NetworkMode":"default""#,
        r#""LogConfig":{"Type":"json-file","Config":{"max-size":"1m","labels":"a"}}"#,
        r#""SecurityOpt":["no-new-privileges","no-new-privileges:true"]"#,
        r#""Annotations":{}"#,
        r#""Mounts":[{"Type":"volume","Source":"v","Target":"/x"}]"#,
    ] {
        let grant = create("", host);
        assert!(is_allowed(&grant), "{host}: {grant:?}");
    }
    let key = r#"{"Image":"a","Volumes":{"/:/host":{}}}"#;
    let grant = request(OPERATOR, "POST", "/containers/create", key);
    assert!(matches!(grant, Grant::Power { .. }), "{grant:?}");
}

// T: symlink-bind
#[test]
fn a_volume_shows_no_path_but_those_of_the_role() {
    let role = "host = { paths = [\"/usr/share\"], drivers = [\"local\"] }";
    for (options, allowed) in [
        (r#""type":"none","o":"bind","device":"/usr/share""#, true),
        (
            r#""type":"none","o":"rbind","device":"/usr/share/doc""#,
            true,
        ),
        (r#""type":"nfs","o":"addr=192.0.2.1","device":":/x""#, true),
        (r#""type":"tmpfs","device":"tmpfs","o":"size=1m""#, true),
        (r#""o":"size=1m""#, true),
        (r#""type":"none","o":"bind","device":"/etc""#, false),
        (
            r#""type":"none","o":"bind","device":"/usr/share/../../etc""#,
            false,
        ),
        // From wherever the daemon stands.
        (r#""type":"none","o":"bind","device":"etc""#, false),
        (r#""type":"none","o":"bind","device":"../etc""#, false),
        (r#""type":"tmpfs","o":"bind","device":"/etc""#, false),
        (r#""type":"nfs","o":"remount,rbind","device":"etc""#, false),
        (
            r#""type":"overlay","o":"lowerdir=/etc:/tmp","device":"overlay""#,
            false,
        ),
        (
            r#""type":"overlay","o":"lowerdir=/etc:/tmp","device":"/usr/share""#,
            false,
        ),
        (r#""type":"devtmpfs","device":"devtmpfs""#, false),
        (r#""type":"proc","device":"/usr/share""#, false),
        (r#""type":"ext4","device":"/dev/sda1""#, false),
    ] {
        let volume = format!("{{\"Name\":\"v\",\"DriverOpts\":{{{options}}}}}");
        let policy = format!("[roles.x]\nallow = [\"operator\"]\n{role}");
        let grant = request(&policy, "POST", "/volumes/create", &volume);
        assert_eq!(is_allowed(&grant), allowed, "{options}: {grant:?}");
        let mount = format!(
            "\"Mounts\":[{{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/x\",\"VolumeOptions\":{{\"DriverConfig\":{{\"Options\":{{{options}}}}}}}}}]"
        );
        let grant = create(role, &mount);
        assert_eq!(is_allowed(&grant), allowed, "{mount}: {grant:?}");
    }
}

#[test]
fn patterns_of_devices_and_control_groups_are_not_walked_out_of() {
    let role = "host = { devices = [\"/dev/snd/*\"], cgroups = [\"/ci/*\", \"ci.slice\"] }";
    for (host, allowed) in [
        (r#""Devices":[{"PathOnHost":"/dev/snd/timer"}]"#, true),
        (r#""Devices":[{"PathOnHost":"/dev//snd/./timer"}]"#, true),
        (r#""Devices":[{"PathOnHost":"/dev/snd/../sda"}]"#, false),
        (r#""CgroupParent":"/ci/a""#, true),
        (r#""CgroupParent":"ci.slice""#, true),
        (r#""CgroupParent":"/ci/../system.slice""#, false),
    ] {
        let grant = create(role, host);
        assert_eq!(is_allowed(&grant), allowed, "{host}: {grant:?}");
    }
}

#[test]
fn a_read_only_path_is_read_only_with_all_below_it() {
    let role = "host = { paths = [\"/usr/share:ro\"] }";
    for (options, allowed) in [
        ("", true),
        (r#","BindOptions":{"ReadOnlyForceRecursive":true}"#, true),
        (r#","BindOptions":{"ReadOnlyNonRecursive":true}"#, false),
    ] {
        let host = format!(
            "\"Mounts\":[{{\"Type\":\"bind\",\"Source\":\"/usr/share\",\"Target\":\"/x\",\"ReadOnly\":true{options}}}]"
        );
        assert_eq!(is_allowed(&create(role, &host)), allowed, "{options}");
    }
}

#[test]
fn groups_beside_the_users_own_are_for_who_has_them() {
    for (users, groups, allowed) in [
        ("[\"1000\"]", "[]", true),
        ("[\"1000\"]", "[\"0\"]", false),
        ("[\"1000\", \"1000:44\"]", "[\"44\"]", true),
        ("[\"1000\", \"1000:44\"]", "[\"44\",\"docker\"]", false),
        ("[\"1000*\"]", "[\"0\"]", true),
    ] {
        let role = format!("only = {{ users = {users} }}");
        let grant = create(&role, &format!("\"GroupAdd\":{groups}"));
        assert_eq!(is_allowed(&grant), allowed, "{users} {groups}: {grant:?}");
    }
}

// T: indirect-object
#[test]
fn a_label_is_not_forged_by_a_key_that_holds_the_value() {
    for key in ["lockgate.owner", "lockgate.owner=cn", "lockgate.owner="] {
        let body = format!("{{\"Image\":\"a\",\"Labels\":{{\"{key}\":\"bob\"}}}}");
        let grant = request(OPERATOR, "POST", "/containers/create", &body);
        assert!(matches!(grant, Grant::Condition { .. }), "{key}: {grant:?}");
    }
}
