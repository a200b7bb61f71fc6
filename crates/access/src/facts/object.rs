//! Objects that exist already, as far as they matter to a judgement.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Facts, Wish};

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Container,
    Exec,
    Network,
    Volume,
}

/// A name that a call uses for an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    /// Of what.
    pub kind: Kind,
    /// A name, an id, or the start of one.
    pub name: String,
    /// Whether using it gives the power that it has: its mounts, its namespaces, its processes.
    pub enters: bool,
}

/// An object, as the backend knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// The whole id; the name of a volume.
    pub id: String,
    /// Its labels; those of its container for an exec.
    pub labels: BTreeMap<String, String>,
    /// The power over the host that it has.
    pub wishes: Vec<Wish>,
    /// Who made it, where that is not a label.
    pub creator: Option<String>,
    /// Whether it is everybody's, such as the network `bridge`.
    pub is_common: bool,
}

impl Object {
    /// A container with the power that its configuration gives it.
    pub fn container(
        id: String,
        labels: BTreeMap<String, String>,
        host: &lockgate_types::container::HostConfig,
    ) -> Self {
        let mut facts = Facts::default();
        facts.host_config(host);
        Self {
            id,
            labels,
            wishes: facts.wishes,
            ..Self::default()
        }
    }

    /// A network with the power that its options give whoever takes them over.
    pub fn network(
        id: String,
        labels: BTreeMap<String, String>,
        driver: &str,
        options: Option<&BTreeMap<String, String>>,
    ) -> Self {
        let mut facts = Facts::default();
        facts.network_kind(driver, options);
        Self {
            id,
            labels,
            wishes: facts.wishes,
            ..Self::default()
        }
    }

    /// A volume with the power that its options give it.
    pub fn volume(
        name: String,
        labels: BTreeMap<String, String>,
        options: Option<&BTreeMap<String, String>>,
    ) -> Self {
        let mut facts = Facts::default();
        facts.volume_options("local", options);
        Self {
            id: name,
            labels,
            wishes: facts.wishes,
            ..Self::default()
        }
    }
}

/// Looks objects up for the judge. Names, ids and prefixes become one object here, before the
/// judgement; who is admitted is admitted to that object.
pub trait Objects: fmt::Debug + Send + Sync {
    /// The object that `name` means, if there is exactly one.
    fn find(&self, kind: Kind, name: &str) -> Option<Object>;
}

/// Nothing exists.
#[derive(Clone, Copy, Debug)]
pub struct NoObjects;

impl Objects for NoObjects {
    fn find(&self, _kind: Kind, _name: &str) -> Option<Object> {
        None
    }
}
