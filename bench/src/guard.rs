//! What the door costs before a stock dockerd: the same calls to the same daemon, past the guard and
//! through it, in turn.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::engine::Engine;
use crate::http::Client;
use crate::{image, rows};

/// How often a request is asked on each side in a round.
const TIMES: usize = 200;
/// Containers that a list shows.
const LISTED: usize = 20;
/// What an exec writes, in MiB.
const WRITTEN: u32 = 1024;
/// What starts an exec whose output is wanted.
const WATCHED: &str = r#"{"Detach":false}"#;
/// The file that is copied, in MiB.
const COPIED: usize = 256;

/// One way to the daemon, with a connection that is kept.
struct Side {
    engine: Engine,
    kept: Client,
}

/// A figure and how it is taken: milliseconds of a request, or MiB per second of a stream.
type Figure = (&'static str, fn(&mut Side) -> Result<f64>);

const REQUESTS: [Figure; 4] = [
    ("`GET /_ping`, connection kept", |side| {
        rows::timed(|| side.kept.call("GET", "/_ping", b"", "").map(drop))
    }),
    ("`GET /_ping`, a connection each", |side| {
        rows::timed(|| {
            side.engine
                .client()?
                .call("GET", "/_ping", b"", "")
                .map(drop)
        })
    }),
    ("`GET /containers/NAME/json`", |side| {
        rows::timed(|| {
            side.kept
                .call("GET", "/containers/sleeper/json", b"", "")
                .map(drop)
        })
    }),
    ("`GET /containers/json`, 20 containers", |side| {
        rows::timed(|| {
            side.kept
                .call("GET", "/containers/json?all=1", b"", "")
                .map(drop)
        })
    }),
];

/// The image is loaded before it is saved.
const STREAMS: [Figure; 6] = [
    ("load of a 141 MiB image", |side| {
        let archive = image::big_archive();
        // There is none yet in the first round.
        drop(
            side.kept
                .call("DELETE", "/images/docker.io/library/big:latest", b"", ""),
        );
        per_second(|| {
            side.kept
                .call("POST", "/images/load?quiet=1", archive, "application/x-tar")?;
            Ok(archive.len() as u64)
        })
    }),
    ("save of that image", |side| {
        per_second(|| side.kept.drain("/images/docker.io/library/big:latest/get"))
    }),
    ("logs, 300k lines", |side| {
        per_second(|| side.kept.drain("/containers/talker/logs?stdout=1"))
    }),
    ("exec that writes 1 GiB", |side| {
        let write = format!(
            r#"["dd","if=/dev/zero","bs=65536","count={}"]"#,
            WRITTEN * 16
        );
        let start = exec(&mut side.kept, &write)?;
        let client = side.engine.client()?;
        per_second(|| client.hijack(&start, WATCHED))
    }),
    ("cp of a 256 MiB file out", |side| {
        per_second(|| side.kept.drain("/containers/sleeper/archive?path=/big"))
    }),
    ("cp of a 256 MiB file in", |side| {
        let archive = image::file_archive("copied", COPIED << 20);
        let target = "/containers/sleeper/archive?path=/";
        per_second(|| {
            side.kept
                .call("PUT", target, archive, "application/x-tar")?;
            Ok(archive.len() as u64)
        })
    }),
];

/// What one figure was, past the door and through it.
type Taken = [Vec<f64>; 2];

/// Prints the table.
pub(crate) fn run(dockerd: &Path, rounds: usize) -> Result<()> {
    let behind = Engine::dockerd(dockerd)?;
    prepare(&behind)?;
    let door = Engine::guard(&behind.socket())?;
    let name = behind.name.clone();
    let mut sides = [side(behind)?, side(door)?];
    let mut requests = REQUESTS.map(|_| Taken::default());
    let mut streams = STREAMS.map(|_| Taken::default());
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for ((_, measure), taken) in REQUESTS.iter().zip(&mut requests) {
            in_turn(&mut sides, taken, TIMES, *measure)?;
        }
        for ((figure, measure), taken) in STREAMS.iter().zip(&mut streams) {
            in_turn(&mut sides, taken, 2, *measure).with_context(|| (*figure).to_owned())?;
        }
    }
    let [past, _] = &mut sides;
    past.kept
        .call("DELETE", "/containers/sleeper?force=1", b"", "")?;
    println!("| figure (median) | {name} | through the door | difference | budget |");
    println!("|---|---|---|---|---|");
    for ((figure, _), taken) in REQUESTS.iter().zip(requests) {
        let [past, through] = taken.map(median);
        let added = through - past;
        println!("| {figure}, ms | {past:.3} | {through:.3} | {added:+.3} ms | at most 0.2 ms |");
    }
    for ((figure, _), taken) in STREAMS.iter().zip(streams) {
        let [past, through] = taken.map(median);
        let share = through / past * 100.0;
        println!("| {figure}, MiB/s | {past:.0} | {through:.0} | {share:.0} % | at least 90 % |");
    }
    Ok(())
}

