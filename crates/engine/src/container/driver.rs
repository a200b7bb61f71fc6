//! The task that owns a container: the only one that changes it.
//!
//! One loop takes what comes, one thing at a time: news from the shim, the end of a stop's patience,
//! the end of a restart's delay, requests. The verbs are in files of their own.

use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use lockgate_runtime::protocol::ShimEvent;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::events;
use super::handle::{Container, Facts, Failure, Order, Request};
use super::health::Monitor;
use super::queue::{Decision, Progress, Queue, Refusal, decide};
use super::record::Record;
use super::state::{Cause, RunState, Status};
use crate::engine::Inner;
use crate::host;
use crate::shim::{Link, LinkEvent};

/// The owner of one container.
pub(crate) struct Driver {
    pub(super) engine: Arc<Inner>,
    pub(super) container: Arc<Container>,
    pub(super) record: Arc<Record>,
    pub(super) state: RunState,
    pub(super) queue: Queue<Request>,
    pub(super) supervisor: Supervisor,
    /// The shim of the last run, until it is known to be gone.
    pub(super) lingering: Option<Link>,
    /// When a stop runs out of patience.
    pub(super) kill_at: Option<Instant>,
    /// When the restart policy starts it again.
    pub(super) restart_at: Option<Instant>,
    /// The last delay of the restart policy.
    pub(super) delay: Duration,
    /// Who probes it while it runs.
    pub(super) monitor: Option<Monitor>,
    pub(super) removed: bool,
    requests: mpsc::Receiver<Request>,
}

/// Who knows how the process is doing.
#[derive(Debug)]
pub(crate) enum Supervisor {
    /// There is no process.
    None,
    /// Its shim.
    Shim(Link),
    /// Its shim is gone; the kernel still tells when it ends.
    Orphan(AsyncFd<OwnedFd>),
}

/// What a supervisor tells.
#[derive(Debug)]
pub(crate) enum News {
    Link(LinkEvent),
    /// The orphaned process has ended.
    OrphanEnded,
}

impl Driver {
    /// A driver for a container in its published state.
    pub(crate) fn new(
        engine: Arc<Inner>,
        container: Arc<Container>,
        requests: mpsc::Receiver<Request>,
        supervisor: Option<Supervisor>,
    ) -> Self {
        let facts = container.facts();
        Self {
            engine,
            record: Arc::clone(&facts.record),
            state: facts.state.clone(),
            container,
            queue: Queue::default(),
            supervisor: supervisor.unwrap_or(Supervisor::None),
            lingering: None,
            kill_at: None,
            restart_at: None,
            delay: Duration::ZERO,
            monitor: None,
            removed: false,
            requests,
        }
    }

    /// Drives the container until it is removed or the engine closes.
    pub(crate) async fn run(mut self) {
        let mut closing = self.engine.closing.subscribe();
        while !self.removed {
            tokio::select! {
                biased;
                news = self.supervisor.next() => self.hear(news).await,
                () = at(self.kill_at) => self.lose_patience().await,
                () = at(self.restart_at) => self.restart_by_policy().await,
                beat = Monitor::next(&mut self.monitor) => self.beat(beat),
                request = self.requests.recv() => match request {
                    Some(request) => self.take(request).await,
                    None => return,
                },
                () = closed(&mut closing) => return,
            }
            while let Some(request) = self.queue.next() {
                self.take(request).await;
            }
        }
    }

    async fn hear(&mut self, news: News) {
        match news {
            News::Link(LinkEvent::Shim(ShimEvent::Exited(exit))) => self.exited(exit).await,
            News::Link(LinkEvent::Shim(ShimEvent::ExecExited { exec, exit_code })) => {
                self.engine.execs.exited(&self.engine, &exec, exit_code);
            }
            News::Link(LinkEvent::Shim(ShimEvent::Oom)) => {
                self.state.oom_killed = true;
                self.publish();
                events::container(&self.engine, &self.record, "oom", []);
            }
            News::Link(LinkEvent::Lost) => self.shim_lost().await,
            News::OrphanEnded => self.orphan_ended().await,
        }
    }

