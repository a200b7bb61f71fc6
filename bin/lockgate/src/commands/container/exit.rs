//! How a container ended, and what that makes of us.

use serde_json::Value;
use tokio::task::JoinHandle;

use super::super::context::Context;
use super::super::view::View;
use super::path;
use crate::client::ClientError;
use crate::failure::{Failure, Outcome};

/// Waits for a container in the background. The daemon has begun to watch it once this returns,
/// so it may be started then.
pub(crate) async fn wait(
    context: &Context,
    id: &str,
    condition: &str,
) -> Result<JoinHandle<Outcome>, ClientError> {
    let condition = Some(condition).filter(|text| !text.is_empty());
    let call = context
        .client
        .post(path(id, "wait"))
        .maybe("condition", condition);
    let answer = call.send().await?;
    Ok(tokio::spawn(async move {
        let value: Value = match answer.json().await {
            Ok(value) => value,
            Err(error) => {
                return Err(
                    Failure::new(format!("Error waiting for container: {error}")).status(125),
                );
            }
        };
        status(View::new(&value))
    }))
}

fn status(answer: View<'_>) -> Outcome {
    let message = answer.at("Error").text("Message");
    if !message.is_empty() {
        return Err(Failure::new(format!("Error waiting for container: {message}")).status(125));
    }
    Ok(as_exit_status(answer.int("StatusCode")))
}

/// An exit status of a container as ours; only eight bits fit.
pub(crate) fn as_exit_status(code: i64) -> u8 {
    u8::try_from(code.rem_euclid(256)).unwrap_or(125)
}

/// Waits for the one that waits.
pub(crate) async fn joined(waiting: JoinHandle<Outcome>) -> Outcome {
    match waiting.await {
        Ok(outcome) => outcome,
        Err(error) => Err(Failure::new(error.to_string()).status(125)),
    }
}

/// A container that could not be run: the reason, and the status that shells use for it.
pub(crate) fn not_run(verb: &str, reason: &str) -> Failure {
    let has = |part: &str| reason.contains(part);
    let status = if has("executable file not found") || has("no such file or directory") {
        127
    } else if has("permission denied") || has("is a directory") {
        126
    } else {
        125
    };
    refused(verb, reason).status(status)
}

/// A command line that was refused before anything was sent.
pub(crate) fn refused(verb: &str, reason: &str) -> Failure {
    let program = crate::config::program_name();
    let advice = format!("\n\nRun '{program} {verb} --help' for more information");
    Failure::new(format!("{program}: {reason}{advice}")).status(125)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_decides_about_the_status() {
        for (reason, status) in [
            (
                "exec: \"nope\": executable file not found in $PATH: unknown",
                127,
            ),
            (
                "exec: \"/nope\": stat /nope: no such file or directory: unknown",
                127,
            ),
            ("exec: \"/etc\": permission denied: unknown", 126),
            ("exec: \"/etc\": is a directory: unknown", 126),
            ("No such image: nope:latest", 125),
        ] {
            assert_eq!(not_run("run", reason).code(), status, "{reason}");
        }
    }

    #[test]
    fn exit_statuses_have_eight_bits() {
        assert_eq!(as_exit_status(3), 3);
        assert_eq!(as_exit_status(256 + 7), 7);
        assert_eq!(as_exit_status(-1), 255);
    }
}
