//! Descriptors that a container's program gets beside the standard ones.

use oci_spec::runtime::Spec;

use super::OciError;

/// The number of `--preserve-fds`.
pub(super) fn count(text: &str) -> Result<u32, OciError> {
    let number = text.parse::<u32>().ok().filter(|n| *n <= MAX);
    number.ok_or_else(|| OciError::InvalidValue {
        what: "preserve-fds",
        value: text.to_owned(),
    })
}

/// How many sockets a service manager has opened for this process, to be passed on.
pub(super) fn listening() -> u32 {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID") != Some(std::process::id()) {
        return 0;
    }
    number("LISTEN_FDS").unwrap_or(0).min(MAX)
}

/// Tells the program of them, as the service manager would.
pub(super) fn announce(spec: &mut Spec, listening: u32) {
    if let Some(process) = spec.process_mut().as_mut().filter(|_| listening > 0) {
        let mut environment = process.env().clone().unwrap_or_default();
        environment.push(format!("LISTEN_FDS={listening}"));
        environment.push("LISTEN_PID=1".to_owned());
        process.set_env(Some(environment));
    }
}

/// All of them must be open, or one of this runtime's own would pass for one of them.
pub(super) fn check(count: u32) -> Result<(), OciError> {
    for number in 3..3 + count {
        if std::fs::read_link(format!("/proc/self/fd/{number}")).is_err() {
            return Err(OciError::NotInherited { number, count });
        }
    }
    Ok(())
}

/// As many as this process could have.
const MAX: u32 = 1 << 16;
