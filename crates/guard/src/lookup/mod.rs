//! What the upstream daemon says of the objects that a call is about, before the call is judged.
//!
//! Each name is asked for once. What is judged is what the daemon says, and the call is passed on
//! with the ids that it says: a container that is renamed in between does not become another one.
//! What cannot be read counts as somebody else's and as powerful as can be.

mod container;
mod execs;
mod others;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::{BoxFuture, try_join_all};
use http::StatusCode;
use lockgate_access::{Kind, Object, Objects, Power, Wish};
use lockgate_gate::{LookUp, LookUpError};
use percent_encoding::utf8_percent_encode;

pub(crate) use execs::Execs;
pub(crate) use others::is_common;

use crate::error::GuardError;
use crate::inquire::{self, Told};
use crate::pool::Pool;
use crate::rewrite::PATH;

/// Asks the upstream daemon.
#[derive(Debug)]
pub(crate) struct Looker {
    pub(crate) pool: Pool,
    pub(crate) execs: Execs,
}

/// What was found, by name.
#[derive(Debug)]
struct Found(HashMap<(Kind, String), Option<Object>>);

impl Objects for Found {
    /// A policy that was exchanged meanwhile may ask for what nobody looked for.
    fn find(&self, kind: Kind, name: &str) -> Option<Object> {
        let found = self.0.get(&(kind, name.to_owned()));
        found.map_or_else(|| Some(unknown(name)), Clone::clone)
    }
}

/// Whoever enters it (exec, attach, cp, a named volume) needs a role with all power over the host,
/// and a role for one's own objects does not reach it.
fn unknown(name: &str) -> Object {
    Object {
        id: name.to_owned(),
        wishes: vec![Wish {
            power: Power::Privileged,
            detail: "what another daemon gave it".to_owned(),
            read_only: false,
        }],
        creator: Some("nobody known".to_owned()),
        ..Object::default()
    }
}

impl LookUp for Looker {
    fn find(
        &self,
        wanted: Vec<(Kind, String)>,
    ) -> BoxFuture<'_, Result<Arc<dyn Objects>, LookUpError>> {
        Box::pin(async move {
            let each = wanted.into_iter().map(|(kind, name)| async move {
                let object = self.object(kind, &name).await?;
                Ok::<_, GuardError>(((kind, name), object))
            });
            let found = try_join_all(each).await;
            let found = found.map_err(|error| {
                tracing::warn!(%error, "what a call is about cannot be looked up");
                LookUpError(error.to_string())
            })?;
            Ok(Arc::new(Found(found.into_iter().collect())) as Arc<dyn Objects>)
        })
    }
}

impl Looker {
    async fn object(&self, kind: Kind, name: &str) -> Result<Option<Object>, GuardError> {
        match kind {
            Kind::Container => self.container(name).await,
            Kind::Exec => self.exec(name).await,
            Kind::Network => self.network(name).await,
            Kind::Volume => self.volume(name).await,
        }
    }

    /// The daemon's answer about one object; `None` if there is no such thing.
    async fn ask(&self, kind: &str, name: &str, end: &str) -> Result<Option<Told>, GuardError> {
        let name = utf8_percent_encode(name, PATH);
        let told = inquire::get(&self.pool, &format!("/{kind}/{name}{end}")).await?;
        Ok((told.status != StatusCode::NOT_FOUND).then_some(told))
    }
}

/// The object that an answer describes, if it can be read.
fn read<T: serde::de::DeserializeOwned>(told: &Told) -> Option<T> {
    if told.status != StatusCode::OK {
        return None;
    }
    lockgate_api::json::parse(&told.body)
        .inspect_err(|error| {
            tracing::warn!(%error, "the upstream daemon's description of an object cannot be read");
        })
        .ok()
}
