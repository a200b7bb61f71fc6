//! Environment variables, labels, and other `key=value` texts.

use std::collections::BTreeMap;
use std::fs;

use crate::config::go_error;

/// Checks `-e`; a bare name takes its value from our environment, if it has one there.
pub(crate) fn check(text: &str) -> Result<String, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, _)) => (name, true),
        None => (text, false),
    };
    if name.is_empty() {
        return Err(format!("invalid environment variable: {text}"));
    }
    if value {
        return Ok(text.to_owned());
    }
    Ok(match std::env::var(name) {
        Ok(value) => format!("{name}={value}"),
        Err(_) => text.to_owned(),
    })
}

/// Checks a label.
pub(crate) fn check_label(text: &str) -> Result<String, String> {
    if text.split('=').next().is_none_or(str::is_empty) {
        return Err(format!("invalid label '{text}': empty name"));
    }
    Ok(text.to_owned())
}

/// Checks `-a`.
pub(crate) fn check_stream(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    if ["stdin", "stdout", "stderr"].contains(&lower.as_str()) {
        Ok(lower)
    } else {
        Err("valid streams are STDIN, STDOUT and STDERR".to_owned())
    }
}

/// What a bare name in a file stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BareName {
    /// The variable of that name in our environment, or nothing.
    FromEnvironment,
    /// Itself.
    AsItIs,
}

/// The lines of all files, and then the values of the command line.
pub(crate) fn gather(
    files: &[String],
    typed: &[String],
    bare: BareName,
) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for path in files {
        let bytes = fs::read(path).map_err(|error| format!("open {path}: {}", go_error(&error)))?;
        let text = String::from_utf8(bytes)
            .map_err(|_error| format!("env file {path} contains invalid utf8 bytes"))?;
        all.extend(parse_file(path, &text, bare)?);
    }
    all.extend(typed.iter().cloned());
    Ok(all)
}

fn parse_file(path: &str, text: &str, bare: BareName) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (line, None),
        };
        let name = name.trim_start();
        if name.is_empty() {
            return Err(format!(
                "invalid env file ({path}): no variable name on line '{line}'"
            ));
        }
        if name.contains(char::is_whitespace) {
            return Err(format!(
                "invalid env file ({path}): variable '{name}' contains whitespaces"
            ));
        }
        match (value, bare) {
            (Some(value), _) => found.push(format!("{name}={value}")),
            (None, BareName::AsItIs) => found.push(name.to_owned()),
            (None, BareName::FromEnvironment) => {
                found.extend(
                    std::env::var(name)
                        .ok()
                        .map(|value| format!("{name}={value}")),
                );
            }
        }
    }
    Ok(found)
}

/// `key=value` texts as a map; a bare key has an empty value, a later one wins.
pub(crate) fn to_map(texts: &[String]) -> BTreeMap<String, String> {
    texts
        .iter()
        .map(|text| match text.split_once('=') {
            Some((key, value)) => (key.to_owned(), value.to_owned()),
            None => (text.clone(), String::new()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_comments_blank_lines_and_values_with_blanks() {
        let text = "\u{feff}A=1\n\n# no\n  B= two words \nPATH\nNOSUCHVARIABLE\n";
        let found = parse_file("f", text, BareName::FromEnvironment).unwrap();
        assert_eq!(found[..2], ["A=1", "B= two words "]);
        assert_eq!(found.len(), 3);
        assert!(found[2].starts_with("PATH="));
        assert_eq!(parse_file("f", "L\n", BareName::AsItIs).unwrap(), ["L"]);
    }

    #[test]
    fn a_bad_line_is_named() {
        for (text, reason) in [
            ("=x", "invalid env file (f): no variable name on line '=x'"),
            (
                "a b=x",
                "invalid env file (f): variable 'a b' contains whitespaces",
            ),
        ] {
            assert_eq!(parse_file("f", text, BareName::AsItIs).unwrap_err(), reason);
        }
    }

    #[test]
    fn bare_names_come_from_the_environment() {
        assert!(check("PATH").unwrap().starts_with("PATH="));
        assert_eq!(check("NOSUCHVARIABLE").unwrap(), "NOSUCHVARIABLE");
        assert_eq!(check("A=").unwrap(), "A=");
        assert_eq!(check("").unwrap_err(), "invalid environment variable: ");
        assert_eq!(check("=x").unwrap_err(), "invalid environment variable: =x");
    }

    #[test]
    fn later_pairs_win() {
        let map = to_map(&["a=1".into(), "b".into(), "a=2=3".into()]);
        assert_eq!(map["a"], "2=3");
        assert_eq!(map["b"], "");
    }
}
