//! The system's reasons in the words that users of runc know.

use std::fmt;
use std::io;

/// Shows `no such file or directory` where std shows `No such file or directory (os error 2)`.
#[derive(Debug)]
pub(crate) struct Reason<'a>(pub(crate) &'a io::Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let text = text.split(" (os error").next().unwrap_or(&text);
        let mut letters = text.chars();
        match letters.next() {
            Some(first) => write!(f, "{}{}", first.to_lowercase(), letters.as_str()),
            None => f.write_str("unknown error"),
        }
    }
}

/// Passes over a result that does not matter; callers say why.
pub(crate) fn ignore<T>(_result: T) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_read_as_in_go() {
        let text = |code| Reason(&io::Error::from_raw_os_error(code)).to_string();
        assert_eq!(text(2), "no such file or directory");
        assert_eq!(text(8), "exec format error");
        assert_eq!(text(13), "permission denied");
    }
}
