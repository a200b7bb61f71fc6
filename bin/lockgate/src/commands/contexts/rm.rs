//! `context rm`.

use crate::args::{ContextRmArgs, Globals};
use crate::commands::each;
use crate::config::{self, ConfigFile};
use crate::contexts::Contexts;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Removes contexts; the current one only if forced to.
pub(super) fn run(
    globals: &Globals,
    contexts: &Contexts,
    args: &ContextRmArgs,
    out: &mut Output,
) -> Outcome {
    let config =
        ConfigFile::load(config::folder(globals.config.as_deref())).map_err(Failure::new)?;
    let mut failures = Vec::new();
    for name in &args.names {
        let in_use = config.current_context.as_deref() == Some(name);
        if name == "default" {
            failures.push(format!("context {name:?} cannot be removed"));
        } else if !args.force && !contexts.has(name) {
            failures.push(format!("context {name:?} does not exist"));
        } else if in_use && !args.force {
            failures.push(format!(
                "context {name:?} is in use, set -f flag to force remove"
            ));
        } else {
            if in_use {
                contexts.set_current(None)?;
            }
            contexts.remove(name)?;
            out.line(name)?;
        }
    }
    each::finish(&failures)
}
