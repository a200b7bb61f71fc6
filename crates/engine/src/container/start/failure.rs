//! From what a shim says to what dockerd would say: clients choose their exit code by these words.

use crate::container::error::{FaultError, StartError};
use crate::shim::ShimError;

/// dockerd's sentence for a container that its runtime cannot start.
pub(super) fn start_error(error: ShimError) -> StartError {
    match error {
        ShimError::Failed(failure) => runtime_error(&failure.message),
        ShimError::Io(_) | ShimError::Protocol(_) | ShimError::Unexpected => {
            FaultError::Shim(error.to_string()).into()
        }
    }
}

/// dockerd's sentence for a log driver that cannot be had.
pub(super) fn no_log(reason: &str) -> StartError {
    runtime_error(&format!("{NO_LOG}{reason}"))
}

fn runtime_error(message: &str) -> StartError {
    if message.starts_with(NO_LOG) {
        let text = format!("failed to create task for container: {message}");
        let invalid = exit_code(&text) != UNKNOWN;
        return StartError::Runtime { text, invalid };
    }
    // An external runtime's own words begin so; the built-in one tells the reason alone.
    let reason = if message.starts_with("runc create failed") || message.contains("container_linux")
    {
        message.to_owned()
    } else if message.starts_with("sysctl ") {
        // Found before there is a process.
        format!("runc create failed: {message}")
    } else {
        format!(
            "runc create failed: unable to start container process: error during container init: {message}"
        )
    };
    let mut text = format!(
        "failed to create task for container: failed to create shim task: OCI runtime create failed: {reason}: unknown"
    );
    if message.contains(NOT_A_DIRECTORY) {
        text.push_str(
            ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type",
        );
    }
    let invalid = exit_code(&text) != UNKNOWN;
    StartError::Runtime { text, invalid }
}

/// The exit code that a container shows that could not be started.
pub(super) fn exit_code(text: &str) -> i32 {
    // Runtimes write the system's reasons with large and small letters.
    let text = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["executable file not found", "no such file or directory"]) {
        127
    } else if says(&["permission denied", "is a directory"]) {
        126
    } else if says(&[NOT_A_DIRECTORY]) {
        127
    } else {
        UNKNOWN
    }
}

/// How a shim begins to say that a log driver does not work.
const NO_LOG: &str = "failed to initialize logging driver: ";
const NOT_A_DIRECTORY: &str = "not a directory";
/// The exit code of a container that fails to start for a reason that tells nothing of its program.
pub(super) const UNKNOWN: i32 = 128;

#[cfg(test)]
mod tests {
    use lockgate_runtime::protocol::ShimFailure;
    use lockgate_types::ErrorKind;

    use super::*;

    fn text(message: &str) -> String {
        let failure = ShimFailure {
            kind: ErrorKind::NotFound,
            message: message.to_owned(),
        };
        start_error(ShimError::Failed(failure)).to_string()
    }

    #[test]
    fn a_missing_command_reads_as_from_dockerd() {
        assert_eq!(
            text("exec: \"nope\": executable file not found in $PATH"),
            "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: \"nope\": executable file not found in $PATH: unknown"
        );
    }

    #[test]
    fn exit_codes_follow_the_words() {
        for (message, code) in [
            ("exec: \"nope\": executable file not found in $PATH", 127),
            (
                "exec: \"/nope\": stat /nope: no such file or directory",
                127,
            ),
            ("exec: \"/etc/passwd\": permission denied", 126),
            ("exec: \"/etc\": is a directory", 126),
            (
                "error mounting \"/a\" to rootfs at \"/b\": not a directory",
                127,
            ),
            ("something else", 128),
        ] {
            assert_eq!(exit_code(&text(message)), code, "{message}");
        }
        assert!(
            text("error mounting: not a directory").contains("Are you trying to mount a directory")
        );
    }
}
