//! What cannot be created or started says so in dockerd's words, and leaves nothing behind.

use lockgate_engine::{CreateContainer, WaitCondition};
use lockgate_types::ErrorKind;
use lockgate_types::container::ContainerConfig;

use crate::fixture::{Fixture, PATIENCE, command, sh};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_not_there_exits_with_127() {
    let fixture = Fixture::new().await;
    for (program, code, text) in [
        (
            "nope",
            127,
            "exec: \"nope\": executable file not found in $PATH",
        ),
        ("/nope", 127, "/nope: no such file or directory"),
        ("/etc/passwd", 126, "permission denied"),
    ] {
        let id = fixture.create(command(&[program])).await;
        let error = fixture.containers().start(&id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let sentence = error.to_string();
        assert!(sentence.starts_with("failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "), "{sentence}");
        assert!(sentence.contains(text), "{sentence}");
        let state = fixture.inspect(&id).await.state;
        assert_eq!(
            (state.status, state.exit_code),
            ("created", code),
            "{program}"
        );
        assert_eq!(state.error, sentence);
        assert!(!fixture.roots.run_directory(&id).exists());
        fixture.remove(&id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_start_removes_an_auto_remove_container() {
    let fixture = Fixture::new().await;
    let mut request = command(&["nope"]);
    request.host_config.auto_remove = true;
    let id = fixture.create(request).await;
    let removed = fixture
        .containers()
        .wait(&id, WaitCondition::Removed)
        .unwrap();
    assert!(fixture.containers().start(&id).await.is_err());
    assert_eq!(
        tokio::time::timeout(PATIENCE, removed)
            .await
            .unwrap()
            .status_code,
        127
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_not_there_is_named() {
    let fixture = Fixture::new().await;
    let request = CreateContainer {
        config: ContainerConfig {
            image: "nope".to_owned(),
            ..sh("true").config
        },
        ..CreateContainer::default()
    };
    let error = fixture.containers().create(request).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::NotFound, "No such image: nope:latest")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_create_that_fails() {
    let fixture = Fixture::new().await;
    let mut request = CreateContainer {
        name: Some("web".to_owned()),
        ..sh("true")
    };
    request.host_config.binds = Some(vec!["fresh:/a".to_owned()]);
    request.host_config.mounts = Some(vec![lockgate_types::container::Mount {
        source: "other".to_owned(),
        target: "/b".to_owned(),
        volume_options: Some(lockgate_types::container::VolumeOptions {
            driver_config: Some(lockgate_types::container::DriverConfig {
                name: "nope".to_owned(),
                options: None,
            }),
            ..Default::default()
        }),
        ..Default::default()
    }]);
    fixture.containers().create(request).await.unwrap_err();
    let count = |folder: &str| {
        std::fs::read_dir(fixture.roots.data().join(folder))
            .unwrap()
            .count()
    };
    assert_eq!(
        (count("containers"), count("overlay"), count("volumes")),
        (0, 0, 0)
    );
    fixture
        .create(CreateContainer {
            name: Some("web".to_owned()),
            ..sh("true")
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_user_is_named() {
    let fixture = Fixture::new().await;
    let mut request = sh("true");
    request.config.user = "nobody-here".to_owned();
    let id = fixture.create(request).await;
    let error = fixture.containers().start(&id).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "unable to find user nobody-here: no matching entries in passwd file"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_makes_no_sense_is_refused() {
    let fixture = Fixture::new().await;
    let mut request = command(&[]);
    request.config.image = String::new();
    let error = fixture.containers().create(request).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::InvalidInput, "no command specified")
    );
    let mut request = sh("true");
    request.name = Some("-x".to_owned());
    let error = fixture.containers().create(request).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Invalid container name (-x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
    );
}
