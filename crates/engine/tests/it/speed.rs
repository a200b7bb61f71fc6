//! How long the main operations take. The numbers are printed (`--nocapture`); the limits are wide,
//! because other tests run beside this one and debug builds are slow.

use std::time::{Duration, Instant};

use lockgate_engine::{CreateExec, RemoveOptions, StartExec, WaitCondition};

use crate::fixture::{Fixture, command, read_all};

/// The median of `count` runs.
async fn median(count: usize, mut run: impl AsyncFnMut() -> Duration) -> Duration {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        times.push(run().await);
    }
    times.sort();
    times[count / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_comes_and_goes_quickly() {
    let fixture = Fixture::new().await;
    let containers = fixture.containers();
    let mut steps = [Duration::ZERO; 4];
    let time = median(30, async || {
        let begin = Instant::now();
        let id = fixture.create(command(&["true"])).await;
        let created = Instant::now();
        let exit = containers.wait(&id, WaitCondition::NextExit).unwrap();
        containers.start(&id).await.unwrap();
        let started = Instant::now();
        exit.await;
        let ended = Instant::now();
        containers
            .remove(&id, RemoveOptions::default())
            .await
            .unwrap();
        let removed = Instant::now();
        for (step, time) in steps.iter_mut().zip([
            created - begin,
            started - created,
            ended - started,
            removed - ended,
        ]) {
            *step += time / 30;
        }
        removed - begin
    })
    .await;
    println!("create+start+wait+remove: {time:?}; create, start, exit, remove: {steps:?}");
    assert!(time < Duration::from_millis(500), "{time:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exec_comes_and_goes_quickly() {
    let fixture = Fixture::new().await;
    let container = fixture.run("exec sleep 60").await;
    let time = median(30, async || {
        let create = CreateExec {
            attach_stdout: true,
            cmd: vec!["true".to_owned()],
            ..CreateExec::default()
        };
        let begin = Instant::now();
        let id = fixture.execs().create(&container, create).await.unwrap();
        let mut stream = fixture
            .execs()
            .start(id.as_str(), StartExec::default())
            .await
            .unwrap()
            .unwrap();
        read_all(&mut stream).await;
        assert_eq!(
            fixture.execs().inspect(id.as_str()).unwrap().exit_code,
            Some(0)
        );
        begin.elapsed()
    })
    .await;
    println!("exec: {time:?}");
    assert!(time < Duration::from_millis(500), "{time:?}");
    fixture.remove(&container).await;
}
