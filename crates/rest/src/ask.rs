//! An admitted request with what handlers need of it at hand.

use http::HeaderMap;
use lockgate_access::{Admitted, Meant, View};
use lockgate_api::json::{Document, check_content_type};
use lockgate_api::{ApiVersion, Filters, Operation, Query};
use lockgate_engine::Engine;
use lockgate_gate::{Body, Request};
use lockgate_types::Timestamp;
use serde::de::DeserializeOwned;

use crate::error::Failure;

/// What is asked of the engine, and the engine.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) engine: Engine,
    admitted: Admitted,
    headers: HeaderMap,
}

impl Ask {
    /// The request without its streaming body.
    pub(crate) fn new(engine: Engine, request: Request) -> (Self, Body) {
        let Request {
            admitted,
            head,
            body,
            found: _,
        } = request;
        (
            Self {
                engine,
                admitted,
                headers: head.headers,
            },
            body,
        )
    }

    pub(crate) fn operation(&self) -> Operation {
        self.admitted.call().operation()
    }

    pub(crate) fn version(&self) -> ApiVersion {
        self.admitted.call().version()
    }

    /// The object that the path names.
    pub(crate) fn name(&self) -> &str {
        self.admitted.call().target().unwrap_or_default()
    }

    /// What fills another hole of the path.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.admitted.call().params().get(name)
    }

    pub(crate) fn query(&self) -> &Query {
        self.admitted.call().query()
    }

    /// The id under which the request is recorded.
    pub(crate) fn id(&self) -> &str {
        self.admitted.id()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether the client asks for `101 UPGRADED`.
    pub(crate) fn wants_upgrade(&self) -> bool {
        self.headers.contains_key(http::header::UPGRADE)
    }

    /// What the caller sees of what there is.
    pub(crate) fn view(&self) -> &View {
        self.admitted.view()
    }

    /// What the names in the body mean.
    pub(crate) fn meant(&self) -> &Meant {
        self.admitted.meant()
    }

    /// The body that was judged, as JSON: what the judge has parsed is not parsed again.
    pub(crate) fn document(&self) -> Result<Document, Failure> {
        let judged = self.admitted.body();
        if let Some(document) = judged.document() {
            return Ok(document.clone());
        }
        check_content_type(judged.content_type(), judged.bytes().is_empty())?;
        Ok(Document::parse(judged.bytes())?)
    }

    /// The body that was judged, as a type.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(self.document()?.read()?)
    }

    /// The same where the body may be missing.
    pub(crate) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Failure> {
        if self.admitted.body().bytes().is_empty() {
            return Ok(T::default());
        }
        self.json()
    }

    /// The bytes that were judged.
    pub(crate) fn judged(&self) -> &[u8] {
        self.admitted.body().bytes()
    }

    /// The filters, whatever keys they have: the engine knows those of each operation.
    pub(crate) fn filters(&self) -> Result<lockgate_engine::Filters, Failure> {
        Ok(engine_filters(&Filters::parse(
            self.query().text("filters"),
        )?))
    }

    /// A point in time in the query: unix seconds, perhaps with a fraction.
    pub(crate) fn time(&self, key: &str) -> Result<Option<Timestamp>, Failure> {
        match self.query().text(key) {
            "" => Ok(None),
            text => unix_time(text).map(Some).ok_or_else(|| {
                Failure::invalid(format!(
                    "strconv.ParseInt: parsing {text:?}: invalid syntax"
                ))
            }),
        }
    }
}

fn engine_filters(filters: &Filters) -> lockgate_engine::Filters {
    filters
        .iter()
        .flat_map(|(key, values)| values.iter().map(move |value| (key, value.as_str())))
        .collect()
}

/// `1136073600.000000001`, and for convenience what dates look like.
fn unix_time(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let Ok(seconds) = whole.parse::<i64>() else {
        return text.parse().ok();
    };
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(Timestamp::from_unix_nanos(
        i128::from(seconds) * 1_000_000_000 + nanos,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_unix_seconds_with_a_fraction() {
        let nanos = |text: &str| unix_time(text).map(Timestamp::unix_nanos);
        assert_eq!(nanos("5"), Some(5_000_000_000));
        assert_eq!(nanos("1.5"), Some(1_500_000_000));
        assert_eq!(nanos("1.000000001"), Some(1_000_000_001));
        assert_eq!(nanos("-1"), Some(-1_000_000_000));
        assert_eq!(nanos("1970-01-01T00:00:07Z"), Some(7_000_000_000));
        for bad in ["x", "1.x", "1.0000000001", "1m"] {
            assert_eq!(nanos(bad), None, "{bad}");
        }
    }
}
