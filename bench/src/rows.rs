//! What is measured; one function a row, milliseconds unless the name says otherwise.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::engine::Engine;
use crate::http::Client;
use crate::{handshake, image, memory};

/// A figure, how it is taken and what it may be.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) measure: fn(&Engine) -> Result<Vec<f64>>,
    budget: &'static str,
}

pub(crate) const IDLE: &str = "idle daemon, PSS, MiB";
pub(crate) const PEAK: &str = "largest PSS seen, MiB";

pub(crate) const ROWS: [Row; 10] = [
    Row {
        name: "create+start+wait+remove, network none",
        measure: |e| cycles(e, "none"),
        budget: "at most 1/10 of dockerd's",
    },
    Row {
        name: "create+start+wait+remove, bridge",
        measure: |e| cycles(e, "bridge"),
        budget: "at most 1/8 of dockerd's",
    },
    Row {
        name: "exec true",
        measure: execs,
        budget: "at most 1/8 of dockerd's",
    },
    Row {
        name: "list 100 containers",
        measure: list,
        budget: "at most 1/10 of dockerd's",
    },
    Row {
        name: "write 300k log lines",
        measure: write_logs,
        budget: "at most 1/4 of dockerd's",
    },
    Row {
        name: "read 300k log lines",
        measure: read_logs,
        budget: "at most 1/10 of dockerd's",
    },
    Row {
        name: "load a 141 MiB image, 6,080 files",
        measure: load,
        budget: "at most 1/4 of dockerd's",
    },
    Row {
        name: "supervisor of one of 20 idle containers, PSS, MiB",
        measure: supervisor,
        budget: "at most 0.3 MiB",
    },
    Row {
        name: "mutual-TLS handshakes per second",
        measure: handshake::per_second,
        budget: "at least 2x dockerd's",
    },
    Row {
        name: "mutual-TLS handshake, server's processor time",
        measure: handshake::server_cost,
        budget: "-",
    },
];

/// What a row may be, for the table.
pub(crate) fn budget(name: &str) -> &'static str {
    match name {
        IDLE => "at most 20 MiB",
        PEAK => "-",
        _ => ROWS
            .iter()
            .find(|row| row.name == name)
            .map_or("-", |row| row.budget),
    }
}

const CYCLES: usize = 10;

