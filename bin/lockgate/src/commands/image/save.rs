//! `save`, and writing any archive that the daemon sends.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::super::context::Context;
use crate::args::SaveArgs;
use crate::client::Answer;
use crate::config::go_error;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::stream::stdout_is_terminal;

/// Runs `save`.
pub(crate) async fn run(context: &Context, args: &SaveArgs, out: &mut Output) -> Outcome {
    let output = args.output.as_deref().filter(|path| !path.is_empty());
    if output.is_none() && stdout_is_terminal() {
        return Err(Failure::new(
            "cowardly refusing to save to a terminal. Use the -o flag or redirect",
        ));
    }
    if let Some(folder) = output.and_then(|path| Path::new(path).parent())
        && !folder.as_os_str().is_empty()
        && !folder.exists()
    {
        let folder = folder.display();
        return Err(Failure::new(format!(
            "failed to save image: invalid output path: directory {folder:?} does not exist"
        )));
    }
    let platform = args.platform.as_deref().map(super::platform).transpose()?;
    let call = args
        .images
        .iter()
        .fold(context.client.get("/images/get"), |call, image| {
            call.query("names", image.as_str())
        });
    let call = call.maybe("platform", platform.map(|platform| platform.to_string()));
    write_stream(call.send().await?, output, out).await
}

/// Writes an answer to stdout, or to a file that is complete or not there at all.
pub(crate) async fn write_stream(
    mut answer: Answer,
    output: Option<&str>,
    out: &mut Output,
) -> Outcome {
    let Some(path) = output else {
        while let Some(bytes) = answer.chunk().await? {
            out.bytes_now(&bytes)?;
        }
        return Ok(0);
    };
    let failed = |error: &std::io::Error| Failure::new(format!("{path}: {}", go_error(error)));
    let is_special = Path::new(path).exists() && !Path::new(path).is_file();
    let target = if is_special {
        path.to_owned()
    } else {
        format!("{path}.{}.part", std::process::id())
    };
    let copied = copy(&mut answer, &target, &failed).await;
    let kept = match copied {
        Ok(()) if is_special => Ok(()),
        Ok(()) => std::fs::rename(&target, path).map_err(|error| failed(&error)),
        Err(failure) => Err(failure),
    };
    if kept.is_err() && !is_special {
        // Half an archive is of no use.
        std::fs::remove_file(&target).unwrap_or_default();
    }
    kept.map(|()| 0)
}

async fn copy(
    answer: &mut Answer,
    target: &str,
    failed: &impl Fn(&std::io::Error) -> Failure,
) -> Result<(), Failure> {
    let mut file = File::create(target).map_err(|error| failed(&error))?;
    while let Some(bytes) = answer.chunk().await? {
        file.write_all(&bytes).map_err(|error| failed(&error))?;
    }
    Ok(())
}
