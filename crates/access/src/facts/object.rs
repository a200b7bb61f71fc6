//! Objects that exist already, as far as they matter to a judgement.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

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

impl Kind {
    /// What is said of an object that is not there, in the stock daemon's words.
    pub fn not_there(self, name: &str) -> String {
        match self {
            Self::Container => format!("No such container: {name}"),
            Self::Exec => format!("No such exec instance: {name}"),
            Self::Network => format!("network {name} not found"),
            Self::Volume => format!("get {name}: no such volume"),
        }
    }
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
    /// The image that a container was made from, as it was named then.
    pub image: String,
    /// Whether it is everybody's, such as the network `bridge`.
    pub is_common: bool,
}

impl Object {
    /// A container with the power that its configuration gives it.
    pub fn container(
        id: String,
        image: String,
        labels: BTreeMap<String, String>,
        host: &lockgate_types::container::HostConfig,
    ) -> Self {
        let mut facts = Facts::default();
        facts.host_config(host);
        Self {
            id,
            image,
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

/// Writes down what is looked up, for backends that have to ask before a judgement. Nothing exists
/// here: a judge who asks at all asks for everything at once.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Mutex<BTreeSet<(Kind, String)>>);

impl Wanted {
    pub(crate) fn into_list(self) -> Vec<(Kind, String)> {
        let list = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        list.into_iter().collect()
    }
}

impl Objects for Wanted {
    fn find(&self, kind: Kind, name: &str) -> Option<Object> {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.insert((kind, name.to_owned()));
        None
    }
}

/// Nothing exists.
#[derive(Clone, Copy, Debug)]
pub struct NoObjects;

impl Objects for NoObjects {
    fn find(&self, _kind: Kind, _name: &str) -> Option<Object> {
        None
    }
}
