//! Calls about objects: what they enter, whose they are.

use super::*;

// T: indirect-object
#[test]
fn an_operator_does_not_get_into_a_container_that_has_more_power_than_it() {
    for (method, target, body) in [
        ("POST", "/containers/priv/exec", "{\"Cmd\":[\"sh\"]}"),
        ("POST", "/containers/aaaa/exec", "{\"Cmd\":[\"sh\"]}"),
        ("POST", "/containers/aa/exec", "{\"Cmd\":[\"sh\"]}"),
        ("POST", "/containers/priv/attach", ""),
        ("GET", "/containers/priv/attach/ws", ""),
        ("GET", "/containers/priv/archive?path=/", ""),
        ("PUT", "/containers/priv/archive?path=/", ""),
        ("GET", "/containers/priv/export", ""),
        ("POST", "/exec/exec-in-priv/start", "{}"),
        ("POST", "/commit?container=priv", ""),
    ] {
        let grant = request(
            "[roles.x]\nallow = [\"operator\", \"build\"]",
            method,
            target,
            body,
        );
        assert!(
            matches!(&grant, Grant::Power { wish } if wish.power == Power::Privileged),
            "{method} {target}: {grant:?}"
        );
    }
    for body in [
        r#"{"Image":"i","HostConfig":{"PidMode":"container:priv"}}"#,
        r#"{"Image":"i","HostConfig":{"NetworkMode":"container:aa"}}"#,
        r#"{"Image":"i","HostConfig":{"VolumesFrom":["priv:ro"]}}"#,
        r#"{"Image":"i","HostConfig":{"Binds":["etc:/x"]}}"#,
        r#"{"Image":"i","HostConfig":{"Mounts":[{"Type":"volume","Source":"etc","Target":"/x"}]}}"#,
    ] {
        let grant = request(OPERATOR, "POST", "/containers/create", body);
        assert!(matches!(grant, Grant::Power { .. }), "{body}: {grant:?}");
    }
    assert!(is_allowed(&request(
        OPERATOR,
        "POST",
        "/containers/bobs/exec",
        "{}"
    )));
    assert!(is_allowed(&request(
        OPERATOR,
        "POST",
        "/containers/priv/stop",
        ""
    )));
    let admin = "[roles.x]\nallow = [\"*\"]\npowers = true";
    assert!(is_allowed(&request(
        admin,
        "POST",
        "/containers/priv/exec",
        "{}"
    )));
}

// T: indirect-object
#[test]
fn what_one_prepared_another_does_not_start() {
    for (method, target) in [
        ("POST", "/exec/exec-of-bob/start"),
        ("POST", "/exec/exec-of-bob/resize"),
        ("GET", "/exec/exec-of-bob/json"),
    ] {
        let grant = request(OPERATOR, method, target, "");
        assert!(
            matches!(
                grant,
                Grant::Hidden {
                    kind: Kind::Exec,
                    ..
                }
            ),
            "{grant:?}"
        );
    }
}

