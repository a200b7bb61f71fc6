//! The one path of a request.

mod ask;
mod connection;
mod ending;
mod incoming;
mod own;
mod reply;
mod tell;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use http::{Request, Response};
use hyper::body::Incoming;
use lockgate_access::{Access, Facts};
use lockgate_api::route;

pub(crate) use connection::connection;
pub(crate) use ending::Ending;
pub(crate) use reply::Headers;
use tell::{summary, tell};

use crate::backend::{self, Backend};
use crate::body::Body;
use crate::identity::Peer;
use crate::limits::Limits;
use crate::metrics::{Metrics, Scrape};
use crate::quota::{Quotas, Slot};
use crate::registry::{End, Guest, Live, Registry};
use crate::rescue::{ApiHeaders, Refused};
use crate::tls::TlsState;
use crate::trace::{self, Tracer};
use crate::watch::Watch;
use crate::wire::{Link, REFUSED};

/// What all connections share.
pub(crate) struct Door {
    pub(crate) access: Arc<Access>,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) headers: Headers,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) tracer: Option<Arc<dyn Tracer>>,
    pub(crate) tls: Arc<ArcSwapOption<TlsState>>,
}

impl Door {
    /// The metrics of this moment.
    pub(crate) fn metrics_text(&self) -> prometheus::Result<String> {
        let tls = self.tls.load_full();
        self.metrics.text(&Scrape {
            containers: self.backend.container_states(),
            ends: tls.map(|tls| tls.ends()).unwrap_or_default(),
            audit: self.access.audit().counts(),
            sinks: self.access.audit().lost_by_sinks(),
            undelivered: self.tracer.as_ref().map(|it| it.lost()).unwrap_or_default(),
        })
    }
}

/// One connection with its client.
pub(crate) struct Visit {
    pub(crate) door: Arc<Door>,
    pub(crate) guest: Guest,
    pub(crate) link: Arc<Link>,
}

impl Visit {
    pub(crate) fn live(&self) -> &Arc<Live> {
        self.guest.live()
    }
}

/// Answers one request.
async fn handle(visit: &Arc<Visit>, request: Request<Incoming>) -> Response<Body> {
    let mut ending = Ending::new(Arc::clone(visit));
    let what = summary(&request);
    let end = visit.live().peer.principal.get().valid_until();
    match serve(visit, request, &mut ending).await {
        Ok(mut response) => {
            visit.door.headers.warn_of_end(&mut response, end);
            ending.follow(response)
        }
        Err(refused) => {
            tell(visit, &what, &refused);
            let mut response = refused.answer();
            visit.door.headers.add(&mut response, refused.headers());
            visit.door.headers.warn_of_end(&mut response, end);
            ending.follow(response)
        }
    }
}

/// The eight steps of a request that is served, in their order.
async fn serve(
    visit: &Arc<Visit>,
    mut request: Request<Incoming>,
    ending: &mut Ending,
) -> Result<Response<Body>, Refused> {
    let door = &visit.door;
    let peer = &visit.live().peer;
    let slot = quota(door, peer)?;
    ending.slot(Arc::clone(&slot));
    let upgrade = hyper::upgrade::on(&mut request);
    let (mut head, body) = request.into_parts();
    if head.method == REFUSED {
        return Err(visit
            .link
            .refusal()
            .unwrap_or(crate::wire::HeadError::Syntax)
            .into());
    }
    incoming::refuse_browsers(peer, &head)?;
    let call = route(head.method.as_str(), &head.uri.to_string())?;
    slot.hold(&call)?;
    let (judged, body) = incoming::split_body(&call, &head, body, &door.limits, slot).await?;
    let facts = Facts::read(&call, judged)?;

    let (operation, kind) = (call.operation(), call.route().stream);
    ending.asked(operation);
    if door.tracer.is_some() {
        let (method, pattern) = (call.route().method.as_str(), call.route().pattern);
        ending.span(trace::begin(
            &mut head.headers,
            operation.name(),
            method,
            pattern,
        ));
    }
    visit.live().set_current(Some(operation));
    let found = ask::what_exists(door, peer, &call, &facts).await?;
    let objects = found.as_deref().unwrap_or_else(|| door.backend.objects());
    let admitted = door
        .access
        .admit(&peer.principal, &peer.name, call, facts, objects)?;
    ending.open(admitted.entry(), kind);
    visit.live().set_lent(admitted.lent());
    // It may have ended since the decision, and whoever ended it has looked at this connection already.
    if admitted.lent().is_some_and(|id| !door.access.is_lent(id)) {
        visit.live().end(End::Revoked);
    }

    if let Some(answer) = own::answer(visit, &admitted)? {
        return Ok(answer);
    }
    let switch = reply::Switch::new(kind, operation, &head, upgrade);
    let request = backend::Request {
        admitted,
        head,
        body,
        found,
    };
    let reply = ask::backend(Arc::clone(&door.backend), request)
        .await
        .inspect_err(|_panicked| ending.panicked())?;
    reply::answer(visit, reply, switch, ending).await
}

/// Counts the request; reading it, and saying that it makes no sense, is not spent on whoever asks too often.
fn quota(door: &Door, peer: &Peer) -> Result<Arc<Slot>, Refused> {
    let who = peer.principal.get();
    let limits = door.access.limits(who);
    Ok(door.quotas.enter(who.owner(), limits)?)
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Visit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visit")
            .field("guest", &self.guest)
            .finish_non_exhaustive()
    }
}

/// Which headers an answer of the backend has.
const ANSWERED: ApiHeaders = ApiHeaders::All;
