//! The query of a request, with Go's reading of it.

use percent_encoding::percent_decode_str;

/// The decoded keys and values of a query in the order they came; repeated keys are kept.
///
/// Unknown keys are never an error: one client repeats its whole JSON body in the query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

/// Why a value in the query is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Not a decimal number; the wording is that of Go's `strconv`.
    #[error("strconv.{function}: parsing {value:?}: invalid syntax")]
    Syntax {
        /// `Atoi` or `ParseUint`.
        function: &'static str,
        /// What was given.
        value: String,
    },
    /// A number outside the range.
    #[error("strconv.{function}: parsing {value:?}: value out of range")]
    Range {
        /// `Atoi` or `ParseUint`.
        function: &'static str,
        /// What was given.
        value: String,
    },
}

impl QueryError {
    /// What is wrong with the number, without the number.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "invalid syntax",
            Self::Range { .. } => "value out of range",
        }
    }
}

impl Query {
    /// Reads `a=1&b=2`. A pair with a broken escape or a semicolon is left out, as Go's server
    /// leaves it out; bytes that are no UTF-8 become replacement characters.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.contains(';'))
            .filter_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(key)?, decode(value)?))
            })
            .collect();
        Self { pairs }
    }

    /// The first value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The first value of a key, empty if there is none.
    pub fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    /// Every value of a key.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// Every pair, as it came.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Docker's truth: everything but "", 0, no, false and none, in any case, with blanks cut.
    pub fn flag(&self, key: &str) -> bool {
        is_true(self.text(key))
    }

    /// Like [`Query::flag`] with a value for when the key is missing.
    pub fn flag_or(&self, key: &str, default: bool) -> bool {
        self.get(key).map_or(default, is_true)
    }

    /// A signed number; missing and empty are `None`.
    pub fn signed(&self, key: &str) -> Result<Option<i64>, QueryError> {
        self.number(key, "Atoi")
    }

    /// A 32-bit unsigned number that must be there, as the window sizes are.
    pub fn unsigned(&self, key: &str) -> Result<u32, QueryError> {
        let value = self.text(key);
        if value.starts_with('+') {
            return Err(QueryError::Syntax {
                function: "ParseUint",
                value: value.to_owned(),
            });
        }
        value
            .parse::<u32>()
            .map_err(|error| number_error(&error, "ParseUint", value))
    }

    fn number<T>(&self, key: &str, function: &'static str) -> Result<Option<T>, QueryError>
    where
        T: std::str::FromStr<Err = std::num::ParseIntError>,
    {
        match self.text(key) {
            "" => Ok(None),
            value => value
                .parse()
                .map(Some)
                .map_err(|error| number_error(&error, function, value)),
        }
    }
}

fn number_error(
    error: &std::num::ParseIntError,
    function: &'static str,
    value: &str,
) -> QueryError {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let value = value.to_owned();
    if matches!(error.kind(), PosOverflow | NegOverflow) {
        QueryError::Range { function, value }
    } else {
        QueryError::Syntax { function, value }
    }
}

fn is_true(value: &str) -> bool {
    !matches!(
        value.trim().to_ascii_lowercase().as_str(),
        "" | "0" | "no" | "false" | "none"
    )
}

/// Undoes `+` and `%xx`; `None` if a `%` is not followed by two digits.
fn decode(text: &str) -> Option<String> {
    if !escapes_are_whole(text) {
        return None;
    }
    let spaced = text.replace('+', " ");
    Some(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// Whether every `%` begins a two-digit escape.
pub(crate) fn escapes_are_whole(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let mut bytes = rest.bytes();
        let digits = [bytes.next(), bytes.next()];
        digits
            .iter()
            .all(|digit| digit.is_some_and(|byte| byte.is_ascii_hexdigit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_is_gos() {
        for no in [
            "v=",
            "v=0",
            "v=no",
            "v=False",
            "v=NONE",
            "v=%20false%20",
            "w=1",
            "v",
        ] {
            assert!(!Query::parse(no).flag("v"), "{no}");
        }
        for yes in ["v=1", "v=true", "v=True", "v=yes", "v=on", "v=00"] {
            assert!(Query::parse(yes).flag("v"), "{yes}");
        }
        assert!(Query::parse("").flag_or("stream", true));
        assert!(!Query::parse("stream=0").flag_or("stream", true));
    }

    #[test]
    fn repeated_keys_are_kept_and_broken_pairs_left_out() {
        let query = Query::parse("names=a&names=b%2Fc&x=%zz&y=1;2&&q=a+b&z=%ff");
        assert_eq!(query.all("names").collect::<Vec<_>>(), ["a", "b/c"]);
        assert_eq!(query.get("names"), Some("a"));
        assert_eq!(query.get("x"), None);
        assert_eq!(query.get("y"), None);
        assert_eq!(query.text("q"), "a b");
        assert_eq!(query.text("z"), "\u{fffd}");
    }

    #[test]
    fn numbers_fail_with_gos_words() {
        let query = Query::parse("t=-1&u=abc&h=4294967296&w=+5&e=");
        assert_eq!(query.signed("t"), Ok(Some(-1)));
        assert_eq!(query.signed("missing"), Ok(None));
        assert_eq!(query.signed("e"), Ok(None));
        assert_eq!(
            query.signed("u").unwrap_err().to_string(),
            "strconv.Atoi: parsing \"abc\": invalid syntax"
        );
        assert_eq!(
            query.unsigned("h").unwrap_err().to_string(),
            "strconv.ParseUint: parsing \"4294967296\": value out of range"
        );
        query.unsigned("w").unwrap_err();
        query.unsigned("missing").unwrap_err();
    }
}
