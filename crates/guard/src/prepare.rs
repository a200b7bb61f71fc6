//! What has to be true before a call is passed on.

use http::{Response, StatusCode};
use lockgate_access::{Kind, View};
use lockgate_api::{Call, Family, Filters, Operation};
use lockgate_gate::{Body, body};
use lockgate_types::OWNER_LABEL;
use serde::Deserialize;
use serde_json::json;

use crate::error::GuardError;
use crate::inquire;
use crate::mark::Known;
use crate::pool::Pool;

/// What was not there when the call was judged is not passed on: it may come to be in between, as
/// somebody else's. `Some` is the answer of calls that are content with that.
pub(crate) fn is_there(
    call: &Call,
    known: Known<'_>,
) -> Result<Option<Response<Body>>, GuardError> {
    let Some(found) = known.found else {
        return Ok(None);
    };
    // The daemon's own words may differ from ours for a container that is somebody else's.
    if let Some(name) = neighbours(call).find(|name| found.find(Kind::Container, name).is_none()) {
        let kind = Kind::Container;
        return Err(GuardError::NotThere { kind, name });
    }
    let (Some(kind), Some(name)) = (kind(call), call.target()) else {
        return Ok(None);
    };
    if found.find(kind, name).is_some() {
        return Ok(None);
    }
    if call.operation() == Operation::VolumeDelete && call.query().flag("force") {
        let mut gone = Response::new(body::empty());
        *gone.status_mut() = StatusCode::NO_CONTENT;
        return Ok(Some(gone));
    }
    Err(GuardError::NotThere {
        kind,
        name: name.to_owned(),
    })
}

/// Containers that a list is cut at.
fn neighbours(call: &Call) -> impl Iterator<Item = String> {
    let is_list = call.operation() == Operation::ContainerList;
    let filters = is_list.then(|| Filters::parse(call.query().text("filters")));
    let filters = filters.and_then(Result::ok).unwrap_or_default();
    let keys = ["before", "since"].into_iter();
    keys.flat_map(move |key| filters.get(key).to_vec())
}

/// What the path of a call names.
fn kind(call: &Call) -> Option<Kind> {
    match call.operation().family() {
        Family::Container => Some(Kind::Container),
        Family::Exec if call.operation() == Operation::ContainerExec => Some(Kind::Container),
        Family::Exec => Some(Kind::Exec),
        Family::Network => Some(Kind::Network),
        Family::Volume => Some(Kind::Volume),
        Family::Build
        | Family::Debug
        | Family::Door
        | Family::Distribution
        | Family::Image
        | Family::Plugin
        | Family::Swarm
        | Family::System => None,
    }
}

/// The container of a commit stands in the query.
pub(crate) fn query(known: Known<'_>, query: &mut [(String, String)]) -> Result<(), GuardError> {
    if known.operation != Operation::ImageCommit {
        return Ok(());
    }
    for (key, value) in query {
        if key == "container" {
            *value = known.id(Kind::Container, value)?;
        }
    }
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
struct Volume {
    #[serde(rename = "Labels", default)]
    labels: Option<std::collections::BTreeMap<String, String>>,
}

/// Makes the volumes that a container would make, as the caller's: the daemon itself marks none. One
/// that somebody else made in between is somebody else's.
pub(crate) async fn volumes(
    pool: &Pool,
    view: &View,
    wanted: Vec<(String, String)>,
) -> Result<(), GuardError> {
    for (name, driver) in wanted {
        let owner = view.owner.as_deref().unwrap_or_default();
        let asked = json!({ "Name": name, "Driver": driver, "Labels": { OWNER_LABEL: owner } });
        let told = inquire::post(pool, "/volumes/create", asked.to_string().into()).await?;
        if !told.status.is_success() {
            // The daemon says the same again, with its reason, when the container asks for it.
            continue;
        }
        let made: Volume = serde_json::from_slice(&told.body).unwrap_or_default();
        let is_seen = |scope: &lockgate_access::Scope| scope.sees(made.labels.as_ref());
        if !view.scope.as_ref().is_none_or(is_seen) {
            return Err(GuardError::NotThere {
                kind: Kind::Volume,
                name,
            });
        }
    }
    Ok(())
}
