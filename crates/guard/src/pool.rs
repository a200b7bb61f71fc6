//! Connections to the upstream daemon, kept for the next call.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use lockgate_gate::Body;

use crate::error::GuardError;
use crate::flow::Flow;
use crate::framing;
use crate::line::Line;
use crate::upstream::Upstream;

/// As many as a busy client keeps open. More are made when needed, and closed when done with.
const KEPT: usize = 32;
/// Who a daemon is, is asked when a connection is made: one whose certificate has ended meanwhile, or is
/// signed by nobody who is believed any more, is asked for another.
const KEPT_FOR: Duration = Duration::from_mins(1);

/// Connections to one daemon.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    upstream: Upstream,
    idle: Arc<Idle>,
}

/// Connections that nobody asks anything on.
#[derive(Debug, Default)]
pub(crate) struct Idle(Mutex<Vec<Line>>);

/// Whether a call may be sent a second time if the first one got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Changes,
    Reads,
}

impl Pool {
    pub(crate) fn new(upstream: Upstream) -> Self {
        Self {
            upstream,
            idle: Arc::default(),
        }
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// A kept connection may have been closed meanwhile: what was not sent at all is sent on a
    /// fresh one. What was sent and got no answer is an error, because it may have been acted upon.
    pub(crate) async fn send(
        &self,
        mut request: Request<Body>,
        effect: Effect,
    ) -> Result<Response<Flow>, GuardError> {
        while let Some(mut kept) = self.idle.take() {
            match kept.ask(request).await {
                Ok(response) => return self.flowing(response, kept),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(self.broke_off(effect, error.into_error())),
                },
            }
        }
        let mut fresh = self.connect().await?;
        match fresh.ask(request).await {
            Ok(response) => self.flowing(response, fresh),
            Err(error) => Err(self.broke_off(effect, error.into_error())),
        }
    }

    /// An answer whose end cannot be told ends its connection.
    fn flowing(
        &self,
        response: Response<hyper::body::Incoming>,
        line: Line,
    ) -> Result<Response<Flow>, GuardError> {
        if let Some(what) = framing::ambiguous(response.headers()) {
            return Err(GuardError::Strange {
                upstream: self.upstream.to_string(),
                what,
            });
        }
        Ok(response.map(|body| Flow::new(body, line, Arc::clone(&self.idle))))
    }

    async fn connect(&self) -> Result<Line, GuardError> {
        let socket = self.upstream.connect().await;
        let socket = socket.map_err(|source| GuardError::Unreachable {
            upstream: self.upstream.to_string(),
            source,
        })?;
        let line = Line::new(socket).await;
        line.map_err(|error| self.broke_off(Effect::Reads, error))
    }

    fn broke_off(&self, effect: Effect, source: hyper::Error) -> GuardError {
        if source.is_user() {
            let mut reason: &dyn std::error::Error = &source;
            while let Some(cause) = reason.source() {
                reason = cause;
            }
            return GuardError::Upload {
                reason: reason.to_string(),
            };
        }
        GuardError::BrokeOff {
            upstream: self.upstream.to_string(),
            mutates: effect == Effect::Changes,
            source,
        }
    }
}

impl Idle {
    /// One that the daemon has not closed meanwhile.
    fn take(&self) -> Option<Line> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut line) = all.pop() {
            if line.age() < KEPT_FOR && line.rests() {
                return Some(line);
            }
        }
        None
    }

    /// Keeps a connection whose answer was read to its end. One that became a stream, or that the
    /// daemon or a request that is still on its way holds, is closed.
    pub(crate) fn keep(&self, mut line: Line) {
        if !line.rests() {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < KEPT {
            all.push(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use lockgate_gate::body;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;

    /// Answers each connection's requests with its number.
    async fn answer(listener: UnixListener) {
        for number in 1.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut piece = [0; 4096];
                while socket.read(&mut piece).await.is_ok_and(|count| count > 0) {
                    let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}");
                    socket.write_all(text.as_bytes()).await.unwrap();
                }
            });
        }
    }

    #[tokio::test]
    async fn a_kept_connection_is_used_again_for_a_minute() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("daemon.sock");
        tokio::spawn(answer(UnixListener::bind(&path).unwrap()));
        let pool = Pool::new(Upstream::Unix(path));
        let ask = async || {
            let request = Request::get("/_ping").header("host", "d");
            let request = request.body(body::empty()).unwrap();
            let response = pool.send(request, Effect::Reads).await.unwrap();
            response.into_body().collect().await.unwrap().to_bytes()
        };
        assert_eq!([ask().await, ask().await], ["1", "1"]);
        for (later, number) in [(KEPT_FOR.mul_f32(0.9), "1"), (KEPT_FOR, "2")] {
            tokio::time::pause();
            tokio::time::advance(later).await;
            tokio::time::resume();
            assert_eq!(ask().await, number);
        }
        assert_eq!(ask().await, "2");
    }
}
