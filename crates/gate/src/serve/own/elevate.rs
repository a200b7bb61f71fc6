//! `/lockgate/elevations`: roles lent for a time.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use lockgate_access::{Admitted, Elevation, ElevationEnd};
use lockgate_types::Timestamp;
use serde::{Deserialize, Serialize};

use super::json;
use crate::body::{self, Body};
use crate::registry::End;
use crate::rescue::Refused;
use crate::serve::{Door, Visit};

/// How late the end of a role may be noticed by streams that are open, after the clock was set.
const CLOCK_CHECK: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Asked {
    /// A common name, or `cn=`, `uid=`, `spki=`.
    who: String,
    role: String,
    seconds: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    #[serde(rename = "ID")]
    id: String,
    who: String,
    role: String,
    by: String,
    until: Timestamp,
    seconds_left: u64,
}

impl From<Elevation> for Shown {
    fn from(elevation: Elevation) -> Self {
        Self {
            seconds_left: elevation.left().as_secs(),
            id: elevation.id,
            who: elevation.who,
            role: elevation.role,
            by: elevation.by,
            until: elevation.until,
        }
    }
}

pub(super) fn list(visit: &Visit) -> Response<Body> {
    let all = visit.door.access.elevations().into_iter();
    let shown: Vec<Shown> = all.map(Shown::from).collect();
    json(StatusCode::OK, &shown)
}

pub(super) fn start(visit: &Visit, admitted: &Admitted) -> Result<Response<Body>, Refused> {
    let asked: Asked = serde_json::from_slice(admitted.body().bytes())
        .map_err(|error| Refused::BadBody(error.to_string()))?;
    let door = &visit.door;
    let time = Duration::from_secs(asked.seconds);
    let by = admitted.principal();
    let elevation = door.access.elevate(by, &asked.who, &asked.role, time)?;
    tracing::warn!(who = elevation.who, role = elevation.role, by = elevation.by, until = %elevation.until, "ROLE LENT");
    tokio::spawn(expire(Arc::clone(door), elevation.clone()));
    Ok(json(StatusCode::CREATED, &Shown::from(elevation)))
}

pub(super) fn end(visit: &Visit, admitted: &Admitted) -> Result<Response<Body>, Refused> {
    let id = admitted.call().target().unwrap_or_default();
    if !over(&visit.door, id, ElevationEnd::Ended) {
        return Err(Refused::NoElevation(id.to_owned()));
    }
    let mut response = Response::new(body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// Waits for the end. That a call is judged by the clock does not depend on this; the record and open streams do.
async fn expire(door: Arc<Door>, elevation: Elevation) {
    while !elevation.left().is_zero() {
        let nap = elevation.left().min(CLOCK_CHECK);
        tokio::time::sleep(nap.max(Duration::from_millis(10))).await;
    }
    over(&door, &elevation.id, ElevationEnd::Expired);
}

/// Takes the role back and ends what depends on it.
fn over(door: &Door, id: &str, why: ElevationEnd) -> bool {
    let Some(elevation) = door.access.end_elevation(id, why) else {
        return false;
    };
    let ended = door
        .registry
        .end_where(End::Revoked, |live| live.needs(&elevation.id));
    tracing::warn!(
        who = elevation.who,
        role = elevation.role,
        ended,
        "ROLE NO LONGER LENT"
    );
    true
}
