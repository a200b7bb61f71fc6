//! The path of a request target: decoded once, cleaned, its version cut off.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{Redirect, RouteError};
use crate::query::escapes_are_whole;

/// Divides a request target into the decoded, clean path and the raw query.
///
/// `%2F` is a slash and `%2e%2e` is `..`, exactly as if they had been written so: there is no
/// second spelling that a rule could miss. NUL, other control characters and bytes that are no
/// UTF-8 are refused.
pub(super) fn split(target: &str) -> Result<(String, &str), RouteError> {
    let target = origin_form(target)?;
    let (raw, query) = target.split_once('?').unwrap_or((target, ""));
    if !escapes_are_whole(raw) {
        return Err(RouteError::BadPath);
    }
    let path = percent_decode_str(raw)
        .decode_utf8()
        .map_err(|_bytes| RouteError::BadPath)?;
    if path.chars().any(char::is_control) {
        return Err(RouteError::BadPath);
    }
    let clean = clean(&path);
    if clean == path {
        return Ok((clean, query));
    }
    let mut location = encode(&clean);
    if target.contains('?') {
        location.push('?');
        location.extend(query.chars().filter(char::is_ascii_graphic));
    }
    Err(RouteError::Redirect(Redirect(location)))
}

/// `/v1.44/info` is `("1.44", "/info")`; a path without a version is all path.
pub(super) fn version(path: &str) -> (Option<&str>, &str) {
    let versioned = path.strip_prefix("/v").and_then(|rest| {
        let slash = rest.find('/')?;
        let (version, path) = rest.split_at_checked(slash)?;
        let reads = version
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        (reads && !version.is_empty()).then_some((Some(version), path))
    });
    versioned.unwrap_or((None, path))
}

/// Cuts scheme and host off an absolute form; whose door this is was settled by the connection.
fn origin_form(target: &str) -> Result<&str, RouteError> {
    if target.starts_with('/') {
        return Ok(target);
    }
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| {
            let head = target.get(..scheme.len())?;
            head.eq_ignore_ascii_case(scheme)
                .then(|| target.get(scheme.len()..))?
        })
        .ok_or(RouteError::BadPath)?;
    let path = rest
        .find('/')
        .and_then(|slash| rest.get(slash..))
        .ok_or(RouteError::BadPath)?;
    if rest
        .find(['?', '#'])
        .is_some_and(|mark| mark < rest.len() - path.len())
    {
        return Err(RouteError::BadPath);
    }
    Ok(path)
}

/// Go's `path.Clean` with the trailing slash kept.
fn clean(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    let mut clean = String::with_capacity(path.len());
    for segment in &kept {
        clean.push('/');
        clean.push_str(segment);
    }
    if clean.is_empty() || path.ends_with('/') {
        clean.push('/');
    }
    clean
}

/// Escapes what may not stand in a path, so that a `Location` is one plain ASCII word.
fn encode(path: &str) -> String {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~')
        .remove(b':');
    utf8_percent_encode(path, ESCAPED).to_string()
}