fn cycles(engine: &Engine, network: &str) -> Result<Vec<f64>> {
    let mut client = engine.client()?;
    (0..CYCLES)
        .map(|_| timed(|| run_once(&mut client, network, r#"["true"]"#)))
        .collect()
}

/// create, start, wait, remove on one connection.
fn run_once(client: &mut Client, network: &str, command: &str) -> Result<()> {
    let id = create(client, network, command)?;
    client.call("POST", &format!("/containers/{id}/start"), b"", "")?;
    client.call("POST", &format!("/containers/{id}/wait"), b"", "")?;
    client
        .call("DELETE", &format!("/containers/{id}"), b"", "")
        .map(drop)
}

pub(crate) fn create(client: &mut Client, network: &str, command: &str) -> Result<String> {
    let body = format!(
        r#"{{"Image":"docker.io/library/busybox:latest","Cmd":{command},"HostConfig":{{"NetworkMode":"{network}"}}}}"#
    );
    let created = client.json("POST", "/containers/create", &body)?;
    Ok(created
        .get("Id")
        .and_then(Value::as_str)
        .context("no id")?
        .to_owned())
}

/// A container that sleeps while `work` is measured.
fn with_sleeper<T>(
    engine: &Engine,
    work: impl FnOnce(&mut Client, &str) -> Result<T>,
) -> Result<T> {
    let mut client = engine.client()?;
    let id = create(&mut client, "none", r#"["sleep","1000"]"#)?;
    client.call("POST", &format!("/containers/{id}/start"), b"", "")?;
    let result = work(&mut client, &id);
    client.call("DELETE", &format!("/containers/{id}?force=1"), b"", "")?;
    result
}

fn execs(engine: &Engine) -> Result<Vec<f64>> {
    with_sleeper(engine, |client, id| {
        (0..CYCLES)
            .map(|_| {
                timed(|| {
                    let body = r#"{"Cmd":["true"],"AttachStdout":true,"AttachStderr":true}"#;
                    let made = client.json("POST", &format!("/containers/{id}/exec"), body)?;
                    let exec = made
                        .get("Id")
                        .and_then(Value::as_str)
                        .context("no id")?
                        .to_owned();
                    engine
                        .client()?
                        .hijack(&format!("/exec/{exec}/start"), r#"{"Detach":false}"#)?;
                    client
                        .call("GET", &format!("/exec/{exec}/json"), b"", "")
                        .map(drop)
                })
            })
            .collect()
    })
}

fn list(engine: &Engine) -> Result<Vec<f64>> {
    let mut client = engine.client()?;
    let ids: Vec<String> = (0..100)
        .map(|_| create(&mut client, "none", r#"["true"]"#))
        .collect::<Result<_>>()?;
    let times = (0..CYCLES).map(|_| {
        timed(|| {
            client
                .call("GET", "/containers/json?all=1", b"", "")
                .map(drop)
        })
    });
    let times = times.collect();
    for id in ids {
        client.call("DELETE", &format!("/containers/{id}"), b"", "")?;
    }
    times
}

pub(crate) const LINES: &str =
    r#"["sh","-c","yes 'a line of a log that somebody will read some day' | head -n 300000"]"#;

fn write_logs(engine: &Engine) -> Result<Vec<f64>> {
    let mut client = engine.client()?;
    let id = create(&mut client, "none", LINES)?;
    let time = timed(|| {
        client.call("POST", &format!("/containers/{id}/start"), b"", "")?;
        client
            .call("POST", &format!("/containers/{id}/wait"), b"", "")
            .map(drop)
    });
    client.call("DELETE", &format!("/containers/{id}"), b"", "")?;
    Ok(vec![time?])
}

fn read_logs(engine: &Engine) -> Result<Vec<f64>> {
    let mut client = engine.client()?;
    let id = create(&mut client, "none", LINES)?;
    client.call("POST", &format!("/containers/{id}/start"), b"", "")?;
    client.call("POST", &format!("/containers/{id}/wait"), b"", "")?;
    let time = timed(|| {
        let log = client.call("GET", &format!("/containers/{id}/logs?stdout=1"), b"", "")?;
        anyhow::ensure!(log.len() > 300_000 * 50, "only {} bytes of log", log.len());
        Ok(())
    });
    client.call("DELETE", &format!("/containers/{id}"), b"", "")?;
    Ok(vec![time?])
}

fn load(engine: &Engine) -> Result<Vec<f64>> {
    let archive = image::big_archive();
    let mut client = engine.client()?;
    let time = timed(|| {
        client
            .call("POST", "/images/load?quiet=1", archive, "application/x-tar")
            .map(drop)
    })?;
    client.call("DELETE", "/images/docker.io/library/big:latest", b"", "")?;
    Ok(vec![time])
}

/// PSS of the process that watches over an idle container, with twenty of them: what they share
/// counts once.
fn supervisor(engine: &Engine) -> Result<Vec<f64>> {
    let mut client = engine.client()?;
    let mut ids = Vec::new();
    for _ in 0..20 {
        let id = create(&mut client, "none", r#"["sleep","1000"]"#)?;
        client.call("POST", &format!("/containers/{id}/start"), b"", "")?;
        ids.push(id);
    }
    // What was needed only to start may still be on its way out.
    std::thread::sleep(Duration::from_millis(300));
    let parents: Vec<u32> = ids
        .iter()
        .map(|id| {
            let shown = client.json("GET", &format!("/containers/{id}/json"), "")?;
            let pid = shown
                .pointer("/State/Pid")
                .and_then(Value::as_u64)
                .context("no pid")?;
            memory::parent(u32::try_from(pid)?).context("no parent")
        })
        .collect::<Result<_>>()?;
    engine.processes();
    let mean = memory::pss_kib(&parents) / 1024.0 / 20.0;
    for id in ids {
        client.call("DELETE", &format!("/containers/{id}?force=1"), b"", "")?;
    }
    Ok(vec![mean])
}

pub(crate) fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}
