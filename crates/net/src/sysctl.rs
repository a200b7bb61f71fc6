//! Kernel settings of the calling thread's network namespace.

use std::{fs, io};

use crate::NetError;

/// Sets a parameter below `/proc/sys/net`, unless it has that value already.
pub(crate) fn set(name: &str, value: &str) -> Result<(), NetError> {
    let path = format!("/proc/sys/net/{name}");
    let outcome = match fs::read_to_string(&path) {
        Ok(current) if current.trim_end() == value => return Ok(()),
        // Where /proc/sys is read-only the value may have been set by whoever made it so.
        Ok(_) => fs::write(&path, value),
        Err(error) => Err(error),
    };
    outcome.map_err(|source| NetError::Sysctl {
        name: name.replace('/', "."),
        source,
    })
}

/// As [`set`], where a kernel without the parameter needs nothing.
pub(crate) fn set_if_present(name: &str, value: &str) -> Result<(), NetError> {
    match set(name, value) {
        Err(NetError::Sysctl { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
