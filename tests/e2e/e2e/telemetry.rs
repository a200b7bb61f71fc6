//! A collector of OpenTelemetry beside a daemon.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lockgate_testkit::{Daemon, DaemonOptions, NetNs, eventually, program, run};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

type Taken = Arc<Mutex<Vec<(String, Value)>>>;

/// A listener inside of a network namespace, made by a thread that went there.
fn listener_in(netns: &NetNs) -> TcpListener {
    let namespace = std::fs::File::open(netns.path()).unwrap();
    let thread = std::thread::spawn(move || {
        let kind = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(namespace.as_fd(), kind).unwrap();
        TcpListener::bind("127.0.0.1:0").unwrap()
    });
    thread.join().unwrap()
}

/// Reads requests and their JSON until the other side closes; answers all.
fn serve(socket: TcpStream, taken: &Taken) -> Option<()> {
    let mut lines = BufReader::new(socket);
    loop {
        let mut first = String::new();
        lines
            .read_line(&mut first)
            .ok()
            .filter(|count| *count > 0)?;
        let mut length = 0;
        loop {
            let mut field = String::new();
            lines.read_line(&mut field).ok()?;
            let field = field.trim_end().to_ascii_lowercase();
            if field.is_empty() {
                break;
            }
            if let Some(text) = field.strip_prefix("content-length:") {
                length = text.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).ok()?;
        let path = first.split(' ').nth(1)?.to_owned();
        let body = serde_json::from_slice(&body).ok()?;
        taken.lock().ok()?.push((path, body));
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        lines.get_mut().write_all(answer).ok()?;
    }
}

fn items(taken: &Taken, path: &str, keys: [&str; 3]) -> Vec<Value> {
    let taken = taken.lock().unwrap();
    let of_path = taken.iter().filter(|(at, _)| at == path);
    let lists = of_path.map(|(_, body)| body[keys[0]][0][keys[1]][0][keys[2]].clone());
    lists
        .flat_map(|list| list.as_array().cloned().unwrap_or_default())
        .collect()
}

#[test]
fn traces_and_records_of_a_running_daemon_reach_a_collector() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";
    let netns = NetNs::new("lgo");
    let listener = listener_in(&netns);
    let endpoint = format!("--otlp-endpoint=http://{}", listener.local_addr().unwrap());
    let taken = Taken::default();
    let seen = Arc::clone(&taken);
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || serve(socket, &seen));
        }
    });
    let mut daemon = Daemon::start_in(
        netns,
        DaemonOptions {
            args: vec![endpoint, "--audit-sink=otlp".to_owned()],
            config: None,
        },
    );
    let ask = |parent: &str| {
        let mut curl = program("curl");
        curl.args(["-sf", "-X", "POST", "-H"])
            .arg(format!("Traceparent: {parent}"))
            .arg("--unix-socket")
            .arg(daemon.socket())
            .arg("http://x/volumes/prune");
        run(&mut curl, b"").ok();
    };
    ask(&format!("00-{TRACE}-{PARENT}-01"));
    ask(&format!("00-{TRACE}-{PARENT}-00"));
    let spans = || {
        items(
            &taken,
            "/v1/traces",
            ["resourceSpans", "scopeSpans", "spans"],
        )
    };
    let of_prune = |span: &Value| span["name"] == "VolumePrune";
    let span = eventually("the span", || spans().into_iter().find(of_prune));
    assert_eq!(
        (&span["traceId"], &span["parentSpanId"]),
        (&TRACE.into(), &PARENT.into())
    );
    assert_ne!(span["spanId"], PARENT);
    let attribute = |item: &Value, key: &str| {
        let all = item["attributes"].as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|pair| pair["key"] == key);
        found.map(|pair| pair["value"].clone()).unwrap_or_default()
    };
    assert_eq!(
        attribute(&span, "http.response.status_code")["intValue"],
        "200"
    );
    let call = attribute(&span, "lockgate.call")["stringValue"]
        .as_str()
        .unwrap()
        .to_owned();
    let records = || -> Vec<String> {
        let all = items(
            &taken,
            "/v1/logs",
            ["resourceLogs", "scopeLogs", "logRecords"],
        );
        let texts = all
            .iter()
            .map(|it| it["body"]["stringValue"].as_str().unwrap().to_owned());
        texts.collect()
    };
    // What is told at the end has time to come.
    daemon.stop();
    let file = std::fs::read_to_string(daemon.path("data/audit.log")).unwrap();
    eventually("every record", || {
        file.lines()
            .all(|line| records().iter().any(|told| told == line))
            .then_some(())
    });
    let of_call = file.lines().filter(|line| line.contains(&call)).count();
    assert_eq!(
        of_call, 2,
        "the decision and the outcome of the span's call\n{file}"
    );
    let sampled = spans().into_iter().filter(of_prune).count();
    assert_eq!(sampled, 1, "a caller that is not sampled gets no span");
    daemon.spawn();
}

#[test]
fn a_collector_that_takes_connections_and_never_answers_holds_no_call_of_a_daemon_up() {
    let netns = NetNs::new("lgo");
    // Nobody ever accepts: the kernel does, and takes what is sent until its buffers are full.
    let silent = listener_in(&netns);
    let endpoint = format!("--otlp-endpoint=http://{}", silent.local_addr().unwrap());
    let mut daemon = Daemon::start_in(
        netns,
        DaemonOptions {
            args: vec![endpoint, "--audit-sink=otlp".to_owned()],
            config: None,
        },
    );
    for number in 0..100 {
        let body = format!("{{\"Name\":\"v{number}\"}}");
        let begun = Instant::now();
        let made = daemon.api("POST", "/volumes/create", Some(&body));
        assert_eq!(made.status, 201, "{}", made.text());
        // The collector is given ten seconds for each batch.
        assert!(begun.elapsed() < Duration::from_secs(5), "{number}");
    }
    let begun = Instant::now();
    daemon.stop();
    assert!(begun.elapsed() < Duration::from_secs(20));
    let told = "did not take the last telemetry";
    assert!(daemon.log().contains(told), "{}", daemon.log());
    let file = std::fs::read_to_string(daemon.path("data/audit.log")).unwrap();
    assert_eq!(file.matches("\"operation\":\"VolumeCreate\"").count(), 100);
    let whole = crate::audit::verify(&daemon.path("data/audit.log"));
    assert!(whole.ok().starts_with("whole: "), "{whole}");
}
