//! Command lines in Go's style: `-flag value`, `--flag=value`, flags before words.

use std::collections::VecDeque;
use std::ffi::OsString;

use super::OciError;

/// A flag that a command knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Option {
    name: &'static str,
    short: std::option::Option<char>,
    takes_value: bool,
}

impl Option {
    pub(super) const fn plain(name: &'static str, short: std::option::Option<char>) -> Self {
        Self {
            name,
            short,
            takes_value: false,
        }
    }

    pub(super) const fn with_value(name: &'static str, short: std::option::Option<char>) -> Self {
        Self {
            name,
            short,
            takes_value: true,
        }
    }
}

/// A flag that was given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) value: std::option::Option<String>,
}

/// How many words a command takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Words {
    Exactly(usize),
    AtLeast(usize),
}

/// The words of a command, if they are as many as it takes.
pub(super) fn words(
    command: &'static str,
    list: Vec<String>,
    wanted: Words,
) -> Result<Vec<String>, OciError> {
    match wanted {
        Words::Exactly(count) if list.len() != count => {
            Err(OciError::Arguments(command, "exactly", count))
        }
        Words::AtLeast(count) if list.len() < count => {
            Err(OciError::Arguments(command, "a minimum of", count))
        }
        _ => Ok(list),
    }
}

/// What is left of a command line.
#[derive(Debug)]
pub(super) struct Args(VecDeque<String>);

impl Args {
    pub(super) fn new(arguments: Vec<OsString>) -> Self {
        Self(
            arguments
                .into_iter()
                .map(|a| a.to_string_lossy().into_owned())
                .collect(),
        )
    }

    /// The next flag, if the next argument is one.
    pub(super) fn flag(
        &mut self,
        known: &[Option],
    ) -> Result<std::option::Option<Given>, OciError> {
        let Some(next) = self.0.front() else {
            return Ok(None);
        };
        if next == "--" {
            self.0.pop_front();
            return Ok(None);
        }
        let Some(text) = next.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            return Ok(None);
        };
        let text = text.strip_prefix('-').unwrap_or(text);
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let is_short = |option: &&Option| option.short.is_some_and(|s| name == s.to_string());
        let option = known
            .iter()
            .find(|option| option.name == name || is_short(option));
        let Some(option) = option else {
            return Err(OciError::UnknownFlag(format!("-{name}")));
        };
        self.0.pop_front();
        let value = match (option.takes_value, value) {
            (true, None) => {
                let value = self.0.pop_front();
                Some(value.ok_or_else(|| OciError::FlagWithoutValue(format!("-{}", option.name)))?)
            }
            (_, value) => value,
        };
        Ok(Some(Given {
            name: option.name,
            value,
        }))
    }

    /// The next word.
    pub(super) fn word(&mut self) -> std::option::Option<String> {
        self.0.pop_front()
    }

    /// All words that are left.
    pub(super) fn rest(self) -> Vec<String> {
        self.0.into()
    }

    pub(super) fn put_back(&mut self, word: &str) {
        self.0.push_front(word.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: [Option; 2] = [
        Option::with_value("bundle", Some('b')),
        Option::plain("all", None),
    ];

    fn args(list: &[&str]) -> Args {
        Args::new(list.iter().map(OsString::from).collect())
    }

    #[test]
    fn flags_come_in_all_of_gos_forms() {
        for form in [
            &["--bundle", "x", "w"][..],
            &["-bundle", "x", "w"],
            &["--bundle=x", "w"],
            &["-b", "x", "w"],
            &["-b=x", "w"],
        ] {
            let mut args = args(form);
            let given = args.flag(&FLAGS).unwrap().unwrap();
            assert_eq!((given.name, given.value.as_deref()), ("bundle", Some("x")));
            assert!(args.flag(&FLAGS).unwrap().is_none());
            assert_eq!(args.word().as_deref(), Some("w"));
        }
    }

    #[test]
    fn two_dashes_end_the_flags() {
        let mut args = args(&["--all", "--", "--bundle"]);
        assert_eq!(args.flag(&FLAGS).unwrap().unwrap().name, "all");
        assert!(args.flag(&FLAGS).unwrap().is_none());
        assert_eq!(args.rest(), ["--bundle"]);
    }

    #[test]
    fn unknown_flags_and_missing_values_are_named() {
        assert!(matches!(
            args(&["--nope"]).flag(&FLAGS),
            Err(OciError::UnknownFlag(_))
        ));
        assert!(matches!(
            args(&["-b"]).flag(&FLAGS),
            Err(OciError::FlagWithoutValue(_))
        ));
    }
}
