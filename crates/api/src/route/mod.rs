//! From method and request target to a [`Call`], or to the answer that the stock daemon gives.

mod error;
mod path;
mod pattern;
mod table;
#[cfg(test)]
mod tests;

pub use error::{Redirect, RouteError};
pub use table::TABLE;

use crate::{ApiVersion, Operation, Query};

/// A request that matched one line of the table, in a version that is spoken here.
///
/// Only [`route`] makes one.
#[derive(Clone, Debug)]
pub struct Call {
    route: &'static Route,
    version: ApiVersion,
    versioned: bool,
    params: Params,
    query: Query,
}

impl Call {
    /// What is asked for.
    pub fn operation(&self) -> Operation {
        self.route.operation
    }

    /// The line of the table.
    pub fn route(&self) -> &'static Route {
        self.route
    }

    /// The version that was asked for, the newest if none was.
    pub fn version(&self) -> ApiVersion {
        self.version
    }

    /// The version, if the path named one.
    pub fn asked_version(&self) -> Option<ApiVersion> {
        self.versioned.then_some(self.version)
    }

    /// The path as it was matched: decoded, clean, without its version.
    pub fn path(&self) -> String {
        pattern::filled(self.route.pattern, &self.params)
    }

    /// What filled the holes of the path.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The object that the path names, if it names one.
    pub fn target(&self) -> Option<&str> {
        self.params.first()
    }

    /// The same call of an object whose id has been found out.
    #[must_use]
    pub fn with_target(mut self, id: String) -> Self {
        if let Some((_, text)) = self.params.0.first_mut() {
            *text = id;
        }
        self
    }

    /// The query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// What the body is for.
    pub fn body(&self) -> BodyUse {
        self.route.body
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path without a version; holes are `{id}` and `{name:.*}`.
    pub pattern: &'static str,
    /// What it does.
    pub operation: Operation,
    /// The first version that has it, if that is newer than [`ApiVersion::MIN`].
    pub since: Option<ApiVersion>,
    /// What its body is for.
    pub body: BodyUse,
    /// What becomes of the connection.
    pub stream: StreamKind,
}

impl Route {
    const fn new(method: Method, pattern: &'static str, operation: Operation) -> Self {
        let (body, stream) = (BodyUse::None, StreamKind::None);
        Self {
            method,
            pattern,
            operation,
            since: None,
            body,
            stream,
        }
    }

    const fn at(mut self, minor: u16) -> Self {
        self.since = Some(ApiVersion::new(1, minor));
        self
    }

    const fn judge(mut self, limit: usize) -> Self {
        self.body = BodyUse::Judge { limit };
        self
    }

    const fn stream(mut self) -> Self {
        self.body = BodyUse::Stream;
        self
    }
}

/// What a request's body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyUse {
    /// Nothing: if there is one, it is read away unseen.
    None,
    /// It is JSON that decides what the call would do: read whole, refused beyond the limit.
    Judge {
        /// In bytes.
        limit: usize,
    },
    /// Data that flows through.
    Stream,
}

/// What becomes of the connection after the head of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// A short answer.
    None,
    /// An answer that flows as things happen.
    Down,
    /// A byte stream in both directions.
    Hijack,
    /// HTTP/2 in both directions.
    H2c,
}

/// The methods of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of HTTP")]
pub enum Method {
    Delete,
    Get,
    Head,
    Options,
    Post,
    Put,
}

impl Method {
    /// Methods are case-sensitive.
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "DELETE" => Self::Delete,
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "OPTIONS" => Self::Options,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// What filled the holes of a pattern, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(&'static str, String)>);

impl Params {
    /// The text that filled a hole.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(hole, _)| *hole == name)
            .map(|(_, text)| text.as_str())
    }

    fn first(&self) -> Option<&str> {
        self.0.first().map(|(_, text)| text.as_str())
    }

    fn push(&mut self, name: &'static str, text: &str) {
        self.0.push((name, text.to_owned()));
    }
}

/// Reads method and request target (`/v1.44/containers/json?all=1`, or its absolute form).
///
/// The path is decoded once and cleaned; one that has a cleaner spelling is not served but
/// redirected. Matching is exact in every letter and covers the whole path. Then the version
/// must be in range.
pub fn route(method: &str, target: &str) -> Result<Call, RouteError> {
    let (path, query) = path::split(target)?;
    let (version, rest) = path::version(&path);
    let method = Method::parse(method).ok_or(RouteError::PageNotFound)?;
    let (route, params) = find(method, rest).ok_or(RouteError::PageNotFound)?;
    let versioned = version.is_some();
    let version = version.map_or(Ok(ApiVersion::MAX), in_range)?;
    if let Some(since) = route.since.filter(|since| version < *since) {
        return Err(RouteError::NeedsVersion {
            method,
            pattern: route.pattern,
            since,
        });
    }
    Ok(Call {
        route,
        version,
        versioned,
        params,
        query: Query::parse(query),
    })
}

fn find(method: Method, path: &str) -> Option<(&'static Route, Params)> {
    TABLE
        .iter()
        .filter(|route| route.method == method && pattern::may_match(route.pattern, path))
        .find_map(|route| Some((route, pattern::matches(route.pattern, path)?)))
}

fn in_range(text: &str) -> Result<ApiVersion, RouteError> {
    let (version, more) = ApiVersion::parse(text);
    if version < ApiVersion::MIN {
        return Err(RouteError::TooOld(text.to_owned()));
    }
    if version > ApiVersion::MAX || (version == ApiVersion::MAX && more) {
        return Err(RouteError::TooNew(text.to_owned()));
    }
    Ok(version)
}
