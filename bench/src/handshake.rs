//! Full mutual-TLS handshakes, driven by openssl's own client.

use anyhow::{Context as _, Result, bail};
use lockgate_testkit::run;

use crate::cpu;
use crate::engine::Engine;

/// Handshakes per second; nothing for an engine without TLS. The client shares the cores with the
/// server and does as much cryptography, so that this is as much a figure of openssl's.
pub(crate) fn per_second(engine: &Engine) -> Result<Vec<f64>> {
    let run = drive(engine)?;
    Ok(run
        .into_iter()
        .map(|(count, seconds)| count / seconds)
        .collect())
}

/// What one handshake costs the server alone: processor time, milliseconds.
pub(crate) fn server_cost(engine: &Engine) -> Result<Vec<f64>> {
    let pid = engine.pid();
    let before = cpu::milliseconds(pid)?;
    let run = drive(engine)?;
    let spent = cpu::milliseconds(pid)? - before;
    Ok(run.into_iter().map(|(count, _)| spent / count).collect())
}

/// Connects for three seconds, one handshake after the other: how many, in how many seconds.
fn drive(engine: &Engine) -> Result<Option<(f64, f64)>> {
    let Some((port, client, netns)) = engine.tls() else {
        return Ok(None);
    };
    let mut command = netns.command("openssl");
    command
        .args(["s_time", "-new", "-time", "3", "-verify", "2", "-connect"])
        .arg(format!("127.0.0.1:{port}"));
    for (flag, name) in [
        ("-CAfile", "ca.pem"),
        ("-cert", "cert.pem"),
        ("-key", "key.pem"),
    ] {
        command.arg(flag).arg(client.join(name));
    }
    let ended = run(&mut command, b"");
    // `N connections in M real seconds, …`
    let line = ended
        .stdout
        .lines()
        .find(|line| line.contains("real seconds"));
    let words: Vec<f64> = line
        .with_context(|| format!("openssl s_time says nothing: {ended}"))?
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    match words.as_slice() {
        [connections, seconds, ..] if *connections > 0.0 && *seconds > 0.0 => {
            Ok(Some((*connections, *seconds)))
        }
        _ => bail!("openssl s_time made no connection: {ended}"),
    }
}
