//! `metrics-addr`: the metrics and nothing else, over plain HTTP, to whoever can reach the address.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::TEXT_FORMAT;
use crate::body::{self, Body};
use crate::gate::GateError;
use crate::serve::Door;

/// Connections at one time; a scraper needs one.
const CONNECTIONS: usize = 16;
/// One connection from its first byte to its last: nobody keeps a place by being slow.
const PATIENCE: Duration = Duration::from_secs(10);
/// After a failed accept only time brings descriptors back.
const BREATH: Duration = Duration::from_millis(100);

/// Opens the listener. Needs a tokio runtime.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, GateError> {
    let failed = |source| GateError::MetricsAddress { address, source };
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    TcpListener::from_std(listener).map_err(failed)
}

/// Answers until told to stop.
pub(crate) async fn serve(listener: TcpListener, door: Arc<Door>, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::debug!(error = %error, "cannot accept a connection for metrics");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        // Beyond the places a connection is closed at once.
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let door = Arc::clone(&door);
            tokio::spawn(async move {
                tokio::time::timeout(PATIENCE, connection(socket, door))
                    .await
                    .unwrap_or_default();
                drop(place);
            });
        }
    }
}

async fn connection(socket: TcpStream, door: Arc<Door>) {
    let service = service_fn(move |request| {
        let answer = answer(&door, &request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(socket), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(error = %error, "a connection for metrics broke off");
    }
}

fn answer(door: &Door, request: &Request<Incoming>) -> Response<Body> {
    let plain = |status, text: String| {
        let mut response = Response::new(body::full(text));
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "404 page not found\n".to_owned());
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, String::new());
    }
    match door.metrics_text() {
        Ok(text) => {
            let mut response = plain(StatusCode::OK, text);
            let kind = HeaderValue::from_static(TEXT_FORMAT);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(error) => {
            tracing::error!(error = %error, "the metrics cannot be written");
            plain(StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
    }
}
