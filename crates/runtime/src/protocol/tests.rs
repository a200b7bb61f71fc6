use super::*;

fn samples() -> Vec<Request> {
    let id = ContainerId::random();
    let exec = ExecId::random();
    vec![
        Request::Create(Box::new(CreateRequest {
            id,
            bundle: "/run/x".into(),
            rootfs: Rootfs::Overlay {
                lower: vec!["/a".into(), "/b".into()],
                upper: "/u".into(),
                work: "/w".into(),
            },
            terminal: true,
            open_stdin: true,
            stdin_once: false,
            console_size: [24, 80],
            log: LogTarget::JsonFile {
                path: "/log".into(),
                max_size: Some(10),
                max_file: 3,
                attrs: BTreeMap::from([("tag".to_owned(), "x".to_owned())]),
                compressor: None,
            },
            exit_file: "/exit.json".into(),
            runtime: RuntimeChoice::External {
                path: "/runc".into(),
                args: vec!["--debug".to_owned()],
                root: "/r".into(),
            },
        })),
        Request::Start,
        Request::Kill {
            signal: 9,
            all: true,
        },
        Request::Resize {
            exec: Some(exec.clone()),
            height: 1,
            width: 2,
        },
        Request::Attach {
            stdin: true,
            stdout: true,
            stderr: false,
        },
        Request::Exec(Box::new(ExecRequest {
            exec,
            process: Process::default(),
            open_stdin: false,
            attach_stdout: true,
            attach_stderr: true,
            exit_file: None,
        })),
    ]
}

#[test]
fn messages_survive_the_wire_however_it_cuts_them() {
    let messages = samples();
    let wire: Vec<u8> = messages.iter().flat_map(|m| encode(m).unwrap()).collect();
    for step in [1, 2, 3, 7, 100, wire.len()] {
        let mut decoder = Decoder::new();
        let mut seen = Vec::new();
        for part in wire.chunks(step) {
            decoder.push(part);
            while let Some(message) = decoder.next_message::<Request>().unwrap() {
                seen.push(message);
            }
        }
        assert_eq!(seen, messages);
        assert!(decoder.take_rest().is_empty());
    }
}

#[test]
fn bytes_after_the_last_frame_belong_to_the_stream() {
    let mut decoder = Decoder::new();
    decoder.push(&encode(&Request::Start).unwrap());
    decoder.push(b"ab");
    assert_eq!(
        decoder.next_message::<Request>().unwrap(),
        Some(Request::Start)
    );
    assert!(decoder.next_message::<Request>().unwrap().is_none());
    assert_eq!(decoder.take_rest(), b"ab");
}

#[test]
fn refuses_lengths_of_zero_and_beyond_the_limit_before_reading_on() {
    for length in [0, MAX_FRAME + 1, u32::MAX as usize] {
        let mut decoder = Decoder::new();
        decoder.push(&u32::try_from(length).unwrap().to_le_bytes());
        let error = decoder.next_message::<Request>().unwrap_err();
        assert!(
            matches!(error, ProtocolError::Length(n) if n == length),
            "{error}"
        );
    }
}

#[test]
fn names_a_foreign_version_even_if_the_body_is_unknown() {
    let error = decode::<Request>(br#"{"v":2,"body":{"nova":1}}"#).unwrap_err();
    assert!(matches!(error, ProtocolError::Version(2)));
}

#[test]
fn refuses_what_is_no_message() {
    for json in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"v":1}"#,
        r#"{"v":1,"body":"nope"}"#,
        "{\"v\":1",
    ] {
        assert!(decode::<Request>(json.as_bytes()).is_err(), "{json}");
    }
    let deep = format!(
        "{{\"v\":1,\"body\":{}{}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    decode::<Request>(deep.as_bytes()).unwrap_err();
}

#[test]
fn failures_carry_their_kind_by_name() {
    let failure = ShimFailure {
        kind: ErrorKind::NotFound,
        message: "exec: \"nope\"".to_owned(),
    };
    let reply = Reply::Failed(failure);
    let frame = encode(&reply).unwrap();
    assert!(String::from_utf8_lossy(&frame).contains("\"NotFound\""));
    assert_eq!(decode::<Reply>(&frame[4..]).unwrap(), reply);
}
