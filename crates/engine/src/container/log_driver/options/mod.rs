//! The options of log drivers: which there are, and what they may say. The texts are dockerd's.
//!
//! As in dockerd, keys and what would never work are refused when the container is created; the values of
//! `json-file` and `local` are looked at when it is started.

use std::collections::BTreeMap;

use lockgate_types::container::LogConfig;

use crate::container::config_error::ConfigError;

const ATTRIBUTES: [&str; 5] = ["env", "env-regex", "labels", "labels-regex", "tag"];
const FILES: [&str; 3] = ["compress", "max-file", "max-size"];
const SYSLOG: [&str; 7] = [
    "syslog-address",
    "syslog-facility",
    "syslog-format",
    "syslog-tls-ca-cert",
    "syslog-tls-cert",
    "syslog-tls-key",
    "syslog-tls-skip-verify",
];
const FLUENTD: [&str; 9] = [
    "fluentd-address",
    "fluentd-async",
    "fluentd-async-reconnect-interval",
    "fluentd-buffer-limit",
    "fluentd-max-retries",
    "fluentd-request-ack",
    "fluentd-retry-wait",
    "fluentd-sub-second-precision",
    "fluentd-write-timeout",
];
const GELF: [&str; 5] = [
    "gelf-address",
    "gelf-compression-level",
    "gelf-compression-type",
    "gelf-tcp-max-reconnect",
    "gelf-tcp-reconnect-delay",
];
const FACILITIES: [&str; 20] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// How a log's files are rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) max_size: Option<u64>,
    pub(super) max_file: u32,
    pub(super) compress: bool,
}

/// Refuses what no container could be created with.
pub(in crate::container) fn check(log: &LogConfig) -> Result<(), ConfigError> {
    let none = BTreeMap::new();
    let options = Options(log.config.as_ref().unwrap_or(&none));
    options.check(&log.kind).map_err(ConfigError::LogOptions)
}

/// The options of a container's log.
#[derive(Clone, Copy)]
pub(super) struct Options<'a>(pub(super) &'a BTreeMap<String, String>);

