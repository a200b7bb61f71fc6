//! The record of a request that makes no sense.

use http::Request;
use hyper::body::Incoming;
use lockgate_access::{FactsError, Refusal};
use lockgate_api::RouteError;

use super::Visit;
use crate::rescue::Refused;

/// What was asked, for the record of a refusal: no query, no header, no body.
pub(super) fn summary(request: &Request<Incoming>) -> String {
    let path: String = request.uri().path().chars().take(256).collect();
    format!("{} {path}", request.method())
}

/// Records a refusal that has no record yet.
pub(super) fn tell(visit: &Visit, what: &str, refused: &Refused) {
    let Some(reason) = refused.word() else { return };
    visit.door.metrics.refused(reason);
    if let Refused::Quota(exceeded) = refused {
        visit.door.metrics.limited(exceeded.word());
    }
    let peer = &visit.live().peer;
    let detail = if matches!(refused, Refused::Head(_)) {
        refused.to_string()
    } else {
        format!("{what}: {}", without_quotes(refused))
    };
    let who = peer.principal.get();
    let Some(unrecorded) = visit.door.quotas.may_record(&who.owner()) else {
        return;
    };
    if unrecorded > 0 {
        let detail =
            format!("{unrecorded} refusals of this identity before this one were not recorded");
        visit.door.access.refused(&Refusal {
            peer: &peer.name,
            identity: Some(who),
            reason: "flood",
            detail: &detail,
        });
    }
    tracing::info!(peer = %peer.name, %who, reason, "request refused");
    visit.door.access.refused(&Refusal {
        peer: &peer.name,
        identity: Some(who),
        reason,
        detail: &detail,
    });
}

/// What is answered may quote the body, a header or the query, where people put secrets; the record does not.
fn without_quotes(refused: &Refused) -> String {
    let told = if let Refused::Facts(FactsError::ContentType(_)) = refused {
        "the Content-Type is not application/json"
    } else if let Refused::Facts(FactsError::Json(_)) = refused {
        "the request body is no JSON of this call"
    } else if let Refused::Route(RouteError::Redirect(_)) = refused {
        "the path has a cleaner spelling"
    } else {
        return refused.to_string();
    };
    told.to_owned()
}
