//! The authority's side: a listener of its own, apart from the engine's.

mod handle;
mod here;
mod limit;
mod locked_out;
mod seen;
mod state;
mod verifier;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use lockgate_pki::{AuthorityDirectory, CertificateInfo, Clock, DirectoryError, SubjectName};
use lockgate_types::{ErrorKind, Secret};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::binding;
use handle::Caller;
pub use here::{HereError, renew_here};
pub use seen::{Lagging, lagging, last_seen, note_seen};
use state::State;
pub use state::keep_list;

/// What the service is made of.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// The authority.
    pub directory: AuthorityDirectory,
    /// The passphrase of its keys.
    pub passphrase: Option<Secret<String>>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The names of the service itself; its clients dial one of them.
    pub names: Vec<SubjectName>,
    /// `HOST:PORT` for tokens.
    pub advertise: String,
    /// For how long after its end a certificate may still be renewed.
    pub grace: Duration,
    /// How many days a revocation list is good.
    pub crl_days: u32,
}

/// Why there is no service.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The authority.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The socket.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        reason: io::Error,
    },
    /// TLS.
    #[error("the service's own TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl ServiceError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Directory(error) => error.kind(),
            Self::Listen { .. } => ErrorKind::Unavailable,
            Self::Tls(_) => ErrorKind::Internal,
        }
    }
}

/// A service that listens and is not served yet.
#[derive(Debug)]
pub struct Service {
    listener: TcpListener,
    state: Arc<State>,
}

impl Service {
    /// Opens the authority and the socket. Needs a tokio runtime.
    pub async fn bind(config: ServiceConfig) -> Result<Self, ServiceError> {
        let address = config.listen;
        let listen = |reason| ServiceError::Listen { address, reason };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let real = listener.local_addr().map_err(listen)?;
        let advertise = config.advertise.clone();
        let state = Arc::new(State::open(config, Clock::System)?);
        state.remember_address(&advertise, real)?;
        Ok(Self { listener, state })
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Serves until `stop`.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut tasks = JoinSet::new();
        tasks.spawn(state::keep(Arc::clone(&self.state)));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            let Ok((socket, address)) = accepted else {
                // With no descriptors left, only time brings some back.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            // One more than there is room for is dropped: the applicant tries again.
            if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                let state = Arc::clone(&self.state);
                tokio::spawn(async move {
                    connection(state, socket, address).await;
                    drop(place);
                });
            }
        }
        tasks.shutdown().await;
        self.state.save_seen();
    }
}

async fn connection(state: Arc<State>, socket: TcpStream, address: SocketAddr) {
    let opened = state.opened();
    let shake = TlsAcceptor::from(Arc::clone(&opened.tls)).accept(socket);
    let stream = match tokio::time::timeout(HANDSHAKE, shake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::info!(peer = %address, error = %error, "authority: no handshake");
            return;
        }
        Err(_late) => return,
    };
    let tls = stream.get_ref().1;
    let Ok(exported) = binding::of_server(tls) else {
        return;
    };
    let chain = tls.peer_certificates().unwrap_or_default();
    let info = chain
        .first()
        .and_then(|leaf| CertificateInfo::from_der(leaf).ok());
    let caller = Arc::new(Caller {
        address: address.ip(),
        exported,
        chain: chain.iter().map(|one| one.clone().into_owned()).collect(),
        info,
    });
    let service =
        service_fn(move |request| handle::handle(Arc::clone(&state), Arc::clone(&caller), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(peer = %address, error = %error, "authority: connection broke off");
    }
}

/// Where the service of this authority said that it can be reached; for tokens.
pub fn advertised(directory: &Path) -> Option<String> {
    let text = std::fs::read_to_string(directory.join(state::ADDRESS)).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// How many connections at once: every daemon holds one while it waits for news.
const CONNECTIONS: usize = 4096;
/// How long a handshake, or the head of a request, may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