#[test]
fn a_role_for_its_own_objects_sees_no_others() {
    let own = "[roles.x]\nallow = [\"operator\"]\nown = true";
    for (method, target, body, allowed) in [
        ("GET", "/containers/alices/json", "", true),
        ("GET", "/containers/b/json", "", true),
        ("GET", "/containers/bobs/json", "", false),
        ("GET", "/containers/cccc/json", "", false),
        ("DELETE", "/containers/bobs", "", false),
        ("POST", "/containers/bobs/exec", "{}", false),
        ("DELETE", "/volumes/bobs-data", "", false),
        ("POST", "/volumes/create", r#"{"Name":"bobs-data"}"#, false),
        ("POST", "/volumes/create", r#"{"Name":"new"}"#, true),
        ("GET", "/networks/bridge", "", true),
        ("GET", "/networks/bobs-net", "", false),
        (
            "POST",
            "/networks/bridge/connect",
            r#"{"Container":"bobs"}"#,
            false,
        ),
        ("POST", "/containers/create", r#"{"Image":"i"}"#, true),
        (
            "POST",
            "/containers/create",
            r#"{"Image":"i","HostConfig":{"Binds":["bobs-data:/x"]}}"#,
            false,
        ),
        (
            "POST",
            "/containers/create",
            r#"{"Image":"i","HostConfig":{"VolumesFrom":["bobs"]}}"#,
            false,
        ),
        (
            "POST",
            "/containers/create",
            r#"{"Image":"i","HostConfig":{"NetworkMode":"container:bobs"}}"#,
            false,
        ),
        (
            "POST",
            "/containers/create",
            r#"{"Image":"i","HostConfig":{"NetworkMode":"bobs-net"}}"#,
            false,
        ),
        (
            "POST",
            "/containers/create",
            r#"{"Image":"i","HostConfig":{"Links":["bobs:db"]}}"#,
            false,
        ),
    ] {
        let grant = request(own, method, target, body);
        assert_eq!(
            is_allowed(&grant),
            allowed,
            "{method} {target} {body}: {grant:?}"
        );
        if !allowed {
            assert!(matches!(grant, Grant::Hidden { .. }), "{grant:?}");
        }
    }
    let Grant::Allow { view, target, .. } = request(own, "GET", "/containers/b/json", "") else {
        panic!("refused")
    };
    assert_eq!(
        target.as_deref(),
        Some("bbbb"),
        "what was judged is what is done"
    );
    let scope = view.scope.unwrap();
    assert_eq!(
        scope.filters().collect::<Vec<_>>(),
        ["lockgate.owner=cn=alice"]
    );
    assert_eq!(view.owner.as_deref(), Some("cn=alice"));
}

// T: indirect-object
#[test]
fn labels_that_say_whose_an_object_is_are_not_for_everybody_to_set() {
    let team = "[roles.x]\nallow = [\"operator\"]\nown = true\nown_labels = { team = \"ci\" }";
    assert!(is_allowed(&request(
        team,
        "GET",
        "/containers/teams/json",
        ""
    )));
    let other = "[roles.x]\nallow = [\"operator\"]\n[roles.other]\nown_labels = { team = \"ci\" }";
    for (policy, labels, allowed) in [
        (team, r#"{"team":"ci"}"#, true),
        (team, r#"{"team":"prod"}"#, false),
        (other, r#"{"team":"ci"}"#, false),
        (other, r#"{"else":"x"}"#, true),
        (OPERATOR, r#"{"team":"ci"}"#, true),
        (OPERATOR, r#"{"lockgate.owner":"cn=bob"}"#, false),
    ] {
        for (target, body) in [
            (
                "/containers/create",
                format!("{{\"Image\":\"i\",\"Labels\":{labels}}}"),
            ),
            ("/volumes/create", format!("{{\"Labels\":{labels}}}")),
            (
                "/networks/create",
                format!("{{\"Name\":\"n\",\"Labels\":{labels}}}"),
            ),
        ] {
            let grant = request(policy, "POST", target, &body);
            assert_eq!(is_allowed(&grant), allowed, "{target} {labels}: {grant:?}");
        }
    }
}

// T: symlink-bind
#[test]
fn where_the_paths_of_ones_own_containers_lead_is_looked_at_again_at_every_start() {
    let may = |paths: &str, target: &str| {
        let role = format!("[roles.x]\nallow = [\"operator\"]\nhost = {{ paths = [{paths}] }}");
        is_allowed(&request(&role, "POST", target, ""))
    };
    for verb in ["start", "restart"] {
        let (hers, roots) = (
            format!("/containers/hers-in-etc/{verb}"),
            format!("/containers/roots-in-etc/{verb}"),
        );
        assert!(may("\"/etc\"", &hers));
        assert!(!may("\"/usr\"", &hers), "it leads elsewhere now");
        assert!(!may("\"/etc:ro\"", &hers));
        // What somebody with more power made runs with the power of its maker.
        assert!(may("\"/usr\"", &roots));
        assert!(
            may("", &hers),
            "a role without paths made no such container"
        );
    }
    assert!(may("\"/usr\"", "/containers/hers-in-etc/stop"));
}

// T: indirect-object
#[test]
fn the_names_in_a_body_mean_what_was_judged_and_nothing_that_comes_later() {
    let own = "[roles.x]\nallow = [\"operator\"]\nown = true";
    let body = r#"{"Image":"i","HostConfig":{"VolumesFrom":["alices"],"PidMode":"container:b","IpcMode":"container:later"}}"#;
    let meant = |role: &str| {
        let Grant::Allow { meant, .. } = request(role, "POST", "/containers/create", body) else {
            panic!("refused")
        };
        meant
    };
    let judged = meant(own);
    assert!(judged.is_known());
    for (kind, name, id) in [
        (Kind::Container, "alices", Some("bbbb")),
        (Kind::Container, "b", Some("bbbb")),
        (Kind::Container, "later", None),
        (Kind::Volume, "alices", None),
        (Kind::Network, "bridge", Some("bridge")),
    ] {
        assert_eq!(judged.id(kind, name), id, "{kind:?} {name}");
    }
    let whoever = meant("[roles.x]\nallow = [\"*\"]\npowers = true");
    assert!(!whoever.is_known());
    assert_eq!(whoever.id(Kind::Container, "later"), Some("later"));
}
