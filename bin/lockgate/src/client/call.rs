//! One request in the making, and its answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use futures_util::Stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Frame;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::Answer;
use super::{Client, ClientError, Payload};

/// A request: method, path, query, body. Sent by one of the last methods.
#[must_use]
pub(crate) struct Call<'c> {
    client: &'c Client,
    method: Method,
    path: String,
    query: BTreeMap<String, Vec<String>>,
    headers: Vec<(HeaderName, String)>,
    body: Payload,
    length: Option<usize>,
}

impl Client {
    /// A request to `/v<version><path>`.
    pub(crate) fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call {
            client: self,
            method,
            path: path.into(),
            query: BTreeMap::new(),
            headers: Vec::new(),
            body: empty(),
            length: None,
        }
    }

    /// `GET path`.
    pub(crate) fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// `POST path`.
    pub(crate) fn post(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::POST, path)
    }

    /// `DELETE path`.
    pub(crate) fn delete(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::DELETE, path)
    }
}

impl Call<'_> {
    /// Adds a query value.
    pub(crate) fn query(mut self, key: &str, value: impl Into<String>) -> Self {
        self.query
            .entry(key.to_owned())
            .or_default()
            .push(value.into());
        self
    }

    /// Adds `key=1` if it is wanted.
    pub(crate) fn flag(self, key: &str, wanted: bool) -> Self {
        if wanted { self.query(key, "1") } else { self }
    }

    /// Adds a query value if there is one.
    pub(crate) fn maybe(self, key: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.query(key, value),
            None => self,
        }
    }

    /// Adds filters, unless there are none.
    pub(crate) fn filters(self, filters: &BTreeMap<String, Vec<String>>) -> Self {
        if filters.is_empty() {
            self
        } else {
            self.query("filters", filters_json(filters))
        }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers
            .push((HeaderName::from_static(name), value.into()));
        self
    }

    /// Sends a JSON body, with the newline that Go's encoder puts behind it.
    pub(crate) fn json(mut self, value: &impl Serialize) -> Result<Self, ClientError> {
        let mut bytes =
            serde_json::to_vec(value).map_err(|error| ClientError::Answer(error.to_string()))?;
        bytes.push(b'\n');
        self.length = Some(bytes.len());
        self.body = full(bytes);
        self.headers
            .push((CONTENT_TYPE, "application/json".to_owned()));
        Ok(self)
    }

    /// Sends a stream of bytes, chunked.
    pub(crate) fn stream<S>(mut self, kind: &str, bytes: S) -> Self
    where
        S: Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    {
        use futures_util::StreamExt as _;
        self.body = StreamBody::new(bytes.map(|part| part.map(Frame::data))).boxed_unsync();
        self.headers.push((CONTENT_TYPE, kind.to_owned()));
        self
    }

    /// Sends it; an answer of 400 and above is an error.
    pub(crate) async fn send(self) -> Result<Answer, ClientError> {
        let answer = self.send_raw().await?;
        let status = answer.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(answer.into_error().await);
        }
        Ok(answer)
    }

    /// Sends it and hands back whatever comes.
    pub(crate) async fn send_raw(self) -> Result<Answer, ClientError> {
        let client = self.client;
        let (request, shown) = self.build().await?;
        Ok(Answer::new(client.exchange(request, &shown).await?))
    }

    /// Sends it, and reads the answer as JSON.
    pub(crate) async fn fetch<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        self.send().await?.json().await
    }

    /// Sends it; nothing in the answer matters but its success. Says whether there was
    /// something to do (`304 Not Modified` says there was not).
    pub(crate) async fn act(self) -> Result<bool, ClientError> {
        let answer = self.send().await?;
        let changed = answer.status() != StatusCode::NOT_MODIFIED;
        answer.bytes().await?;
        Ok(changed)
    }

    /// The finished request, and how messages call it.
    pub(super) async fn build(self) -> Result<(Request<Payload>, String), ClientError> {
        let client = self.client;
        let version = client.version_to_try().await;
        let target = format!("/v{version}{}{}", self.path, encode_query(&self.query));
        let shown = format!(
            "{} {:?}",
            super::title(&self.method),
            self.client.shown_url(&target)
        );
        let mut request = self.client.request(self.method.clone(), &target)?;
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value)
                .map_err(|error| ClientError::Answer(error.to_string()))?;
            request.headers_mut().insert(name, value);
        }
        // Like Go: an empty POST says so, a stream is chunked.
        let known = self
            .length
            .or_else(|| Some(0).filter(|_| is_empty(&self.body)));
        if let Some(length) = known.filter(|_| self.method == Method::POST) {
            request.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        *request.body_mut() = self.body;
        Ok((request, shown))
    }
}

fn is_empty(body: &Payload) -> bool {
    use hyper::body::Body as _;
    body.is_end_stream()
}

/// No body.
pub(super) fn empty() -> Payload {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn full(bytes: Vec<u8>) -> Payload {
    Full::new(Bytes::from(bytes))
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Filters in the form the API wants: `{"label":{"a=b":true}}`.
pub(crate) fn filters_json(filters: &BTreeMap<String, Vec<String>>) -> String {
    let map: serde_json::Map<String, serde_json::Value> = filters
        .iter()
        .map(|(key, values)| {
            let values: BTreeMap<&str, bool> = values.iter().map(|v| (v.as_str(), true)).collect();
            (key.clone(), serde_json::json!(values))
        })
        .collect();
    serde_json::Value::Object(map).to_string()
}

/// `?a=b&c=d`, sorted and escaped as Go's `url.Values` does it.
fn encode_query(query: &BTreeMap<String, Vec<String>>) -> String {
    let pairs = query
        .iter()
        .flat_map(|(key, values)| values.iter().map(move |v| (key, v)));
    let text: Vec<String> = pairs
        .map(|(key, value)| format!("{}={}", escape_query(key), escape_query(value)))
        .collect();
    if text.is_empty() {
        String::new()
    } else {
        format!("?{}", text.join("&"))
    }
}

pub(crate) fn escape_query(text: &str) -> String {
    escape(text, b"").replace("%20", "+")
}

/// Escapes a path segment or several, keeping the slashes.
pub(crate) fn escape_path(text: &str) -> String {
    escape(text, b"/:@&=+$,")
}

fn escape(text: &str, keep: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_sorted_and_escaped() {
        let mut query = BTreeMap::new();
        query.insert("b".to_owned(), vec!["x y".to_owned(), "{\"".to_owned()]);
        query.insert("a".to_owned(), vec!["docker.io/library/x".to_owned()]);
        assert_eq!(
            encode_query(&query),
            "?a=docker.io%2Flibrary%2Fx&b=x+y&b=%7B%22"
        );
    }

    #[test]
    fn filters_become_sets() {
        let filters = BTreeMap::from([("label".to_owned(), vec!["a=b".to_owned()])]);
        assert_eq!(filters_json(&filters), r#"{"label":{"a=b":true}}"#);
    }

    #[test]
    fn paths_keep_their_slashes() {
        assert_eq!(escape_path("/a b/ü"), "/a%20b/%C3%BC");
    }
}
