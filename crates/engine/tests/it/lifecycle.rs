//! From create to remove.

use lockgate_engine::{CreateContainer, EventQuery, RemoveOptions, StopOptions, WaitCondition};
use lockgate_types::container::{ContainerConfig, HostConfig};
use lockgate_types::{ErrorKind, Timestamp};

use crate::fixture::{Fixture, PATIENCE, command, sh};

async fn actions(fixture: &Fixture, id: &str) -> Vec<String> {
    let query = EventQuery {
        since: Some(Timestamp::ZERO),
        until: Some(Timestamp::now()),
        filters: [("container", id), ("type", "container")]
            .into_iter()
            .collect(),
    };
    let mut stream = fixture.events().subscribe(query).unwrap();
    let mut actions = Vec::new();
    while let Some(event) = stream.next().await {
        actions.push(event.action);
    }
    actions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_lives_from_create_to_remove() {
    let fixture = Fixture::new().await;
    let id = fixture
        .create(CreateContainer {
            name: Some("web".to_owned()),
            ..sh("echo hi; exit 3")
        })
        .await;
    let created = fixture.inspect("web").await;
    assert_eq!(
        (created.state.status, created.name.as_str()),
        ("created", "/web")
    );
    assert_eq!(created.config.env.unwrap(), ["PATH=/bin", "FROM_IMAGE=yes"]);
    assert_eq!(created.config.labels.unwrap()["from"], "image");

    let next = fixture
        .containers()
        .wait(&id, WaitCondition::NextExit)
        .unwrap();
    fixture.containers().start("web").await.unwrap();
    assert_eq!(
        tokio::time::timeout(PATIENCE, next)
            .await
            .unwrap()
            .status_code,
        3
    );
    let ended = fixture.inspect(&id[..12]).await;
    assert_eq!(
        (ended.state.status, ended.state.exit_code, ended.state.pid),
        ("exited", 3, 0)
    );
    assert!(ended.state.finished_at > ended.state.started_at);
    assert_eq!(fixture.log("web").await, "hi\n");

    let gone = fixture
        .containers()
        .wait("web", WaitCondition::Removed)
        .unwrap();
    fixture
        .containers()
        .remove("web", RemoveOptions::default())
        .await
        .unwrap();
    assert_eq!(gone.await.status_code, 3);
    let error = fixture
        .containers()
        .inspect("web", false)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::NotFound, "No such container: web")
    );
    assert_eq!(
        actions(&fixture, &id).await,
        ["create", "start", "die", "destroy"]
    );
    assert!(!fixture.roots.data().join("containers").join(&id).exists());
    assert!(!fixture.roots.run_directory(&id).exists());
    assert!(!fixture.roots.data().join("overlay").join(&id).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_sends_the_stop_signal_and_then_kills() {
    let fixture = Fixture::new().await;
    let gentle = fixture
        .run("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done")
        .await;
    wait_for_log(&fixture, &gentle, "ready\n").await;
    fixture
        .containers()
        .stop(&gentle, StopOptions::default())
        .await
        .unwrap();
    assert_eq!(fixture.inspect(&gentle).await.state.exit_code, 7);
    let again = fixture
        .containers()
        .stop(&gentle, StopOptions::default())
        .await
        .unwrap_err();
    assert_eq!(again.kind(), ErrorKind::NotModified);
    assert_eq!(
        actions(&fixture, &gentle).await,
        ["create", "start", "kill", "stop", "die"]
    );

    let deaf = fixture
        .run("trap '' TERM; echo ready; while :; do sleep 0.05; done")
        .await;
    wait_for_log(&fixture, &deaf, "ready\n").await;
    let options = StopOptions {
        timeout: Some(0),
        signal: None,
    };
    fixture.containers().stop(&deaf, options).await.unwrap();
    assert_eq!(fixture.inspect(&deaf).await.state.exit_code, 137);
    assert_eq!(
        actions(&fixture, &deaf).await,
        ["create", "start", "kill", "kill", "stop", "die"]
    );

    let other = fixture
        .run("trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done")
        .await;
    wait_for_log(&fixture, &other, "ready\n").await;
    let options = StopOptions {
        timeout: None,
        signal: Some("SIGUSR1".to_owned()),
    };
    fixture.containers().stop(&other, options).await.unwrap();
    assert_eq!(fixture.inspect(&other).await.state.exit_code, 9);
}

async fn wait_for_log(fixture: &Fixture, id: &str, text: &str) {
    let waiting = async {
        while !fixture.log(id).await.contains(text) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect(text);
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_ends_even_while_a_stop_waits_for_ever() {
    let fixture = Fixture::new().await;
    let id = fixture
        .run("trap '' TERM; echo ready; while :; do sleep 0.05; done")
        .await;
    wait_for_log(&fixture, &id, "ready\n").await;
    let containers = fixture.containers();
    let stopping = {
        let (containers, id) = (containers.clone(), id.clone());
        let options = StopOptions {
            timeout: Some(-1),
            signal: None,
        };
        tokio::spawn(async move { containers.stop(&id, options).await })
    };
    containers.kill(&id, Some("HUP")).await.unwrap();
    containers.kill(&id, None).await.unwrap();
    tokio::time::timeout(PATIENCE, stopping)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let error = containers.kill(&id, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.to_string(),
        format!("cannot kill container: {id}: container {id} is not running")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_gives_a_new_process_and_keeps_the_files() {
    let fixture = Fixture::new().await;
    let id = fixture
        .run("echo x >> /count; cat /count; exec sleep 60")
        .await;
    wait_for_log(&fixture, &id, "x\n").await;
    let before = fixture.inspect(&id).await.state.pid;
    let options = StopOptions {
        timeout: Some(0),
        signal: None,
    };
    fixture
        .containers()
        .restart(&id, options.clone())
        .await
        .unwrap();
    let after = fixture.inspect(&id).await.state;
    assert_eq!(after.status, "running");
    assert_ne!(after.pid, before);
    wait_for_log(&fixture, &id, "x\nx\nx\n").await;
    let error = fixture.containers().start(&id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotModified);
    fixture.remove(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_container_is_removed_by_force_only() {
    let fixture = Fixture::new().await;
    let id = fixture.run("exec sleep 60").await;
    let error = fixture
        .containers()
        .remove(&id, RemoveOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.to_string(),
        format!(
            "cannot remove container \"{id}\": container is running: stop the container before removing or force remove"
        )
    );
    fixture.remove(&id).await;
    fixture.containers().inspect(&id, false).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_container_can_be_thawed_and_killed() {
    let fixture = Fixture::new().await;
    let id = fixture.run("exec sleep 60").await;
    let containers = fixture.containers();
    containers.pause(&id).await.unwrap();
    assert_eq!(fixture.status(&id).await, "paused");
    assert_eq!(
        containers.pause(&id).await.unwrap_err().to_string(),
        format!("Container {id} is already paused")
    );
    containers.unpause(&id).await.unwrap();
    let error = containers.unpause(&id).await.unwrap_err();
    assert_eq!(error.to_string(), format!("Container {id} is not paused"));
    assert_eq!(error.kind(), ErrorKind::Internal);
    containers.pause(&id).await.unwrap();
    fixture.remove(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_unique_and_can_be_changed() {
    let fixture = Fixture::new().await;
    let named = |name: &str| CreateContainer {
        name: Some(name.to_owned()),
        ..sh("true")
    };
    let first = fixture.create(named("one")).await;
    let error = fixture.containers().create(named("one")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.to_string(),
        format!(
            "Conflict. The container name \"/one\" is already in use by container \"{first}\". You have to remove (or rename) that container to be able to reuse that name."
        )
    );
    fixture.create(named("two")).await;
    assert_eq!(
        fixture
            .containers()
            .rename("one", "two")
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Conflict
    );
    fixture.containers().rename("one", "three").await.unwrap();
    assert_eq!(fixture.inspect("three").await.id.as_str(), first);
    fixture.create(named("one")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_remove_takes_the_container_when_it_ends() {
    let fixture = Fixture::new().await;
    let mut request = sh("exit 4");
    request.host_config.auto_remove = true;
    let id = fixture.create(request).await;
    let removed = fixture
        .containers()
        .wait(&id, WaitCondition::Removed)
        .unwrap();
    fixture.containers().start(&id).await.unwrap();
    assert_eq!(
        tokio::time::timeout(PATIENCE, removed)
            .await
            .unwrap()
            .status_code,
        4
    );
    fixture.containers().inspect(&id, false).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_sees_what_was_asked_for() {
    let fixture = Fixture::new().await;
    let script = "id; pwd; hostname; env | grep -E '^(A|HOME|HOSTNAME)='; cat /etc/hostname; ulimit -n; \
                  grep -c . /etc/hosts; touch /x 2>/dev/null || echo readonly; cat /proc/1/cmdline | tr '\\0' ' '";
    let request = CreateContainer {
        config: ContainerConfig {
            user: "user".to_owned(),
            working_dir: "/new/dir".to_owned(),
            hostname: "box".to_owned(),
            env: Some(vec!["A=b".to_owned()]),
            ..sh(script).config
        },
        host_config: HostConfig {
            readonly_rootfs: true,
            ulimits: Some(vec![lockgate_types::container::Ulimit {
                name: "nofile".to_owned(),
                soft: 100,
                hard: 200,
            }]),
            ..sh(script).host_config
        },
        ..CreateContainer::default()
    };
    let id = fixture.run_with(request).await;
    assert_eq!(
        fixture.wait(&id).await.status_code,
        0,
        "{}",
        fixture.log(&id).await
    );
    let log = fixture.log(&id).await;
    for expected in [
        "uid=1000(user) gid=1000(user) groups=1000(user),2000(extra)\n",
        "/new/dir\n",
        "box\n",
        "A=b\n",
        "HOME=/home\n",
        "HOSTNAME=box\n",
        "\n100\n",
        "readonly\n",
    ] {
        assert!(log.contains(expected), "{expected:?} in {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn init_reaps_and_passes_signals_on() {
    let fixture = Fixture::new().await;
    let mut request = command(&["sh", "-c", "echo pid $$; exec sleep 60"]);
    request.host_config.init = Some(true);
    let id = fixture.run_with(request).await;
    wait_for_log(&fixture, &id, "pid ").await;
    assert_ne!(fixture.log(&id).await, "pid 1\n");
    fixture
        .containers()
        .stop(&id, StopOptions::default())
        .await
        .unwrap();
    assert_eq!(fixture.inspect(&id).await.state.exit_code, 143);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_caller_does_not_undo_what_it_asked() {
    let fixture = Fixture::new().await;
    let id = fixture.create(sh("exec sleep 60")).await;
    let containers = fixture.containers();
    // Polled once, then dropped: the request is on its way.
    let mut start = Box::pin(containers.start(&id));
    assert!(poll_once(&mut start).await.is_none());
    drop(start);
    fixture
        .eventually(&id, |now| now.state.status == "running")
        .await;
    fixture.remove(&id).await;
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
