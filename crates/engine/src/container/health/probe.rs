//! One probe: an exec whose output is kept and whose time is limited.

use std::io;
use std::time::Duration;

use lockgate_types::{ContainerId, ExecId, Timestamp};
use tokio::io::AsyncReadExt as _;
use tokio::sync::oneshot;

use super::{Check, HealthProbe};
use crate::exec::{CreateExec, ExecError, ExecStream, Execs, StartExec};

/// How much of a probe's output is kept.
const OUTPUT: usize = 4096;
/// How long the end of a probe that was killed is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The exit code of a probe that has none.
const NO_RESULT: i32 = -1;

/// Probes once. A probe whose `given_up` is closed is killed.
pub(super) async fn run(
    execs: &Execs,
    id: &ContainerId,
    check: &Check,
    given_up: oneshot::Receiver<()>,
) -> HealthProbe {
    let start = Timestamp::now();
    let (exit_code, output) = attempt(execs, id, check, given_up)
        .await
        .unwrap_or_else(|error| (NO_RESULT, error.to_string()));
    HealthProbe {
        start,
        end: Timestamp::now(),
        exit_code,
        output,
    }
}

async fn attempt(
    execs: &Execs,
    id: &ContainerId,
    check: &Check,
    given_up: oneshot::Receiver<()>,
) -> Result<(i32, String), ExecError> {
    let asked = CreateExec {
        attach_stdout: true,
        attach_stderr: true,
        cmd: check.command.clone(),
        ..CreateExec::default()
    };
    let exec = execs.create(id.as_str(), asked).await?;
    let Some(mut stream) = execs.start(exec.as_str(), StartExec::default()).await? else {
        return Err(ExecError::Shim);
    };
    let mut output = Output::default();
    let timed_out = tokio::select! {
        read = output.fill(&mut stream) => {
            if let Err(error) = read {
                tracing::debug!(container = %id, %error, "a probe's output broke off");
            }
            let code = execs.inspect(exec.as_str())?.exit_code;
            return Ok((code.unwrap_or(NO_RESULT), output.text()));
        }
        () = tokio::time::sleep(check.timeout) => true,
        _ = given_up => false,
    };
    end(execs, &exec, &mut stream, &mut output).await;
    let text = output.text();
    let text = match (timed_out, text.is_empty()) {
        (false, _) => text,
        (true, true) => format!(
            "Health check exceeded timeout ({})",
            go_duration(check.timeout)
        ),
        (true, false) => format!(
            "Health check exceeded timeout ({}): {text}",
            go_duration(check.timeout)
        ),
    };
    Ok((NO_RESULT, text))
}

/// Kills a probe and waits until everybody has been told of its end.
async fn end(execs: &Execs, exec: &ExecId, stream: &mut ExecStream, output: &mut Output) {
    if let Err(error) = execs.kill(exec).await {
        tracing::debug!(%exec, %error, "cannot kill a probe");
    }
    if tokio::time::timeout(PATIENCE, output.fill(stream))
        .await
        .is_err()
    {
        tracing::warn!(%exec, "a killed probe does not end");
    }
}

/// The first bytes of an exec's two outputs, in the order in which they came.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    is_cut: bool,
    /// What is left of the frame being read.
    left: usize,
    header: Vec<u8>,
}

impl Output {
    /// Reads to the end; goes on where an earlier call was given up.
    async fn fill(&mut self, stream: &mut ExecStream) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            let length = stream.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
            }
            self.push(buffer.get(..length).unwrap_or_default());
        }
    }

    /// Takes bytes of stdcopy frames, wherever they are cut.
    fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let (text, rest) = bytes.split_at(self.left.min(bytes.len()));
                self.left -= text.len();
                let room = OUTPUT - self.bytes.len();
                self.is_cut |= text.len() > room;
                self.bytes
                    .extend_from_slice(text.get(..room).unwrap_or(text));
                bytes = rest;
                continue;
            }
            let missing = 8 - self.header.len();
            let (head, rest) = bytes.split_at(missing.min(bytes.len()));
            self.header.extend_from_slice(head);
            bytes = rest;
            if let [_, _, _, _, a, b, c, d] = self.header[..] {
                self.left = u32::from_be_bytes([a, b, c, d]) as usize;
                self.header.clear();
            }
        }
    }

    fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.bytes).into_owned();
        if self.is_cut {
            text.push_str("...");
        }
        text
    }
}

/// A duration as Go writes it: `700ms`, `1.5s`, `1m30s`.
fn go_duration(duration: Duration) -> String {
    let trimmed = |whole: u64, fraction: u64, digits: usize| {
        let text = format!("{whole}.{fraction:0digits$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let nanos = u64::from(duration.subsec_nanos());
    let seconds = duration.as_secs();
    if seconds == 0 {
        return match nanos {
            0 => "0s".to_owned(),
            1..1_000 => format!("{nanos}ns"),
            1_000..1_000_000 => format!("{}µs", trimmed(nanos / 1_000, nanos % 1_000, 3)),
            _ => format!("{}ms", trimmed(nanos / 1_000_000, nanos % 1_000_000, 6)),
        };
    }
    let rest = format!("{}s", trimmed(seconds % 60, nanos, 9));
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => rest,
        (0, minutes) => format!("{minutes}m{rest}"),
        (hours, minutes) => format!("{hours}h{minutes}m{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_in_go() {
        for (millis, text) in [
            (700, "700ms"),
            (1500, "1.5s"),
            (30_000, "30s"),
            (90_000, "1m30s"),
            (3_600_000, "1h0m0s"),
        ] {
            assert_eq!(go_duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn output_is_cut_at_4096_bytes_wherever_the_frames_are() {
        let mut frames = Vec::new();
        for stream in [1_u8, 2] {
            frames.extend_from_slice(&[stream, 0, 0, 0, 0, 0, 0x0c, 0]);
            frames.extend_from_slice(&[b'a' + stream; 3072]);
        }
        for size in [1, 7, 8, 9, 4096] {
            let mut output = Output::default();
            frames.chunks(size).for_each(|chunk| output.push(chunk));
            let text = output.text();
            assert_eq!(text.len(), OUTPUT + 3, "{size}");
            assert!(text.starts_with("bbb") && text.ends_with("ccc..."));
        }
    }
}
