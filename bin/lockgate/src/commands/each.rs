//! Commands that do the same to several objects.

use crate::client::ClientError;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Runs `act` for each name. A name is printed once it is done; errors are told at the end, and
/// do not keep the others from being tried.
pub(super) async fn each<F>(names: &[String], out: &mut Output, act: F) -> Outcome
where
    F: AsyncFn(&str) -> Result<(), ClientError>,
{
    let mut failures = Vec::new();
    for name in names {
        match act(name).await {
            Ok(()) => {
                out.line(name)?;
                out.flush()?;
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    finish(&failures)
}

/// Success, or all failures, one a line.
pub(super) fn finish(failures: &[String]) -> Outcome {
    if failures.is_empty() {
        Ok(0)
    } else {
        Err(Failure::new(failures.join("\n")))
    }
}

/// Asks before something is lost. Without an answer it is a no.
pub(super) fn confirm(question: &str, out: &mut Output) -> Result<bool, Failure> {
    out.text(format!("{question} [y/N] "))?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}
