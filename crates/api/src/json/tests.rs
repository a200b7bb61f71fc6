use lockgate_types::container::HostConfig;

use super::*;

fn host(text: &str) -> HostConfig {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> JsonError {
    match parse::<HostConfig>(text.as_bytes()) {
        Ok(_) => panic!("{text} was read"),
        Err(error) => error,
    }
}

// T: nextcloud-aio#8458
#[test]
fn keys_fold_to_known_fields() {
    assert!(host(r#"{"PRIVILEGED":true}"#).privileged);
    assert!(host(r#"{"privileged":true}"#).privileged);
    assert_eq!(
        host(r#"{"\u0042inds":["/:/h"]}"#).binds,
        Some(vec!["/:/h".to_owned()])
    );
    assert_eq!(
        host("{\"Bind\u{17f}\":[\"/:/h\"]}").binds,
        Some(vec!["/:/h".to_owned()])
    );
    assert_eq!(
        host("{\"Lin\u{212a}s\":[\"a\"]}").links,
        Some(vec!["a".to_owned()])
    );
}

#[test]
fn duplicates_are_refused_in_every_spelling() {
    for text in [
        r#"{"Privileged":true,"Privileged":false}"#,
        r#"{"Privileged":true,"privileged":false}"#,
        r#"{"Privileged":null,"privileged":true}"#,
        "{\"Binds\":[],\"Bind\u{17f}\":[]}",
        r#"{"Unknown":1,"unknown":2}"#,
        r#"{"Sysctls":{"a":"1","a":"2"}}"#,
    ] {
        assert!(matches!(refused(text), JsonError::Duplicate(_)), "{text}");
    }
}

#[test]
fn keys_that_are_data_keep_their_case() {
    let sysctls = host(r#"{"Sysctls":{"a":"1","A":"2"}}"#).sysctls.unwrap();
    assert_eq!(sysctls.len(), 2);
}

#[test]
fn null_is_the_default_everywhere() {
    let config = host(
        r#"{"Binds":null,"Privileged":null,"Memory":null,"LogConfig":null,"ConsoleSize":null,
            "PortBindings":{"80/tcp":null},"RestartPolicy":{"Name":null},"ShmSize":null}"#,
    );
    assert_eq!(config.port_bindings.unwrap().get("80/tcp"), Some(&None));
    assert_eq!(host("null"), HostConfig::default());
    assert_eq!(host(r#"{"Sysctls":{"a":null}}"#).sysctls.unwrap()["a"], "");
}

#[test]
fn nothing_is_coerced() {
    for (text, message) in [
        (
            r#"{"Privileged":"true"}"#,
            "invalid JSON: Privileged: cannot unmarshal string into type bool",
        ),
        (
            r#"{"Privileged":1}"#,
            "invalid JSON: Privileged: cannot unmarshal number into type bool",
        ),
        (
            r#"{"Memory":"1"}"#,
            "invalid JSON: Memory: cannot unmarshal string into type int64",
        ),
        (
            r#"{"Memory":1.0}"#,
            "invalid JSON: Memory: cannot unmarshal number 1.0 into type int64",
        ),
        (
            r#"{"memory":true}"#,
            "invalid JSON: Memory: cannot unmarshal bool into type int64",
        ),
        (
            r#"{"Binds":"a"}"#,
            "invalid JSON: Binds: cannot unmarshal string into type array",
        ),
        (
            r#"{"LogConfig":{"Config":{"a":1}}}"#,
            "invalid JSON: LogConfig.Config.a: cannot unmarshal number into type string",
        ),
        (
            "[]",
            "invalid JSON: cannot unmarshal array into type object",
        ),
    ] {
        assert_eq!(refused(text).to_string(), message);
    }
    assert!(matches!(
        refused(r#"{"BlkioWeight":70000}"#),
        JsonError::Type { .. }
    ));
}

#[test]
fn one_value_and_nothing_else() {
    for text in ["{} {}", "{}x", "{}\n[]", "{},"] {
        assert_eq!(refused(text), JsonError::Trailing, "{text}");
    }
    assert_eq!(refused(""), JsonError::Empty);
    assert_eq!(refused(" \n"), JsonError::Empty);
    assert!(matches!(refused("\u{feff}{}"), JsonError::Syntax(_)));
    assert!(matches!(
        refused("{\"Binds\":[\"\\ud800\"]}"),
        JsonError::Syntax(_)
    ));
    assert!(matches!(refused("{"), JsonError::Syntax(_)));
    host("{}\n");
}

#[test]
fn depth_has_an_end() {
    let nested = |levels: usize| format!("{{\"X\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    host(&nested(MAX_DEPTH - 1));
    assert_eq!(refused(&nested(MAX_DEPTH)), JsonError::Depth);
    assert_eq!(refused(&"[".repeat(100_000)), JsonError::Depth);
}

#[test]
fn words_and_texts_or_lists_are_read() {
    let config: lockgate_types::container::ContainerConfig =
        parse(br#"{"cmd":"ls","entrypoint":["a"],"Shell":null}"#).unwrap();
    assert_eq!(config.cmd, Some(vec!["ls".to_owned()]));
    assert_eq!(config.entrypoint, Some(vec!["a".to_owned()]));
    let mounts = host(r#"{"Mounts":[{"type":"bind","source":"/a","Target":"/b"}]}"#)
        .mounts
        .unwrap();
    assert_eq!(mounts[0].kind, lockgate_types::container::MountType::Bind);
}
