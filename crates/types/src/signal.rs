//! Signals by number or name (signal(7), Linux numbers of x86 and arm).

use std::fmt;
use std::str::FromStr;

/// A signal number between 1 and 64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Signal(u8);

/// The text names no signal; the texts are Docker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// Neither a number nor a name.
    #[error("invalid signal: {0}")]
    Name(String),
    /// A number that no signal has.
    #[error("the linux daemon does not support signal {0}")]
    Number(i64),
}

impl Signal {
    /// SIGKILL.
    pub const KILL: Self = Self(9);
    /// SIGTERM.
    pub const TERM: Self = Self(15);

    /// The number as the kernel knows it.
    pub fn number(self) -> i32 {
        i32::from(self.0)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Signal {
    type Err = SignalError;

    /// Accepts `9`, `KILL`, `SIGKILL`, `kill`, `RTMIN+3`, `RTMAX-1`.
    fn from_str(text: &str) -> Result<Self, SignalError> {
        let error = || SignalError::Name(text.to_owned());
        if let Ok(number) = text.parse::<i64>() {
            return match u8::try_from(number) {
                Ok(0) => Err(error()),
                Ok(number) if number <= 64 => Ok(Self(number)),
                _ => Err(SignalError::Number(number)),
            };
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(Self(*number));
        }
        let offset = |digits: &str| digits.parse::<u8>().ok().filter(|n| *n <= 30);
        if let Some(n) = name.strip_prefix("RTMIN+").and_then(offset) {
            return Ok(Self(34 + n));
        }
        if let Some(n) = name.strip_prefix("RTMAX-").and_then(offset) {
            return Ok(Self(64 - n));
        }
        Err(error())
    }
}

const NAMES: [(&str, u8); 36] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
    ("RTMIN", 34),
    ("RTMAX", 64),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_and_names() {
        for (text, number) in [
            ("9", 9),
            ("KILL", 9),
            ("SIGTERM", 15),
            ("usr1", 10),
            ("RTMIN+3", 37),
            ("RTMAX-1", 63),
        ] {
            assert_eq!(text.parse::<Signal>().unwrap().number(), number, "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for bad in ["", "0", "65", "-1", "SIG", "NOPE", "RTMIN+31", "9x"] {
            assert!(bad.parse::<Signal>().is_err(), "{bad}");
        }
    }
}
