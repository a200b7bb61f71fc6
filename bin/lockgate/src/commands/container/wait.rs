//! `wait`.

use serde_json::Value;

use super::super::context::Context;
use super::super::each::finish;
use super::super::view::View;
use super::path;
use crate::args::ContainersArgs;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `wait`.
pub(crate) async fn run(context: &Context, args: &ContainersArgs, out: &mut Output) -> Outcome {
    let mut failures = Vec::new();
    for name in &args.containers {
        match context
            .client
            .post(path(name, "wait"))
            .fetch::<Value>()
            .await
        {
            Ok(answer) => {
                out.line(View::new(&answer).int("StatusCode").to_string())?;
                out.flush()?;
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    finish(&failures)
}
