//! The command line of Lockgate: a client for any Docker-compatible daemon, and the tools of the
//! certificate authority.
//!
//! [`args`] is what was typed, [`commands`] is what it does, [`output`] is the only place that
//! prints.
#![forbid(unsafe_code)]

mod args;
mod client;
mod commands;
mod config;
mod contexts;
mod doctor;
mod entries;
mod failure;
mod format;
mod output;
mod spec;
mod stream;

use std::process::ExitCode;

use crate::output::Output;

fn main() -> ExitCode {
    let mut out = Output::new();
    let status = match args::parse(std::env::args_os()) {
        Ok(cli) => commands::run(&cli, &mut out),
        Err(failure) => Err(failure),
    };
    let code = status.unwrap_or_else(|failure| out.failure(&failure));
    ExitCode::from(code)
}
