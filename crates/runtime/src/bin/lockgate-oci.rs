//! An OCI runtime with runc's command line.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(lockgate_runtime::oci::run(
        std::env::args_os().skip(1).collect(),
    ))
}
