//! Times and memory, printed. By hand:
//! `cargo test --release -p lockgate-runtime --test it -- --ignored --nocapture measure`

use std::time::Instant;

use lockgate_runtime::protocol::{LogTarget, Reply, Request};

use crate::fixture::{Fixture, exec};

fn report(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    println!("{what}: median {median:.2} ms, least {:.2} ms", times[0]);
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Of all children that have ended and their children, in milliseconds.
fn processor_time() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    // cutime and cstime, in ticks of 10 ms
    fields[13..15]
        .iter()
        .map(|ticks| ticks.parse::<f64>().unwrap() * 10.0)
        .sum()
}

#[test]
#[ignore = "prints times"]
fn measure_the_life_of_true() {
    let rounds = 100;
    let before = processor_time();
    let mut parts: [Vec<f64>; 5] = Default::default();
    for _ in 0..rounds {
        let mut fixture = Fixture::new(&["/bin/true"]);
        fixture.request.log = LogTarget::Discard;
        let begin = Instant::now();
        let mut shim = fixture.spawn();
        parts[0].push(ms(begin));
        let create = Request::Create(Box::new(fixture.request.clone()));
        let reply = shim.control.ask(&create);
        assert!(matches!(reply, Reply::Created { .. }), "{reply:?}");
        parts[1].push(ms(begin));
        assert!(matches!(
            shim.control.ask(&Request::Start),
            Reply::Started { .. }
        ));
        parts[2].push(ms(begin));
        assert!(matches!(
            shim.control.event(),
            lockgate_runtime::protocol::ShimEvent::Exited(_)
        ));
        parts[3].push(ms(begin));
        assert!(shim.control.is_at_end());
        parts[4].push(ms(begin));
        shim.reap();
    }
    println!(
        "processor time per container: {:.2} ms",
        (processor_time() - before) / 100.0
    );
    let names = ["shim spawned", "created", "started", "exited", "shim gone"];
    for (name, times) in names.into_iter().zip(parts) {
        report(name, times);
    }
}

#[test]
#[ignore = "prints times"]
fn measure_exec() {
    let fixture = Fixture::new(&["/bin/sleep", "600"]);
    let mut shim = fixture.start();
    let mut times = Vec::new();
    for _ in 0..100 {
        let begin = Instant::now();
        let mut stream = shim.exec(exec(&["/bin/true"])).unwrap();
        stream.read_all();
        times.push(ms(begin));
    }
    report("exec true", times);
    shim.control.ask(&Request::Kill {
        signal: 9,
        all: false,
    });
    shim.wait();
}

#[test]
#[ignore = "prints times"]
fn measure_log_lines() {
    let fixture = Fixture::new(&["/bin/seq", "1", "1000000"]);
    let begin = Instant::now();
    let mut shim = fixture.start();
    shim.wait();
    println!("a million lines logged: {:.0} ms", ms(begin));
}

#[test]
#[ignore = "prints sizes"]
fn measure_idle_memory() {
    let fixtures: Vec<Fixture> = (0..10)
        .map(|_| Fixture::new(&["/bin/sleep", "600"]))
        .collect();
    let mut shims: Vec<_> = fixtures.iter().map(Fixture::start).collect();
    std::thread::sleep(std::time::Duration::from_secs(1));
    for shim in shims.iter().take(3) {
        let path = format!("/proc/{}/smaps_rollup", shim.pid);
        let text = std::fs::read_to_string(path).unwrap();
        let wanted = ["Rss:", "Pss:", "Pss_Anon:", "Pss_File:", "Private_Dirty:"];
        let lines = text
            .lines()
            .filter(|line| wanted.iter().any(|name| line.starts_with(name)));
        println!("{}", lines.collect::<Vec<_>>().join("; "));
    }
    for shim in &mut shims {
        shim.control.ask(&Request::Kill {
            signal: 9,
            all: false,
        });
        shim.wait();
    }
}
