//! Many containers at once: every one is there after the daemon was killed, and the daemon stays small.
//!
//! 50 containers; `LOCKGATE_SCALE=500` for more.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use lockgate_testkit::{Daemon, HttpResponse, eventually, request};
use serde_json::{Value, json};

/// Requests under way at a time.
const AT_A_TIME: usize = 8;

/// Memory that is the daemon's own, in KiB.
fn memory(daemon: &Daemon) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", daemon.pid())).unwrap();
    let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let number = pss.and_then(|text| text.trim().strip_suffix(" kB"));
    number.unwrap().trim().parse().unwrap()
}

/// Asks for each, several at a time; the answers in order.
fn each<T: Sync>(
    daemon: &Daemon,
    all: &[T],
    ask: impl Fn(&T) -> (&'static str, String, Option<String>) + Sync,
) -> Vec<HttpResponse> {
    let socket = daemon.socket();
    let mut answers: Vec<Vec<HttpResponse>> = Vec::new();
    thread::scope(|scope| {
        let parts = all.chunks(all.len().div_ceil(AT_A_TIME));
        let workers: Vec<_> = parts
            .map(|part| {
                scope.spawn(|| {
                    let one = |item| {
                        let (method, target, body) = ask(item);
                        request(&socket, method, &target, body.as_deref())
                    };
                    part.iter().map(one).collect()
                })
            })
            .collect();
        answers.extend(workers.into_iter().map(|worker| worker.join().unwrap()));
    });
    answers.into_iter().flatten().collect()
}

fn succeed(answers: &[HttpResponse], status: u16) {
    for answer in answers {
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}

fn listed(daemon: &Daemon, query: &str) -> BTreeSet<String> {
    let answer = daemon.api("GET", &format!("/containers/json?{query}"), None);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = answer.json();
    let ids = list.as_array().unwrap().iter().map(|it| it["Id"].as_str());
    ids.map(|id| id.unwrap().to_owned()).collect()
}

/// Runs `step` and tells how long it took; the bound is wide, a machine may be busy.
fn timed<T>(what: &str, limit: Duration, step: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let value = step();
    let took = began.elapsed();
    assert!(took < limit, "{what} took {took:?}");
    value
}

#[test]
fn many_containers_outlive_the_daemon_and_it_stays_small() {
    let number = std::env::var("LOCKGATE_SCALE").ok();
    let number: u32 = number.and_then(|text| text.parse().ok()).unwrap_or(50);
    let (short, long) = (Duration::from_secs(5), Duration::from_millis(400) * number);
    let mut daemon = Daemon::start();
    daemon.load_busybox();
    let numbers: Vec<u32> = (0..number).collect();
    let created = timed("create", long, || {
        each(&daemon, &numbers, |number| {
            let script = format!("echo I am {number}; exec sleep 6000");
            let body = json!({ "Image": "busybox", "Cmd": ["sh", "-c", script], "StopTimeout": 0 });
            let target = format!("/containers/create?name=many{number}");
            ("POST", target, Some(body.to_string()))
        })
    });
    succeed(&created, 201);
    let id = |answer: &HttpResponse| answer.json()["Id"].as_str().unwrap().to_owned();
    let ids: Vec<String> = created.iter().map(id).collect();
    let all: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(all.len(), ids.len());
    let idle = memory(&daemon);

    let start = |id: &String| ("POST", format!("/containers/{id}/start"), None);
    succeed(&timed("start", long, || each(&daemon, &ids, start)), 204);
    assert_eq!(timed("list", short, || listed(&daemon, "")), all);
    let running = memory(&daemon);
    eprintln!("memory: {idle} KiB with {number} created, {running} KiB with {number} running");
    assert!(
        running < 40 * 1024 + u64::from(number) * 200,
        "{running} KiB"
    );

    daemon.kill();
    timed("restart of the daemon", long, || daemon.spawn());
    assert_eq!(
        timed("list after a kill", long, || listed(&daemon, "")),
        all
    );
    let stats = |id: &String| {
        (
            "GET",
            format!("/containers/{id}/stats?stream=0&one-shot=1"),
            None,
        )
    };
    for (answer, id) in timed("stats", long, || each(&daemon, &ids, stats))
        .iter()
        .zip(&ids)
    {
        let stats: Value = answer.json();
        assert_eq!(stats["id"], **id, "{}", answer.text());
        assert!(
            stats["pids_stats"]["current"].as_i64() >= Some(1),
            "{stats}"
        );
    }
    let logs = |id: &String| ("GET", format!("/containers/{id}/logs?stdout=1"), None);
    for (answer, number) in each(&daemon, &ids, logs).iter().zip(&numbers) {
        assert!(
            answer.text().ends_with(&format!("I am {number}\n")),
            "{}",
            answer.text()
        );
    }

    let stop = |id: &String| ("POST", format!("/containers/{id}/stop?t=0"), None);
    succeed(&timed("stop", long, || each(&daemon, &ids, stop)), 204);
    assert_eq!(listed(&daemon, ""), BTreeSet::new());
    assert_eq!(listed(&daemon, "all=1"), all);
    let remove = |id: &String| ("DELETE", format!("/containers/{id}"), None);
    succeed(&timed("remove", long, || each(&daemon, &ids, remove)), 204);
    eventually("no container's folder is left", || {
        let left = |name: &str| fs::read_dir(daemon.path(name)).unwrap().count();
        (left("data/containers") + left("data/overlay") == 0).then_some(())
    });
    let after = memory(&daemon);
    eprintln!("memory: {after} KiB after all are gone");
    assert!(after < 40 * 1024 + u64::from(number) * 100, "{after} KiB");
}
