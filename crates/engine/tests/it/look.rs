//! What only looks: list, top, stats, info, and limits as the kernel sees them.

use std::time::Instant;

use lockgate_engine::{Filters, ListQuery, StatsQuery, UpdateQuery};
use lockgate_types::ErrorKind;
use lockgate_types::container::HostConfig;

use crate::fixture::{Fixture, sh};

async fn names(fixture: &Fixture, all: bool, filters: &[(&str, &str)]) -> Vec<String> {
    let filters: Filters = filters.iter().copied().collect();
    let query = ListQuery {
        all,
        filters,
        ..ListQuery::default()
    };
    let list = fixture.containers().list(&query).await.unwrap();
    list.into_iter()
        .map(|summary| summary.names[0].trim_start_matches('/').to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_newest_first() {
    let fixture = Fixture::new().await;
    for (name, script) in [("old", "exit 3"), ("mid", "exec sleep 60"), ("new", "true")] {
        let mut request = sh(script);
        request.name = Some(name.to_owned());
        request.config.labels = Some([("k".to_owned(), name.to_owned())].into());
        fixture.create(request).await;
    }
    fixture.containers().start("old").await.unwrap();
    fixture.containers().start("mid").await.unwrap();
    fixture.wait("old").await;
    for (all, filters, expected) in [
        (false, vec![], vec!["mid"]),
        (true, vec![], vec!["new", "mid", "old"]),
        (false, vec![("status", "exited")], vec!["old"]),
        (false, vec![("exited", "3")], vec![]),
        (true, vec![("exited", "3")], vec!["old"]),
        (true, vec![("name", "^/?m")], vec!["mid"]),
        (true, vec![("label", "k=new")], vec!["new"]),
        (
            true,
            vec![("label", "from=image")],
            vec!["new", "mid", "old"],
        ),
        (true, vec![("before", "new")], vec!["mid", "old"]),
        (true, vec![("since", "old")], vec!["new", "mid"]),
        (
            true,
            vec![("ancestor", "busybox")],
            vec!["new", "mid", "old"],
        ),
        (true, vec![("ancestor", "nope")], vec![]),
        (true, vec![("network", "none")], vec!["new", "mid", "old"]),
        (true, vec![("volume", "none")], vec![]),
    ] {
        assert_eq!(
            names(&fixture, all, &filters).await,
            expected,
            "{filters:?}"
        );
    }
    let bad = ListQuery {
        filters: [("bad", "x")].into_iter().collect(),
        ..ListQuery::default()
    };
    let error = fixture.containers().list(&bad).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::InvalidInput, "invalid filter 'bad'")
    );
    let last = ListQuery {
        limit: Some(1),
        size: true,
        ..ListQuery::default()
    };
    let list = fixture.containers().list(&last).await.unwrap();
    assert_eq!((list.len(), list[0].state), (1, "created"));
    assert!(list[0].size_root_fs.unwrap() > 100_000);
    fixture.remove("mid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_containers_are_listed_in_no_time() {
    let fixture = Fixture::new().await;
    for _ in 0..100 {
        fixture.create(sh("true")).await;
    }
    let query = ListQuery {
        all: true,
        ..ListQuery::default()
    };
    let begin = Instant::now();
    assert_eq!(fixture.containers().list(&query).await.unwrap().len(), 100);
    println!("list of 100 in {:?}", begin.elapsed());
    let pruned = fixture
        .containers()
        .prune(&Filters::default())
        .await
        .unwrap();
    assert_eq!(pruned.deleted.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn prune_takes_what_is_stopped_and_matches() {
    let fixture = Fixture::new().await;
    let mut keep = sh("true");
    keep.config.labels = Some([("keep".to_owned(), String::new())].into());
    let kept = fixture.create(keep).await;
    let running = fixture.run("exec sleep 60").await;
    let written = fixture
        .run("dd if=/dev/zero of=/file bs=1k count=64 2>/dev/null")
        .await;
    fixture.wait(&written).await;
    let filters: Filters = [("label!", "keep")].into_iter().collect();
    let pruned = fixture.containers().prune(&filters).await.unwrap();
    assert_eq!(
        pruned
            .deleted
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [written]
    );
    assert!(pruned.space_reclaimed >= 64 << 10);
    assert_eq!(fixture.status(&kept).await, "created");
    fixture.remove(&running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_and_usage_are_shown() {
    let fixture = Fixture::new().await;
    let id = fixture.run("sleep 60 & exec sleep 61").await;
    let pid = fixture.inspect(&id).await.state.pid;
    let top = loop {
        let top = fixture.containers().top(&id, "").await.unwrap();
        if top.processes.len() == 2 && top.processes.iter().all(|p| p[7].starts_with("sleep")) {
            break top;
        }
    };
    assert_eq!(top.titles.join(" "), "UID PID PPID C STIME TTY TIME CMD");
    assert!(
        top.processes
            .iter()
            .any(|p| p[1] == pid.to_string() && p[7] == "sleep 61")
    );
    let other = fixture.containers().top(&id, "-o pid,args").await.unwrap();
    assert_eq!(other.titles, ["PID", "COMMAND"]);
    assert_eq!(other.processes.len(), 2);

    let query = StatsQuery {
        stream: false,
        one_shot: true,
    };
    let mut stats = fixture.containers().stats(&id, query).await.unwrap();
    let sample = stats.next().await.unwrap();
    assert!(stats.next().await.is_none());
    assert_eq!(sample.pids_stats.current, Some(2));
    assert!(sample.memory_stats.usage.unwrap() > 0);
    assert!(sample.cpu_stats.cpu_usage.total_usage > 0);
    assert_eq!(sample.precpu_stats.cpu_usage.total_usage, 0);
    fixture.containers().kill(&id, None).await.unwrap();

    let error = fixture.containers().top(&id, "").await.unwrap_err();
    assert_eq!(error.to_string(), format!("container {id} is not running"));
    let mut stats = fixture.containers().stats(&id, query).await.unwrap();
    assert_eq!(
        stats.next().await.unwrap().cpu_stats.cpu_usage.total_usage,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_reach_the_kernel_and_can_be_changed() {
    let fixture = Fixture::new().await;
    let mut request = sh("exec sleep 60");
    request.host_config.memory = 64 << 20;
    request.host_config.pids_limit = Some(50);
    let id = fixture.run_with(request).await;
    let query = StatsQuery {
        stream: false,
        one_shot: true,
    };
    let limits = async || {
        let mut stats = fixture.containers().stats(&id, query).await.unwrap();
        let sample = stats.next().await.unwrap();
        (sample.memory_stats.limit, sample.pids_stats.limit)
    };
    assert_eq!(limits().await, (Some(64 << 20), Some(50)));
    let host_config = HostConfig {
        memory: 96 << 20,
        ..HostConfig::default()
    };
    let host_config = HostConfig {
        memory_swap: 192 << 20,
        ..host_config
    };
    fixture
        .containers()
        .update(&id, UpdateQuery { host_config })
        .await
        .unwrap();
    assert_eq!(limits().await.0, Some(96 << 20));
    assert_eq!(fixture.inspect(&id).await.host_config.memory, 96 << 20);
    fixture.remove(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_takes_too_much_memory_is_killed_and_says_so() {
    let fixture = Fixture::new().await;
    let mut request = sh("x=a; while :; do x=$x$x; done");
    request.host_config.memory = 16 << 20;
    request.host_config.memory_swap = 16 << 20;
    let id = fixture.run_with(request).await;
    assert_eq!(fixture.wait(&id).await.status_code, 137);
    assert!(fixture.inspect(&id).await.state.oom_killed);
}

#[tokio::test(flavor = "multi_thread")]
async fn info_counts_and_names() {
    let fixture = Fixture::new().await;
    let running = fixture.run("exec sleep 60").await;
    fixture.create(sh("true")).await;
    let info = fixture.info();
    assert_eq!(
        (
            info.containers,
            info.containers_running,
            info.containers_stopped
        ),
        (2, 1, 1)
    );
    assert_eq!(
        (info.images, info.driver.as_str(), info.os_type.as_str()),
        (1, "overlay2", "linux")
    );
    assert!(info.mem_total > 1 << 30 && info.ncpu >= 1 && !info.kernel_version.is_empty());
    assert_eq!(fixture.roots.open().await.info().id, info.id);
    fixture.remove(&running).await;
}