impl Options<'_> {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn check(self, driver: &str) -> Result<(), String> {
        if driver == "none" {
            return Ok(());
        }
        self.check_mode()?;
        let attributes = &ATTRIBUTES[..];
        match driver {
            "json-file" => self.check_keys(&[attributes, &FILES], "for json-file log driver"),
            "local" => self.check_keys(&[&FILES], "for log driver local"),
            "syslog" => {
                self.check_keys(&[attributes, &SYSLOG], "for syslog log driver")?;
                self.check_syslog()
            }
            "journald" => self.check_keys(&[attributes], "for journald log driver"),
            "fluentd" => {
                self.check_keys(&[attributes, &FLUENTD], "for fluentd log driver")?;
                self.check_fluentd()
            }
            "gelf" => {
                self.check_gelf_address()?;
                self.check_keys(&[attributes, &GELF], "for gelf log driver")?;
                self.check_gelf()
            }
            other => Err(format!(
                "error looking up logging plugin {other}: plugin \"{other}\" not found"
            )),
        }
    }

    /// Options that belong to no driver.
    fn check_mode(self) -> Result<(), String> {
        let mode = self.get("mode").unwrap_or_default();
        if !matches!(mode, "" | "blocking" | "non-blocking") {
            return Err(format!("logger: logging mode not supported: {mode}"));
        }
        if let Some(text) = self.get("max-buffer-size") {
            if mode != "non-blocking" {
                return Err(
                    "logger: max-buffer-size option is only supported with 'mode=non-blocking'"
                        .to_owned(),
                );
            }
            size(text).ok_or_else(|| {
                format!("error parsing option max-buffer-size: invalid size: '{text}'")
            })?;
        }
        match self
            .get("cache-disabled")
            .filter(|text| is_true(text).is_none())
        {
            Some(text) => Err(format!("invalid value for option cache-disabled: {text}")),
            None => Ok(()),
        }
    }

    fn check_keys(self, known: &[&[&str]], of: &str) -> Result<(), String> {
        let common =
            |key: &str| matches!(key, "mode" | "max-buffer-size") || key.starts_with("cache-");
        let unknown = self
            .0
            .keys()
            .find(|key| !common(key) && !known.iter().any(|known| known.contains(&key.as_str())));
        unknown.map_or(Ok(()), |key| Err(format!("unknown log opt '{key}' {of}")))
    }

    fn check_syslog(self) -> Result<(), String> {
        if let Some(text) = self.get("syslog-address").filter(|text| !text.is_empty()) {
            let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
            match scheme {
                "unix" | "unixgram" => {
                    if let Err(error) = std::fs::metadata(rest) {
                        let text = error.to_string().to_lowercase();
                        let reason = text.split(" (os error").next().unwrap_or_default();
                        return Err(format!("stat {rest}: {reason}"));
                    }
                }
                "udp" | "tcp" | "tcp+tls" => {}
                other => return Err(format!("unsupported scheme: '{other}'")),
            }
        }
        if let Some(text) = self.get("syslog-facility").filter(|text| !text.is_empty()) {
            let number = text.parse::<u8>().is_ok_and(|number| number <= 23);
            if !number && !FACILITIES.contains(&text) {
                return Err("invalid syslog facility".to_owned());
            }
        }
        match self.get("syslog-format") {
            None | Some("" | "rfc3164" | "rfc5424" | "rfc5424micro") => Ok(()),
            Some(_) => Err("Invalid syslog format".to_owned()),
        }
    }

    fn check_fluentd(self) -> Result<(), String> {
        if let Some(text) = self.get("fluentd-address").filter(|text| !text.is_empty()) {
            fluentd_address(text)
                .map_err(|reason| format!("invalid fluentd-address ({text}): {reason}"))?;
        }
        for key in [
            "fluentd-async",
            "fluentd-request-ack",
            "fluentd-sub-second-precision",
        ] {
            self.get(key).map_or(Ok(false), parse_bool)?;
        }
        if let Some(text) = self.get("fluentd-buffer-limit") {
            size(text).ok_or_else(|| format!("invalid size: '{text}'"))?;
        }
        if let Some(text) = self.get("fluentd-retry-wait") {
            nanos(text)?;
        }
        if let Some(text) = self.get("fluentd-max-retries") {
            text.parse::<u64>().map_err(|_number| {
                format!("strconv.ParseUint: parsing {text:?}: invalid syntax")
            })?;
        }
        if let Some(text) = self.get("fluentd-async-reconnect-interval") {
            let key = "invalid value for fluentd-async-reconnect-interval";
            let interval = nanos(text).map_err(|error| format!("{key}: {error}"))?;
            if interval != 0 && !(100_000_000..=10_000_000_000).contains(&interval) {
                return Err(format!(
                    "{key}: value ({text:?}) must be between 100ms and 10s"
                ));
            }
        }
        if let Some(text) = self.get("fluentd-write-timeout") {
            nanos(text).map_err(|error| {
                format!(
                    "invalid value for fluentd-write-timeout: value must be a duration: {error}"
                )
            })?;
        }
        Ok(())
    }

    fn check_gelf_address(self) -> Result<(), String> {
        let Some(text) = self.get("gelf-address").filter(|text| !text.is_empty()) else {
            return Err("gelf-address is a required parameter".to_owned());
        };
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        if !matches!(scheme, "tcp" | "udp") {
            return Err("gelf: endpoint needs to be TCP or UDP".to_owned());
        }
        let place = rest.split('/').next().unwrap_or_default();
        match place.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok() => Ok(()),
            _ => Err("gelf: please provide gelf-address as proto://host:port".to_owned()),
        }
    }

    fn check_gelf(self) -> Result<(), String> {
        let is_udp = self
            .get("gelf-address")
            .is_some_and(|text| text.starts_with("udp"));
        for (key, text) in self.0 {
            let unknown = || {
                Err(format!(
                    "unknown value {text:?} for log opt {key:?} for gelf log driver"
                ))
            };
            match key.as_str() {
                "gelf-compression-level" | "gelf-compression-type" if !is_udp => {
                    return Err("compression is only supported on UDP".to_owned());
                }
                "gelf-compression-type" if !matches!(text.as_str(), "gzip" | "zlib" | "none") => {
                    return unknown();
                }
                "gelf-compression-level"
                    if !text
                        .parse::<i8>()
                        .is_ok_and(|level| (-1..=9).contains(&level)) =>
                {
                    return unknown();
                }
                "gelf-tcp-max-reconnect" | "gelf-tcp-reconnect-delay" if is_udp => {
                    return Err(format!("{key:?} is only valid for TCP"));
                }
                "gelf-tcp-max-reconnect" | "gelf-tcp-reconnect-delay"
                    if text.parse::<u32>().is_err() =>
                {
                    return Err(format!("{key:?} must be a positive integer"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The rotation of `json-file`.
    pub(super) fn json_file(self) -> Result<Files, String> {
        let max_size = match self.get("max-size") {
            None => None,
            Some(text) => match size(text).ok_or_else(|| format!("invalid size: '{text}'"))? {
                0 => return Err("max-size must be a positive number".to_owned()),
                bytes => Some(bytes),
            },
        };
        let max_file = self.max_file("max-file")?.unwrap_or(1);
        if max_file < 1 {
            return Err("max-file cannot be less than 1".to_owned());
        }
        let compress = self.get("compress").map_or(Ok(false), parse_bool)?;
        if compress && (max_file < 2 || max_size.is_none()) {
            return Err(
                "compress cannot be true when max-file is less than 2 or max-size is not set"
                    .to_owned(),
            );
        }
        Ok(files(max_size, max_file, compress))
    }

    /// The rotation of `local`, and of the cache, whose keys have a prefix.
    pub(super) fn local(self, prefix: &str, default: &Files) -> Result<Files, String> {
        let of = |key: &str| self.get(&format!("{prefix}{key}"));
        let max_size = match of("max-size") {
            None => default.max_size,
            Some(text) => {
                let bytes = size(text).ok_or_else(|| {
                    format!("invalid value for max-size: {text}: invalid size: '{text}'")
                })?;
                Some(bytes).filter(|bytes| *bytes > 0)
            }
        };
        let max_file = match of("max-file") {
            None => i64::from(default.max_file),
            Some(text) => atoi(text)
                .map_err(|error| format!("invalid value for max-file: {text}: {error}"))?,
        };
        let compress = match of("compress") {
            None => default.compress,
            Some(text) => parse_bool(text)
                .map_err(|error| format!("error reading compress log option: {error}"))?,
        };
        if compress && max_file <= 1 {
            return Err("compression cannot be enabled when max file count is 1".to_owned());
        }
        Ok(files(max_size, max_file, compress))
    }

    fn max_file(self, key: &str) -> Result<Option<i64>, String> {
        self.get(key).map(atoi).transpose()
    }
}

fn files(max_size: Option<u64>, max_file: i64, compress: bool) -> Files {
    Files {
        max_size,
        max_file: u32::try_from(max_file.max(1)).unwrap_or(u32::MAX),
        compress,
    }
}

fn atoi(text: &str) -> Result<i64, String> {
    text.parse()
        .map_err(|_number| format!("strconv.Atoi: parsing {text:?}: invalid syntax"))
}

fn fluentd_address(text: &str) -> Result<(), String> {
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("tcp://{text}")
    };
    let (scheme, rest) = full.split_once("://").unwrap_or(("tcp", text));
    match scheme {
        "unix" if rest.is_empty() => Err("path is empty".to_owned()),
        "unix" => Ok(()),
        "tcp" => match rest.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') && port.parse::<u16>().is_err() => Err(
                format!("parse {full:?}: invalid port \":{port}\" after host"),
            ),
            _ => Ok(()),
        },
        other => Err(format!("unsupported scheme: '{other}'")),
    }
}

/// Go's `strconv.ParseBool`.
pub(super) fn is_true(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn parse_bool(text: &str) -> Result<bool, String> {
    is_true(text).ok_or_else(|| format!("strconv.ParseBool: parsing {text:?}: invalid syntax"))
}

/// Docker's sizes: a number with `k`, `m`, `g`, `t` or `p` as powers of 1024.
pub(super) fn size(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let bare = lower
        .strip_suffix("ib")
        .or_else(|| lower.strip_suffix('b'))
        .unwrap_or(&lower);
    let digits = bare.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match bare.get(digits.len()..)? {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        "p" => 50,
        _ => return None,
    };
    let digits = digits.trim_end();
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.checked_mul(1 << shift);
    }
    let number: f64 = digits
        .parse()
        .ok()
        .filter(|number: &f64| *number >= 0.0 && *number < 1e6)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked above"
    )]
    Some(
        (number * f64::from(1_u32 << shift.min(30)) * f64::from(1_u32 << (shift - shift.min(30))))
            as u64,
    )
}

/// A duration of Go's in nanoseconds.
fn nanos(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (mut rest, mut total) = (text, 0.0_f64);
    if rest == "0" {
        return Ok(0);
    }
    while !rest.is_empty() || text.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(invalid)?;
        let (number, after) = rest.split_at(end);
        let end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let factor = match unit {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 6e10,
            "h" => 3.6e12,
            _ => return Err(invalid()),
        };
        total += number.parse::<f64>().map_err(|_number| invalid())? * factor;
        rest = after;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, far beyond any use"
    )]
    Ok(total as i64)
}

#[cfg(test)]
mod tests;
