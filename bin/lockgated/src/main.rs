//! `lockgated`: the daemon. Reads its configuration, opens the door, puts the engine behind it.
//!
//! It is called `dockerd` where a link of that name points here, and does the same.
#![forbid(unsafe_code)]

mod app;
mod authority;
mod config;
mod place;
mod rootless;
mod watch;
mod watchdog;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Result, bail};
use config::{Config, Typed};

fn main() -> ExitCode {
    let matches = config::command().get_matches();
    if matches.get_flag("version") {
        return say(&format!("lockgated version {}", env!("CARGO_PKG_VERSION")));
    }
    if matches.get_flag("manual") {
        return manual();
    }
    let typed = Typed::new(matches);
    match start(&typed) {
        Ok(Done::Stopped) => ExitCode::SUCCESS,
        Ok(Done::Valid) => say("configuration OK"),
        Err(error) => {
            // A closed standard error is no reason for another failure.
            writeln!(std::io::stderr(), "lockgated: {error:#}").unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

enum Done {
    Stopped,
    Valid,
}

fn start(typed: &Typed) -> Result<Done> {
    let mut config = Config::load(typed)?;
    if typed.validate {
        app::validate(&config)?;
        return Ok(Done::Valid);
    }
    start_log(&config);
    for note in &config.notes {
        tracing::info!("{note}");
    }
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    if !config.rootless && config.guard.is_none() && !rustix::process::geteuid().is_root() {
        bail!("running containers needs root; an ordinary user starts `lockgated --rootless`");
    }
    if config.rootless {
        // Before there is another thread: a user namespace is entered by a process with one.
        rootless::enter(&mut config)?;
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(app::run(config))?;
    Ok(Done::Stopped)
}

fn start_log(config: &Config) {
    let colours = config.colours && std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_max_level(config.log_level)
        .with_ansi(colours)
        .with_target(false)
        .with_writer(std::io::stderr)
        .init();
}

/// The manual page, for packages.
fn manual() -> ExitCode {
    let page = clap_mangen::Man::new(config::command()).section("8");
    match page.render(&mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_closed) => ExitCode::FAILURE,
    }
}

fn say(text: &str) -> ExitCode {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_closed) => ExitCode::FAILURE,
    }
}
