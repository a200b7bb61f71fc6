//! Processes added to running containers.

use lockgate_engine::{CreateExec, EventQuery, ExecStream, StartExec};
use lockgate_types::{ErrorKind, Timestamp};
use tokio::io::AsyncWriteExt as _;

use crate::fixture::{Fixture, read_all, read_until, unframe};

fn exec(script: &str) -> CreateExec {
    CreateExec {
        attach_stdout: true,
        attach_stderr: true,
        cmd: ["sh", "-c", script].map(str::to_owned).to_vec(),
        ..CreateExec::default()
    }
}

async fn start(fixture: &Fixture, container: &str, create: CreateExec) -> (String, ExecStream) {
    let id = fixture
        .execs()
        .create(container, create)
        .await
        .unwrap()
        .to_string();
    let stream = fixture
        .execs()
        .start(&id, StartExec::default())
        .await
        .unwrap()
        .unwrap();
    (id, stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_known_when_the_stream_ends() {
    let fixture = Fixture::new().await;
    let container = fixture.run("exec sleep 60").await;
    for _ in 0..20 {
        let (id, mut stream) =
            start(&fixture, &container, exec("echo a; echo b >&2; exit 4")).await;
        assert_eq!(
            unframe(&read_all(&mut stream).await),
            ("a\n".to_owned(), "b\n".to_owned())
        );
        let inspect = fixture.execs().inspect(&id).unwrap();
        assert_eq!((inspect.running, inspect.exit_code), (false, Some(4)));
        assert!(inspect.pid > 0);
    }
    fixture.remove(&container).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn input_user_directory_and_environment_are_the_execs_own() {
    let fixture = Fixture::new().await;
    let container = fixture.run("exec sleep 60").await;
    let create = CreateExec {
        attach_stdin: true,
        user: "user".to_owned(),
        working_dir: "/tmp".to_owned(),
        env: vec!["E=f".to_owned()],
        ..exec("cat; id -u; pwd; echo $E $FROM_IMAGE")
    };
    let (_, mut stream) = start(&fixture, &container, create).await;
    stream.write_all(b"in\n").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(
        unframe(&read_all(&mut stream).await).0,
        "in\n1000\n/tmp\nf yes\n"
    );
    fixture.remove(&container).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_has_a_size_that_can_be_changed() {
    let fixture = Fixture::new().await;
    let container = fixture.run("exec sleep 60").await;
    let create = CreateExec {
        attach_stdin: true,
        tty: true,
        console_size: Some([5, 6]),
        ..exec("stty size; read x; stty size")
    };
    let (id, mut stream) = start(&fixture, &container, create).await;
    assert!(stream.is_raw());
    read_until(&mut stream, "5 6\r\n").await;
    fixture.execs().resize(&id, 7, 8).await.unwrap();
    stream.write_all(b"\r").await.unwrap();
    read_until(&mut stream, "7 8\r\n").await;
    read_all(&mut stream).await;
    fixture.remove(&container).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_exec_runs_on_its_own() {
    let fixture = Fixture::new().await;
    let container = fixture
        .run("while ! test -e /flag; do sleep 0.02; done; exit 6")
        .await;
    let id = fixture
        .execs()
        .create(&container, exec("touch /flag"))
        .await
        .unwrap();
    let how = StartExec {
        detach: true,
        ..StartExec::default()
    };
    assert!(
        fixture
            .execs()
            .start(id.as_str(), how)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(fixture.wait(&container).await.status_code, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_dockers() {
    let fixture = Fixture::new().await;
    let container = fixture.run("exec sleep 60").await;
    let execs = fixture.execs();
    let empty = CreateExec {
        cmd: vec![],
        ..exec("")
    };
    let error = execs.create(&container, empty).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::InvalidInput, "No exec command specified")
    );
    let error = execs.inspect("nope").unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::NotFound, "No such exec instance: nope")
    );

    let missing = CreateExec {
        cmd: vec!["nope".to_owned()],
        ..exec("")
    };
    let id = execs.create(&container, missing).await.unwrap();
    let error = execs
        .start(id.as_str(), StartExec::default())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "OCI runtime exec failed: exec failed: unable to start container process: exec: \"nope\": executable file not found in $PATH: unknown"
    );
    assert_eq!(execs.inspect(id.as_str()).unwrap().exit_code, Some(127));
    assert_eq!(
        execs
            .start(id.as_str(), StartExec::default())
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Conflict
    );

    fixture.containers().pause(&container).await.unwrap();
    let error = execs.create(&container, exec("true")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Container {container} is paused, unpause the container before exec")
    );
    fixture.containers().unpause(&container).await.unwrap();
    fixture.containers().kill(&container, None).await.unwrap();
    let error = execs.create(&container, exec("true")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (
            ErrorKind::Conflict,
            format!("container {container} is not running")
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exec_ends_with_its_container() {
    let fixture = Fixture::new().await;
    let container = fixture.run("exec sleep 60").await;
    let (id, mut stream) = start(&fixture, &container, exec("echo up; exec sleep 60")).await;
    read_until(&mut stream, "up\n").await;
    assert_eq!(
        fixture.inspect(&container).await.exec_ids,
        Some(vec![id.clone()])
    );
    fixture.containers().kill(&container, None).await.unwrap();
    read_all(&mut stream).await;
    assert_eq!(fixture.execs().inspect(&id).unwrap().exit_code, Some(137));
}

#[tokio::test(flavor = "multi_thread")]
async fn execs_are_told_as_events() {
    let fixture = Fixture::new().await;
    let container = fixture.run("exec sleep 60").await;
    let create = CreateExec {
        cmd: vec!["true".to_owned()],
        ..exec("")
    };
    let (id, mut stream) = start(&fixture, &container, create).await;
    read_all(&mut stream).await;
    let query = EventQuery {
        since: Some(Timestamp::ZERO),
        until: Some(Timestamp::now()),
        ..EventQuery::default()
    };
    let mut events = fixture.events().subscribe(query).unwrap();
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        if event.attributes.get("execID") == Some(&id) {
            seen.push((event.action, event.attributes.get("exitCode").cloned()));
        }
    }
    let expected = [
        ("exec_create: true ".to_owned(), None),
        ("exec_start: true ".to_owned(), None),
        ("exec_die".to_owned(), Some("0".to_owned())),
    ];
    assert_eq!(seen, expected);
    fixture.remove(&container).await;
}
