//! What every driver can do.

use std::io;

use lockgate_runtime::protocol::{LogRecord, LogSetup};

use crate::{fluentd, gelf, journald, syslog};

/// Where records go.
pub(crate) trait Target {
    /// Delivers one record; one that cannot be delivered is lost.
    fn send(&mut self, record: &LogRecord) -> io::Result<()>;

    /// Delivers what is still kept.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens the driver's target.
pub(crate) fn open(setup: &LogSetup) -> io::Result<Box<dyn Target>> {
    Ok(match setup.driver.as_str() {
        "syslog" => Box::new(syslog::Syslog::open(setup)?),
        "fluentd" => fluentd::open(setup)?,
        "gelf" => Box::new(gelf::Gelf::open(setup)?),
        "journald" => Box::new(journald::Journald::open(setup)?),
        other => return Err(io::Error::other(format!("unknown log driver: {other}"))),
    })
}

/// An option's text; absent and empty are the same.
pub(crate) fn option<'a>(setup: &'a LogSetup, key: &str) -> Option<&'a str> {
    setup
        .options
        .get(key)
        .map(String::as_str)
        .filter(|text| !text.is_empty())
}

/// The host's name.
pub(crate) fn hostname() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}