    async fn take(&mut self, request: Request) {
        match decide(
            self.state.status,
            self.queue.progress(),
            request.order.verb(),
        ) {
            Decision::Run => self.carry_out(request).await,
            Decision::Join => {
                if let Order::Stop(order) | Order::Restart(order) = &request.order {
                    self.hurry(*order);
                }
                self.queue.join(request);
            }
            Decision::Wait => self.queue.wait(request),
            Decision::Refuse(refusal) => request.answer(Err(Failure::Refused(refusal))),
        }
    }

    async fn carry_out(&mut self, request: Request) {
        let lives = self.state.status.has_process();
        let answer = match request.order.clone() {
            Order::Start => self.start_on_request().await,
            Order::Stop(order) if lives => return self.stop(order, Progress::Stop, request).await,
            Order::Restart(order) if lives => {
                return self.stop(order, Progress::Restart, request).await;
            }
            Order::Remove(_) if lives => return self.kill_to_remove(request).await,
            Order::Kill(signal) if lives => return self.kill(signal, request).await,
            Order::Stop(_) | Order::Kill(_) => {
                self.cancel_restart();
                Ok(Vec::new())
            }
            Order::Restart(_) => {
                self.restart_at = None;
                let answer = self.start_on_request().await;
                if answer.is_ok() {
                    events::container(&self.engine, &self.record, "restart", []);
                }
                answer
            }
            Order::Remove(options) => self.remove(options).await,
            Order::Rename(name) => self.rename(&name),
            Order::Pause => self.pause().await,
            Order::Resume => self.resume().await,
            Order::Unlink(alias) => self.unlink(&alias),
            Order::Update(query) => self.update(*query).await,
            Order::Connect(order) => self.connect(*order).await,
            Order::Disconnect(order) => self.disconnect(order).await,
        };
        request.answer(answer);
    }

    /// Changes the status as the table says.
    pub(super) fn change(&mut self, cause: Cause) {
        if let Some(status) = self.state.status.after(cause) {
            self.state.status = status;
        } else {
            tracing::error!(
                container = %self.container.id,
                status = self.state.status.as_str(),
                ?cause,
                "an illegal transition, please report it"
            );
        }
    }

    /// Lets everybody see the state.
    pub(super) fn publish(&self) {
        let record = Arc::clone(&self.record);
        self.container.publish(Facts {
            record,
            state: self.state.clone(),
        });
    }

    /// Writes the state to disk, then lets everybody see it.
    pub(super) fn commit(&self) {
        if let Err(error) = self.state.write(&self.container.directory) {
            tracing::error!(container = %self.container.id, %error, "cannot write state.json");
        }
        self.publish();
    }

    /// Answers all requests that waited for the process to end.
    pub(super) fn answer_finished(&mut self, answer: &Result<Vec<String>, Failure>) {
        for request in self.queue.finish() {
            let restarts = matches!(request.order, Order::Restart(_));
            let answer = match answer {
                Ok(_) if restarts && self.removed => Err(Failure::Refused(Refusal::Removing)),
                // A failed start is the answer to who asked for the start alone.
                Err(Failure::Start(_)) if !restarts => Ok(Vec::new()),
                answer => answer.clone(),
            };
            request.answer(answer);
        }
    }

    /// A restart that waits for its time does not come.
    fn cancel_restart(&mut self) {
        self.restart_at = None;
        self.state.manually_stopped = true;
        if self.state.status == Status::Restarting {
            self.change(Cause::Stop);
        }
        self.commit();
        self.container.live(|life| life.restarting = false);
    }
}

impl Request {
    /// Answers; that the asker has gone is no failure.
    pub(super) fn answer(self, answer: Result<Vec<String>, Failure>) {
        drop(self.reply.send(answer));
    }
}

impl Supervisor {
    /// The next news; never any without a process. Safe to drop half way.
    async fn next(&mut self) -> News {
        match self {
            Self::None => pending().await,
            Self::Shim(link) => News::Link(link.next_event().await),
            Self::Orphan(process) => match process.readable().await {
                Ok(_) => News::OrphanEnded,
                Err(error) => {
                    tracing::error!(%error, "cannot watch a process");
                    pending().await
                }
            },
        }
    }

    /// Watches a process whose shim is gone.
    pub(super) fn orphan(process: OwnedFd) -> io::Result<Self> {
        Ok(Self::Orphan(host::watch(process)?))
    }
}

/// Ends when the engine closes.
async fn closed(closing: &mut watch::Receiver<bool>) {
    drop(closing.wait_for(|closing| *closing).await);
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => pending().await,
    }
}
