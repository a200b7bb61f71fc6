use super::*;

fn endpoint(choice: &Choice, env: &[(&str, &str)]) -> Result<Endpoint, String> {
    let look = |name: &str| {
        env.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    choice
        .resolve(&look, &ConfigFile::default())
        .map_err(|failure| failure.to_string())
}

#[test]
fn reads_every_kind_of_address() {
    for (text, tls, url) in [
        ("unix:///a/b", false, "unix:///a/b"),
        ("tcp://h", false, "tcp://h:2375"),
        ("tcp://h", true, "tcp://h:2376"),
        ("h:1", true, "tcp://h:1"),
        ("tcp://[::1]:5", true, "tcp://[::1]:5"),
        ("tcp://:5", true, "tcp://localhost:5"),
        ("tcp://h:1/sub", true, "tcp://h:1/sub"),
        ("ssh://me@h:22", false, "ssh://me@h:22"),
    ] {
        assert_eq!(parse_host(text, tls).unwrap().0, url, "{text}");
    }
    for bad in [
        "foo://x",
        "tcp://h:port",
        "ssh://",
        "ssh://-oProxyCommand=x",
        "tcp://[::1",
    ] {
        assert!(parse_host(bad, false).is_err(), "{bad}");
    }
}

#[test]
fn a_host_flag_beats_the_environment_which_beats_the_default() {
    let flag = Choice {
        hosts: vec!["tcp://a:1".into()],
        ..Choice::default()
    };
    let env = [("DOCKER_HOST", "tcp://b:1")];
    assert_eq!(endpoint(&flag, &env).unwrap().url, "tcp://a:1");
    assert_eq!(endpoint(&Choice::default(), &env).unwrap().url, "tcp://b:1");
    let both = [("DOCKER_HOST", "tcp://b:1"), ("LOCKGATE_HOST", "tcp://c:1")];
    assert_eq!(
        endpoint(&Choice::default(), &both).unwrap().url,
        "tcp://c:1"
    );
    assert_eq!(
        endpoint(&Choice::default(), &[]).unwrap().url,
        format!("unix://{DEFAULT_SOCKET}")
    );
}

#[test]
fn refuses_two_answers_to_the_same_question() {
    let two = Choice {
        hosts: vec!["a".into(), "b".into()],
        ..Choice::default()
    };
    assert!(
        endpoint(&two, &[])
            .unwrap_err()
            .ends_with("Specify only one -H")
    );
    let both = Choice {
        hosts: vec!["a".into()],
        context: Some("x".into()),
        ..Choice::default()
    };
    assert!(
        endpoint(&both, &[])
            .unwrap_err()
            .starts_with("conflicting options")
    );
}

#[test]
fn any_word_in_docker_tls_verify_means_yes() {
    let choice = Choice {
        hosts: vec!["tcp://h".into()],
        ca: Some("/dev/null".into()),
        ..Choice::default()
    };
    for (value, tls) in [("1", true), ("0", true), ("no", true), ("", false)] {
        let found = endpoint(&choice, &[("DOCKER_TLS_VERIFY", value)]).unwrap();
        assert_eq!(found.tls.is_some(), tls, "{value}");
        assert!(found.tls.is_none_or(|files| !files.skip_verify));
    }
}

#[test]
fn tls_without_verification_takes_any_server() {
    let mut choice = Choice {
        hosts: vec!["tcp://h".into()],
        ca: Some("/dev/null".into()),
        ..Choice::default()
    };
    choice.tls = true;
    assert!(endpoint(&choice, &[]).unwrap().tls.unwrap().skip_verify);
    choice.tls = false;
    choice.tls_verify = Some(false);
    assert!(endpoint(&choice, &[]).unwrap().tls.unwrap().skip_verify);
}

#[test]
fn a_missing_authority_file_is_named() {
    let choice = Choice {
        hosts: vec!["tcp://h".into()],
        tls: true,
        ca: Some("/nope/ca.pem".into()),
        ..Choice::default()
    };
    let message = endpoint(&choice, &[]).unwrap_err();
    assert!(
        message.ends_with("open /nope/ca.pem: no such file or directory"),
        "{message}"
    );
}
