//! `lockgate context …`: the same contexts that docker's client has.

mod archive;
mod create;
mod inspect;
mod ls;
mod rm;

use super::context::Context;
use crate::args::{ContextVerb, Globals};
use crate::config;
use crate::contexts::{ArchiveError, ContextError, Contexts};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Runs one verb of `lockgate context`.
pub(crate) fn run(globals: &Globals, verb: &ContextVerb, out: &mut Output) -> Outcome {
    let contexts = Contexts::new(config::folder(globals.config.as_deref()));
    match verb {
        ContextVerb::Create(args) => create::create(globals, &contexts, args, out),
        ContextVerb::Export(args) => archive::export(globals, &contexts, args, out),
        ContextVerb::Import(args) => archive::import(&contexts, args, out),
        ContextVerb::Inspect(args) => inspect::run(globals, &contexts, args, out),
        ContextVerb::Ls(args) => ls::run(&Context::new(globals)?, args, out),
        ContextVerb::Rm(args) => rm::run(globals, &contexts, args, out),
        ContextVerb::Show => {
            out.line(&Context::new(globals)?.client.endpoint().context)?;
            Ok(0)
        }
        ContextVerb::Update(args) => create::update(&contexts, args, out),
        ContextVerb::Use(args) => {
            let name = Some(args.name.as_str()).filter(|name| *name != "default");
            if let Some(name) = name {
                contexts.read(name)?;
            }
            contexts.set_current(name)?;
            out.line(&args.name)?;
            out.note(format!("Current context is now {:?}", args.name))?;
            Ok(0)
        }
    }
}

impl From<ContextError> for Failure {
    fn from(error: ContextError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        Self::new(error.to_string())
    }
}