fn side(engine: Engine) -> Result<Side> {
    let kept = engine.client()?;
    Ok(Side { engine, kept })
}

/// What the calls are about.
fn prepare(behind: &Engine) -> Result<()> {
    image::load_busybox(behind)?;
    let mut client = behind.client()?;
    let mut named = |name: &str, command: &str| -> Result<()> {
        let id = rows::create(&mut client, "none", command)?;
        client.call(
            "POST",
            &format!("/containers/{id}/rename?name={name}"),
            b"",
            "",
        )?;
        Ok(())
    };
    named("sleeper", r#"["sleep","100000"]"#)?;
    named("talker", rows::LINES)?;
    for number in 2..LISTED {
        named(&format!("idle-{number}"), r#"["true"]"#)?;
    }
    client.call("POST", "/containers/sleeper/start", b"", "")?;
    let big = format!(r#"["dd","if=/dev/zero","of=/big","bs=1048576","count={COPIED}"]"#);
    let start = exec(&mut client, &big)?;
    behind.client()?.hijack(&start, WATCHED)?;
    client.call("POST", "/containers/talker/start", b"", "")?;
    client.call("POST", "/containers/talker/wait", b"", "")?;
    let listed = client.json("GET", "/containers/json?all=1", "")?;
    let count = listed.as_array().map_or(0, Vec::len);
    ensure!(count == LISTED, "{count} containers instead of {LISTED}");
    Ok(())
}

/// Prepares an exec in the container that sleeps; where it is started.
fn exec(client: &mut Client, command: &str) -> Result<String> {
    let body = format!(r#"{{"Cmd":{command},"AttachStdout":true}}"#);
    let made = client.json("POST", "/containers/sleeper/exec", &body)?;
    let exec = made.get("Id").and_then(Value::as_str).context("no id")?;
    Ok(format!("/exec/{exec}/start"))
}

/// One after the other, so that what the machine does meanwhile hits both alike.
fn in_turn(
    sides: &mut [Side; 2],
    taken: &mut Taken,
    times: usize,
    measure: fn(&mut Side) -> Result<f64>,
) -> Result<()> {
    for turn in 0..times {
        // Who was served first may have warmed something for the other one.
        let order = if turn % 2 == 0 { [0, 1] } else { [1, 0] };
        for index in order {
            if let (Some(side), Some(values)) = (sides.get_mut(index), taken.get_mut(index)) {
                values.push(measure(side)?);
            }
        }
    }
    Ok(())
}

/// MiB per second.
fn per_second(work: impl FnOnce() -> Result<u64>) -> Result<f64> {
    let begun = Instant::now();
    let bytes = work()?;
    let mib = f64::from(u32::try_from(bytes >> 10)?) / 1024.0;
    ensure!(mib > 1.0, "only {bytes} bytes came");
    Ok(mib / begun.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
