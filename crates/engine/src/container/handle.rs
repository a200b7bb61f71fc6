//! What the rest of the engine sees of a container: published facts, and a way to its driver.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use lockgate_types::network::EndpointSettings;
use lockgate_types::{ContainerId, ContainerName, Signal};
use tokio::sync::{mpsc, oneshot, watch};

use super::attach::Slot;
use super::config_error::ConfigError;
use super::error::{FaultError, StartError};
use super::files::FileLock;
use super::queue::{Refusal, Verb};
use super::record::Record;
use super::request::{RemoveOptions, UpdateQuery};
use super::state::{RunState, Status};
use crate::network::NetworkError;

/// How many requests may wait in front of one container before callers are held back.
const BACKLOG: usize = 64;

/// A container. Its driver task alone changes it; everybody may read what the driver published.
pub(crate) struct Container {
    pub(crate) id: ContainerId,
    /// `D/containers/<id>`.
    pub(crate) directory: PathBuf,
    /// `E/containers/<id>`.
    pub(crate) run_directory: PathBuf,
    facts: RwLock<Arc<Facts>>,
    lifeline: watch::Sender<Lifeline>,
    requests: mpsc::Sender<Request>,
    slots: Mutex<Vec<Arc<Slot>>>,
    /// Who has its file system open.
    pub(crate) files: FileLock,
}

/// What is known of a container at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) record: Arc<Record>,
    pub(crate) state: RunState,
}

/// What waiters look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lifeline {
    pub(crate) running: bool,
    /// It has stopped, and its policy will start it again.
    pub(crate) restarting: bool,
    /// How often it has stopped; a start that failed does not count.
    pub(crate) exits: u64,
    pub(crate) exit_code: i32,
    pub(crate) removed: bool,
}

/// A state-changing request and where its answer goes.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) order: Order,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// Warnings, or why not.
pub(crate) type Answer = Result<Vec<String>, Failure>;

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Start,
    Stop(StopOrder),
    Restart(StopOrder),
    Kill(Signal),
    Remove(RemoveOptions),
    Rename(ContainerName),
    Pause,
    Resume,
    Update(Box<UpdateQuery>),
    /// The alias of a link.
    Unlink(String),
    Connect(Box<ConnectOrder>),
    Disconnect(DisconnectOrder),
}

/// A network to be on.
#[derive(Clone, Debug)]
pub(crate) struct ConnectOrder {
    /// The network's name.
    pub(crate) network: String,
    pub(crate) settings: EndpointSettings,
}

/// A network to be on no more.
#[derive(Clone, Debug)]
pub(crate) struct DisconnectOrder {
    /// The network's name.
    pub(crate) network: String,
    pub(crate) network_id: String,
}

/// How to stop: `None` means the container's own setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StopOrder {
    pub(crate) timeout: Option<i64>,
    pub(crate) signal: Option<Signal>,
}

/// Why an order was not carried out; each verb turns it into its own error.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Refused(Refusal),
    Start(StartError),
    Config(ConfigError),
    NameInUse(ContainerId),
    Network(NetworkError),
    Fault(FaultError),
    /// The container has been removed meanwhile.
    Gone,
}

impl From<FaultError> for Failure {
    fn from(fault: FaultError) -> Self {
        Self::Fault(fault)
    }
}

impl Order {
    pub(crate) fn verb(&self) -> Verb {
        match self {
            Self::Start => Verb::Start,
            Self::Stop(_) => Verb::Stop,
            Self::Restart(_) => Verb::Restart,
            Self::Kill(_) => Verb::Kill,
            Self::Remove(options) => Verb::Remove {
                force: options.force,
            },
            Self::Rename(_) => Verb::Rename,
            Self::Pause => Verb::Pause,
            Self::Resume => Verb::Resume,
            Self::Update(_) | Self::Unlink(_) => Verb::Update,
            Self::Connect(_) | Self::Disconnect(_) => Verb::Network,
        }
    }
}

impl Container {
    /// A container and the receiving end for its driver.
    pub(crate) fn new(
        roots: (&Path, &Path),
        record: Arc<Record>,
        state: RunState,
    ) -> (Arc<Self>, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(BACKLOG);
        let id = record.id.clone();
        let running = state.status.has_process();
        let lifeline = Lifeline {
            running,
            restarting: state.status == Status::Restarting,
            exit_code: state.exit_code,
            ..Lifeline::default()
        };
        let container = Arc::new(Self {
            directory: roots.0.join("containers").join(id.as_str()),
            run_directory: roots.1.join("containers").join(id.as_str()),
            id,
            facts: RwLock::new(Arc::new(Facts { record, state })),
            lifeline: watch::Sender::new(lifeline),
            requests,
            slots: Mutex::default(),
            files: FileLock::default(),
        });
        (container, receiver)
    }

    /// What is known now.
    pub(crate) fn facts(&self) -> Arc<Facts> {
        Arc::clone(&self.facts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Publishes; called by the driver alone.
    pub(crate) fn publish(&self, facts: Facts) {
        *self.facts.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(facts);
    }

    /// Follows the container's life.
    pub(crate) fn lifeline(&self) -> watch::Receiver<Lifeline> {
        self.lifeline.subscribe()
    }

    /// Tells waiters; called by the driver alone, after publishing.
    pub(crate) fn live(&self, change: impl FnOnce(&mut Lifeline)) {
        self.lifeline.send_modify(change);
    }

    /// Has the driver do something. Once sent, it is done even if the caller goes away.
    pub(crate) async fn order(&self, order: Order) -> Answer {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(Request { order, reply }).await.is_err() {
            return Err(Failure::Gone);
        }
        answer.await.unwrap_or(Err(Failure::Gone))
    }

    /// The shim's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.run_directory.join("shim.sock")
    }

    /// The current log file.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.directory.join(format!("{}-json.log", self.id))
    }

    /// Adds an attachment that waits for the container's start.
    pub(crate) fn park(&self, slot: Arc<Slot>) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|slot| Arc::strong_count(slot) > 1);
        slots.push(slot);
    }

    /// Takes all attachments that wait; those whose stream is gone are left out.
    pub(crate) fn take_parked(&self) -> Vec<Arc<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *slots)
            .into_iter()
            .filter(|slot| Arc::strong_count(slot) > 1)
            .collect()
    }
}
