//! What the door answers itself: Lockgate's own endpoints, judged and recorded like all others, and answered on unix
//! sockets alone.

mod elevate;
mod observe;

use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode, header};
use lockgate_access::Admitted;
use lockgate_api::Operation as Op;
use serde::Serialize;

use super::{ANSWERED, Visit, reply};
use crate::body::{self, Body};
use crate::metrics::TEXT_FORMAT;
use crate::rescue::Refused;

/// The answer, if the call is about the door.
pub(super) fn answer(
    visit: &Arc<Visit>,
    admitted: &Admitted,
) -> Result<Option<Response<Body>>, Refused> {
    let operation = admitted.call().operation();
    if operation == Op::SystemOptions {
        return Ok(Some(reply::options(&visit.door)));
    }
    if operation.family() != lockgate_api::Family::Door {
        return Ok(None);
    }
    if visit.live().peer.network {
        return Err(Refused::LocalOnly);
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "the family has no more")]
    let mut response = match operation {
        Op::DoorMetrics => metrics(visit)?,
        Op::DoorObserve => observe::observe(visit, admitted),
        Op::ElevationList => elevate::list(visit),
        Op::ElevationStart => elevate::start(visit, admitted)?,
        Op::ElevationEnd => elevate::end(visit, admitted)?,
        _ => return Err(Refused::Internal),
    };
    visit.door.headers.add(&mut response, ANSWERED);
    Ok(Some(response))
}

fn metrics(visit: &Visit) -> Result<Response<Body>, Refused> {
    let text = visit.door.metrics_text().map_err(|error| {
        tracing::error!(error = %error, "the metrics cannot be written");
        Refused::Internal
    })?;
    let mut response = Response::new(body::full(text));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(TEXT_FORMAT));
    Ok(response)
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // Structs of texts and numbers are JSON.
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut response = Response::new(body::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
