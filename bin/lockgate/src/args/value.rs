//! Values as docker's flags take them.

use std::collections::BTreeMap;

use crate::spec::units;

/// `true`, `1`, `F` … as Go reads a boolean.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!(
            "strconv.ParseBool: parsing {text:?}: invalid syntax"
        )),
    }
}

/// A whole number, as Go reads one.
pub(super) fn integer(text: &str) -> Result<i64, String> {
    text.parse().map_err(|error: std::num::ParseIntError| {
        let reason = match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                "value out of range"
            }
            _ => "invalid syntax",
        };
        format!("strconv.ParseInt: parsing {text:?}: {reason}")
    })
}

/// A size such as `64m`.
pub(super) fn bytes(text: &str) -> Result<i64, String> {
    units::parse_bytes(text)
}

/// A limit of memory and swap: a size, or `-1` for no limit.
pub(super) fn bytes_or_unlimited(text: &str) -> Result<i64, String> {
    if text == "-1" {
        Ok(-1)
    } else {
        units::parse_bytes(text)
    }
}

/// A number of processors, in billionths.
pub(super) fn nano_cpus(text: &str) -> Result<i64, String> {
    units::parse_cpus(text)
}

/// A duration such as `1m30s`, in nanoseconds.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    units::parse_duration(text)
}

/// `name=value` of a filter.
pub(super) fn filter(text: &str) -> Result<(String, String), String> {
    if text.is_empty() {
        return Ok((String::new(), String::new()));
    }
    match text.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_lowercase(), value.trim().to_owned())),
        None => Err("bad format of filter (expected name=value)".to_owned()),
    }
}

/// `key=value` of a map.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text} must be formatted as key=value"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// All filters of a command line, by name.
pub(crate) type Filters = BTreeMap<String, Vec<String>>;

/// Gathers filters by name.
pub(crate) fn gather(pairs: &[(String, String)]) -> Filters {
    let mut filters = Filters::new();
    for (name, value) in pairs.iter().filter(|(name, _)| !name.is_empty()) {
        filters.entry(name.clone()).or_default().push(value.clone());
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_and_numbers_are_go_s() {
        assert_eq!(boolean("T"), Ok(true));
        assert_eq!(boolean("False"), Ok(false));
        boolean("yes").unwrap_err();
        let message = integer("x").unwrap_err();
        assert_eq!(message, "strconv.ParseInt: parsing \"x\": invalid syntax");
    }

    #[test]
    fn filters_are_gathered_by_name() {
        let pairs = ["label=a=b", "Label = c", ""].map(|text| filter(text).unwrap());
        let filters = gather(&pairs);
        assert_eq!(
            filters,
            Filters::from([("label".into(), vec!["a=b".into(), "c".into()])])
        );
        filter("label").unwrap_err();
    }
}
