//! Requests as docker sends them.

use serde::Serialize;

use crate::client::{call_path, escape_query};
use crate::failure::Failure;

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) body: String,
}

impl Request {
    pub(super) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            body: String::new(),
        }
    }

    pub(super) fn json(self, body: &impl Serialize) -> Result<Self, Failure> {
        let body = serde_json::to_string(body)
            .map_err(|error| Failure::new(format!("the request cannot be written: {error}")))?;
        Ok(Self { body, ..self })
    }
}

pub(super) fn get(target: impl Into<String>) -> Request {
    Request::new("GET", target)
}

pub(super) fn post(target: impl Into<String>) -> Request {
    Request::new("POST", target)
}

/// The same of each object of a kind: `/containers/NAME/start`.
pub(super) fn each<'a>(
    method: &'static str,
    kind: &str,
    end: &str,
    names: impl IntoIterator<Item = &'a String>,
) -> Vec<Request> {
    let target = |name: &String| format!("/{kind}/{}{end}", call_path(name));
    let targets = names.into_iter().map(target);
    targets.map(|target| Request::new(method, target)).collect()
}

/// A name as it stands in a query.
pub(super) fn escaped(name: &str) -> String {
    escape_query(name)
}

/// `repo=NAME&tag=TAG`.
pub(super) fn named(name: &str) -> String {
    let (name, tag) = cut(name);
    format!("repo={}&tag={}", escaped(name), escaped(tag))
}

/// A name, and the tag or digest behind it.
pub(super) fn cut(name: &str) -> (&str, &str) {
    if let Some(parts) = name.split_once('@') {
        return parts;
    }
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => (before, tag),
        _ => (name, ""),
    }
}
