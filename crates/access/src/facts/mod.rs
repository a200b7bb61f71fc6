//! What a call would do, as far as its body and query say so.
//!
//! A body is read once, strictly, into the type that the backend works on: what is judged here is
//! what is done there.

mod build;
mod container;
mod host_path;
mod image;
mod mount;
mod network;
mod object;
mod other;
mod top;
mod wish;

use bytes::Bytes;
use lockgate_api::json::{ContentTypeError, Document, JsonError, check_content_type};
use lockgate_api::latest::{container as wire, exec, network as networks, system, volume};
use lockgate_api::{Call, Operation};
use lockgate_types::ErrorKind;
use serde::{Deserialize, Serialize};

pub(crate) use host_path::resolve;
pub(crate) use image::Unread;
pub(crate) use object::Wanted;
pub use object::{Kind, NoObjects, Object, Objects, Reference};
pub use wish::{Power, Wish};

use crate::audit::Hash;

/// The body of a call, read whole within its limit, as it was judged.
///
/// A backend works on these bytes and on no others. Empty for calls whose body is not judged.
#[derive(Clone, Debug, Default)]
pub struct JudgedBody {
    bytes: Bytes,
    content_type: Option<String>,
    document: Option<Document>,
}

impl JudgedBody {
    /// A body as it was read, with the `Content-Type` of the request.
    pub fn new(bytes: Bytes, content_type: Option<String>) -> Self {
        Self {
            bytes,
            content_type,
            document: None,
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The `Content-Type` that came with it.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The JSON that was judged, if the operation is judged by its JSON.
    pub fn document(&self) -> Option<&Document> {
        self.document.as_ref()
    }
}

/// What a call would do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    #[serde(skip)]
    pub(crate) body: JudgedBody,
    /// The powers of the wishes, each once.
    #[serde(skip)]
    pub(crate) powers: Vec<Power>,
    /// Power over the host that is asked for, piece by piece.
    pub(crate) wishes: Vec<Wish>,
    /// Other objects that are used.
    pub(crate) uses: Vec<Reference>,
    pub(crate) details: Details,
}

/// What conditions of roles look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Details {
    /// Images, as they are named; `app:*` is all of `app`.
    pub(crate) images: Vec<String>,
    /// Registries that the daemon is told to talk to, beside those of the images.
    #[serde(default)]
    pub(crate) registries: Vec<String>,
    /// What is made into images without anybody here reading it.
    #[serde(default)]
    pub(crate) unread: Option<Unread>,
    /// The user that a process runs as; `None` if nothing is run.
    pub(crate) user: Option<String>,
    /// Groups that it is in besides.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    /// Networks, `default` included.
    pub(crate) networks: Vec<String>,
    /// Published ports as `ADDRESS:PORT`; empty parts mean any.
    pub(crate) ports: Vec<(String, String)>,
    /// Limits of what a container may use; `None` for calls that set none.
    pub(crate) resources: Option<Resources>,
    /// Labels that are set.
    pub(crate) labels: Vec<(String, String)>,
    /// Whether the labels are those of a new container.
    pub(crate) is_container: bool,
    /// Whether the volumes of another container are taken.
    #[serde(default)]
    pub(crate) borrows_volumes: bool,
    /// Whether environments of processes may be shown.
    #[serde(default)]
    pub(crate) shows_environments: bool,
    /// Whether an object comes to be that can have an owner.
    pub(crate) makes: Option<Kind>,
}

/// What a container may use; zero means no limit is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resources {
    pub(crate) memory: i64,
    /// With the memory; `#[serde(default)]` because a record may be older.
    #[serde(default)]
    pub(crate) memory_swap: i64,
    pub(crate) nano_cpus: i64,
    pub(crate) pids: i64,
    /// An update leaves what it does not name.
    pub(crate) is_update: bool,
}

/// Why a body cannot be judged. `Display` is for the client, in the stock daemon's words.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// It is not declared as JSON.
    #[error(transparent)]
    ContentType(#[from] ContentTypeError),
    /// It is no JSON, or JSON that two readers would understand differently.
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl FactsError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::ContentType(_) | Self::Json(_) => ErrorKind::InvalidInput,
        }
    }
}

impl Facts {
    /// Reads what `call` would do from its query and its judged body.
    pub fn read(call: &Call, mut body: JudgedBody) -> Result<Self, FactsError> {
        let mut facts = Self::default();
        if is_judged(call.operation()) && !body.bytes.trim_ascii().is_empty() {
            check_content_type(body.content_type(), false)?;
            let document = Document::parse(&body.bytes)?;
            facts.read_body(call, &document)?;
            body.document = Some(document);
        }
        facts.read_query(call);
        facts.powers = facts.wishes.iter().map(|wish| wish.power).collect();
        facts.powers.sort_unstable();
        facts.powers.dedup();
        facts.wishes.sort();
        facts.body = body;
        Ok(facts)
    }

    fn read_body(&mut self, call: &Call, document: &Document) -> Result<(), FactsError> {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "`is_judged` lists the operations, and a test compares"
        )]
        match call.operation() {
            Operation::ContainerCreate => {
                let request = wire::CreateRequest::read(document)?;
                self.container(&request, call.version());
            }
            Operation::ContainerUpdate => self.update(&document.read::<wire::UpdateRequest>()?),
            Operation::ContainerExec => self.exec(&document.read::<exec::CreateRequest>()?),
            Operation::VolumeCreate => self.volume(&document.read::<volume::CreateRequest>()?),
            Operation::NetworkCreate => self.network(&document.read::<networks::CreateRequest>()?),
            Operation::NetworkConnect => {
                self.joins(&document.read::<networks::ConnectRequest>()?);
            }
            Operation::NetworkDisconnect => {
                let request: networks::DisconnectRequest = document.read()?;
                self.member(&request.container);
            }
            Operation::SystemAuth => self.login(&document.read::<system::AuthRequest>()?),
            _ => {}
        }
        Ok(())
    }

    /// The powers over the host that are asked for.
    pub fn powers(&self) -> &[Power] {
        &self.powers
    }

    /// SHA-256 of everything that was judged; not of the environment and other secrets, which
    /// nobody judges.
    pub(crate) fn digest(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        Hash::of(&text).to_string()
    }

    fn wish(&mut self, power: Power, detail: impl Into<String>) {
        self.wishes.push(Wish {
            power,
            detail: detail.into(),
            read_only: false,
        });
    }
}

/// The operations whose bodies are judged by their JSON.
fn is_judged(operation: Operation) -> bool {
    [
        Operation::ContainerCreate,
        Operation::ContainerUpdate,
        Operation::ContainerExec,
        Operation::NetworkConnect,
        Operation::NetworkCreate,
        Operation::NetworkDisconnect,
        Operation::SystemAuth,
        Operation::VolumeCreate,
    ]
    .contains(&operation)
}
