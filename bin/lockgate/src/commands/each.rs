//! Commands that do the same to several objects.

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::client::ClientError;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// How many requests are under way at a time.
const AT_ONCE: usize = 50;

/// Runs `act` for each name, several at a time. Names are printed in their order once they are
/// done; errors are told at the end, and do not keep the others from being tried.
pub(super) async fn each<F>(names: &[String], out: &mut Output, act: F) -> Outcome
where
    F: AsyncFn(&str) -> Result<(), ClientError>,
{
    let act = &act;
    let results = stream::iter(names).map(async |name| (name, act(name).await));
    let mut results = std::pin::pin!(results.buffered(AT_ONCE));
    let mut failures = Vec::new();
    while let Some((name, result)) = results.next().await {
        match result {
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
