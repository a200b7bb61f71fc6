//! Full mutual-TLS handshakes per second, driven by openssl's own client.

use anyhow::{Context as _, Result};
use lockgate_testkit::run;

use crate::engine::Engine;

/// Handshakes per second over three seconds; nothing for an engine without TLS.
pub(crate) fn per_second(engine: &Engine) -> Result<Vec<f64>> {
    let Some((port, client, netns)) = engine.tls() else {
        return Ok(Vec::new());
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
        [connections, seconds, ..] if *seconds > 0.0 => Ok(vec![connections / seconds]),
        _ => Ok(Vec::new()),
    }
}
