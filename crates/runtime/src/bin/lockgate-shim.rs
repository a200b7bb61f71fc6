//! Supervises one container: `lockgate-shim --socket PATH`, with the first connection as descriptor 3.
//!
//! As `lockgate-shim init -- COMMAND…` (or under the name `docker-init`) it is the init that `--init`
//! puts before a container's program.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_default();
    let args: Vec<OsString> = args.collect();
    if let Some(command) = init_command(&name, &args) {
        return ExitCode::from(lockgate_runtime::shim::run_init(command));
    }
    let socket = match args.as_slice() {
        [flag, socket] if flag == "--socket" => PathBuf::from(socket),
        [flag] if flag == "--version" => {
            return say(
                &format!("lockgate-shim {}", env!("CARGO_PKG_VERSION")),
                ExitCode::SUCCESS,
            );
        }
        _ => return say("usage: lockgate-shim --socket PATH", ExitCode::from(2)),
    };
    match lockgate_runtime::shim::run(&socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => say(&format!("lockgate-shim: {error}"), ExitCode::FAILURE),
    }
}

/// The command, if this is to be an init: after `init [--]`, or after `[-s] [--]` of a `docker-init`.
fn init_command<'a>(name: &OsString, args: &'a [OsString]) -> Option<&'a [OsString]> {
    let mut rest = if PathBuf::from(name)
        .file_name()
        .is_some_and(|name| name == "docker-init")
    {
        args
    } else {
        args.split_first().filter(|(first, _)| *first == "init")?.1
    };
    while let Some((first, others)) = rest.split_first().filter(|(f, _)| *f == "-s" || *f == "--") {
        rest = others;
        if first == "--" {
            break;
        }
    }
    Some(rest)
}

#[expect(clippy::print_stderr, reason = "a program's usage and last words")]
fn say(text: &str, code: ExitCode) -> ExitCode {
    eprintln!("{text}");
    code
}
