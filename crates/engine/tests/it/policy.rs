//! Restart policies.

use lockgate_engine::{CreateContainer, StopOptions};
use lockgate_types::container::RestartPolicy;

use crate::fixture::{Fixture, sh};

fn with_policy(script: &str, name: &str, count: i64) -> CreateContainer {
    let mut request = sh(script);
    request.host_config.restart_policy = RestartPolicy {
        name: name.to_owned(),
        maximum_retry_count: count,
    };
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn on_failure_tries_as_often_as_it_may() {
    let fixture = Fixture::new().await;
    let id = fixture
        .run_with(with_policy("echo x; exit 5", "on-failure", 2))
        .await;
    let end = fixture
        .eventually(&id, |now| {
            now.state.status == "exited" && now.restart_count == 2
        })
        .await;
    assert_eq!(end.state.exit_code, 5);
    assert_eq!(fixture.log(&id).await, "x\nx\nx\n");
    let good = fixture.run_with(with_policy("true", "on-failure", 2)).await;
    fixture.wait(&good).await;
    assert_eq!(
        fixture
            .eventually(&good, |now| now.state.status == "exited")
            .await
            .restart_count,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn always_restarts_until_it_is_stopped() {
    let fixture = Fixture::new().await;
    let id = fixture.run_with(with_policy("true", "always", 0)).await;
    fixture.eventually(&id, |now| now.restart_count >= 2).await;
    let shown = fixture
        .eventually(&id, |now| now.state.status == "restarting")
        .await;
    assert!(shown.state.running && shown.state.restarting);
    fixture
        .containers()
        .stop(&id, StopOptions::default())
        .await
        .unwrap();
    assert_eq!(fixture.status(&id).await, "exited");
    let count = fixture.inspect(&id).await.restart_count;
    tokio::time::sleep(std::time::Duration::from_millis(900)).await;
    assert_eq!(fixture.inspect(&id).await.restart_count, count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_is_not_undone_by_the_policy() {
    let fixture = Fixture::new().await;
    let id = fixture
        .run_with(with_policy("exec sleep 60", "always", 0))
        .await;
    fixture.containers().kill(&id, None).await.unwrap();
    assert_eq!(fixture.status(&id).await, "exited");
    fixture.containers().start(&id).await.unwrap();
    fixture.remove(&id).await;
}
