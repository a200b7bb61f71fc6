//! Full mutual-TLS handshakes, driven by a client of our own that costs much less than a server.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use lockgate_testkit::run;

use crate::cpu;
use crate::engine::Engine;
use crate::tls;

/// How long hands are shaken for one figure.
const SECONDS: u64 = 3;

/// Handshakes per second, as many at once as the client has threads; nothing for an engine without TLS.
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

/// Connects for some seconds: how many times, in how many seconds. The client is this program in the
/// engine's network namespace.
fn drive(engine: &Engine) -> Result<Option<(f64, f64)>> {
    let Some((port, client, netns)) = engine.tls() else {
        return Ok(None);
    };
    let mut command = netns.command(std::env::current_exe()?);
    command.arg("--shake").arg(port.to_string());
    command.arg("--as").arg(client);
    let ended = run(&mut command, b"");
    let words: Vec<f64> = ended
        .stdout
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    match words.as_slice() {
        [count, seconds] if *count > 0.0 && *seconds > 0.0 => Ok(Some((*count, *seconds))),
        _ => bail!("no hands were shaken: {ended}"),
    }
}

/// What the client does: prints how many handshakes there were, in how many seconds.
pub(crate) fn shake(port: u16, client: &Path) -> Result<String> {
    let config = tls::config(client).context("the client's certificate")?;
    let begun = std::time::Instant::now();
    let count = tls::shake_for(port, &config, std::time::Duration::from_secs(SECONDS))?;
    Ok(format!("{count} {}", begun.elapsed().as_secs_f64()))
}
