//! Answers as far as the caller may see them: somebody else's objects are not in lists, disk usage and
//! events, prunes do not reach them, and environments are shown to those who may see secrets.
//!
//! An answer that has to be narrowed is read whole, or line by line; one that cannot be read is not
//! passed on.

mod environment;
mod events;
mod list;
mod network;
mod own;
mod prune;
mod usage;

use bytes::Bytes;
use http::Response;
use lockgate_access::{Scope, View};
use lockgate_api::{Call, Family, Operation};
use lockgate_gate::{Body, body};
use serde_json::Value;

use crate::answer;
use crate::error::GuardError;
use crate::flow::Flow;
use crate::inquire;
use crate::pool::Pool;
use crate::query;

pub(crate) use prune::prune;

/// How the answer of a call is narrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Narrowing {
    /// It is passed on as it is.
    None,
    /// Values of environments are hidden.
    Environment,
    /// Lines of others are left out.
    Events,
    /// Items of others are left out.
    List,
    /// The call is made once for each label that makes an object the caller's.
    Prune,
}

/// What to do with the answer of this call, for this caller.
pub(crate) fn how(call: &Call, view: &View) -> Result<Narrowing, GuardError> {
    use Operation as O;
    let operation = call.operation();
    if view.scope.is_some() && matches!(operation.family(), Family::Swarm | Family::Plugin) {
        return Err(GuardError::Unowned(operation));
    }
    let is = |all: &[Operation]| all.contains(&operation);
    let scoped = view.scope.is_some();
    Ok(if scoped && operation == O::SystemEvents {
        Narrowing::Events
    } else if scoped && is(&[O::ContainerPrune, O::NetworkPrune, O::VolumePrune]) {
        Narrowing::Prune
    } else if scoped
        && is(&[
            O::ContainerList,
            O::ImageList,
            O::NetworkInspect,
            O::NetworkList,
            O::SystemDataUsage,
            O::SystemInfo,
            O::VolumeList,
        ])
    {
        Narrowing::List
    } else if !view.secrets && is(&WITH_ENVIRONMENT) {
        Narrowing::Environment
    } else {
        Narrowing::None
    })
}

const WITH_ENVIRONMENT: [Operation; 7] = [
    Operation::ContainerInspect,
    Operation::PluginInspect,
    Operation::PluginList,
    Operation::ServiceInspect,
    Operation::ServiceList,
    Operation::TaskInspect,
    Operation::TaskList,
];

/// The query for the upstream daemon: a list is cut to its limit after those of others are out.
pub(crate) fn query(call: &Call, how: Narrowing) -> Vec<(String, String)> {
    let mut pairs = query::judged(call);
    if how == Narrowing::List
        && call.operation() == Operation::ContainerList
        && list::limit(call).is_some()
    {
        pairs.retain(|(key, _)| key != "limit" && key != "all");
        pairs.push(("all".to_owned(), "1".to_owned()));
    }
    pairs
}

/// The narrowed answer. Errors of the upstream daemon are passed on.
pub(crate) async fn answer(
    pool: &Pool,
    call: &Call,
    (view, how): (&View, Narrowing),
    response: Response<Flow>,
) -> Result<Response<Body>, GuardError> {
    let status = response.status();
    if let Some(scope) = &view.scope
        && (status.is_client_error() || status.is_server_error())
    {
        return refusal(pool, scope, response).await;
    }
    if how == Narrowing::None || !status.is_success() {
        return Ok(answer::relayed(response));
    }
    let everything = Scope::default();
    let scope = view.scope.as_ref().unwrap_or(&everything);
    if how == Narrowing::Events {
        let scope = scope.clone();
        return Ok(answer::with(response, |body| events::narrowed(body, scope)));
    }
    let (head, whole) = response.into_parts();
    let whole = inquire::whole(pool, whole).await?;
    let narrowed = if how == Narrowing::Environment {
        environment::hidden(&whole)
    } else {
        list(pool, call, scope, &whole).await?
    };
    let narrowed = narrowed.ok_or_else(|| strange(pool))?;
    let response = Response::from_parts(head, ());
    Ok(answer::with(response, |()| body::full(narrowed)))
}

/// A refusal that names no container of others.
async fn refusal(
    pool: &Pool,
    scope: &Scope,
    response: Response<Flow>,
) -> Result<Response<Body>, GuardError> {
    let (head, whole) = response.into_parts();
    let whole = inquire::whole(pool, whole).await?;
    let told = own::refusal(pool, scope, &whole).await?;
    let told = told.map_or(whole, Bytes::from);
    let response = Response::from_parts(head, ());
    Ok(answer::with(response, |()| body::full(told)))
}

/// `None` if the answer cannot be read.
async fn list(
    pool: &Pool,
    call: &Call,
    scope: &Scope,
    whole: &Bytes,
) -> Result<Option<Vec<u8>>, GuardError> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "`how` names the others")]
    Ok(match call.operation() {
        Operation::ContainerList => list::containers(whole, scope, list::limit(call)),
        Operation::VolumeList => list::volumes(whole, scope),
        Operation::ImageList | Operation::SystemDataUsage | Operation::SystemInfo => {
            counted(pool, call.operation(), scope, whole).await?
        }
        _ => network::narrowed(pool, whole, scope).await?,
    })
}

/// What counts containers: `None` if it cannot be read.
async fn counted(
    pool: &Pool,
    operation: Operation,
    scope: &Scope,
    whole: &Bytes,
) -> Result<Option<Vec<u8>>, GuardError> {
    let Ok(mut answer) = serde_json::from_slice::<Value>(whole) else {
        return Ok(None);
    };
    let containers = own::Containers::ask(pool, scope).await?;
    if operation == Operation::ImageList {
        containers.images(&mut answer);
        return Ok(Some(lockgate_api::encode(&answer)));
    }
    if operation == Operation::SystemInfo {
        return Ok(Some(lockgate_api::encode(&containers.info(answer))));
    }
    let counted = lockgate_api::encode(&containers.usage(answer));
    Ok(usage::narrowed(&counted, scope))
}

fn strange(pool: &Pool) -> GuardError {
    GuardError::Strange {
        upstream: pool.upstream().to_string(),
        what: "it cannot be read, so nobody can tell what of it is the caller's",
    }
}
