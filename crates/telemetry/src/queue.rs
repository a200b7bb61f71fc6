//! A bounded queue and the task that empties it.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::endpoint::Endpoint;
use crate::post::{Sent, post};

/// So much waits for a collector; beyond it, what comes is lost.
const WAITING: usize = 4096;
/// Nor more than so many bytes of it: whoever has long names does not fill the memory.
const WAITING_BYTES: usize = 8 * 1024 * 1024;
/// So much goes in one request.
const BATCH: usize = 512;
/// A batch is sent when it is full, or this old.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often a batch is tried, and how long after the first failure; twice as long after each other.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// What waits to be sent.
pub(crate) struct Queue<T> {
    sender: Sender<T>,
    length: fn(&T) -> usize,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
    closing: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

struct Worker<T, E> {
    signal: &'static str,
    endpoint: Endpoint,
    encode: E,
    receiver: Receiver<T>,
    length: fn(&T) -> usize,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
    closing: watch::Receiver<bool>,
    /// Whether the last batch was taken; said once when it changes.
    good: bool,
}

impl<T: Send + Sync + 'static> Queue<T> {
    pub(crate) fn start(
        signal: &'static str,
        endpoint: Endpoint,
        length: fn(&T) -> usize,
        encode: impl Fn(&[T]) -> Vec<u8> + Send + 'static,
    ) -> Arc<Self> {
        let (sender, receiver) = channel(WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let lost = Arc::new(AtomicU64::new(0));
        let closing = watch::Sender::new(false);
        let worker = Worker {
            signal,
            endpoint,
            encode,
            receiver,
            length,
            waiting: Arc::clone(&waiting),
            lost: Arc::clone(&lost),
            closing: closing.subscribe(),
            good: true,
        };
        Arc::new(Self {
            sender,
            length,
            waiting,
            lost,
            closing,
            task: Mutex::new(Some(tokio::spawn(worker.run()))),
        })
    }

    /// Hands something in; never waits.
    pub(crate) fn add(&self, item: T) {
        let length = (self.length)(&item);
        let before = self.waiting.fetch_add(length, Ordering::Relaxed);
        let fits = before.saturating_add(length) <= WAITING_BYTES;
        if !fits || self.sender.try_send(item).is_err() {
            self.waiting.fetch_sub(length, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Sends what waits, each batch once.
    pub(crate) async fn close(&self) {
        self.closing.send_replace(true);
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(error = %error, "the task that sends telemetry broke");
        }
    }
}

impl<T: Send + Sync + 'static, E: Fn(&[T]) -> Vec<u8>> Worker<T, E> {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let closing = self.fill(&mut batch).await;
            if !batch.is_empty() {
                self.deliver(&batch).await;
                let length = batch.iter().map(self.length).sum();
                self.waiting.fetch_sub(length, Ordering::Relaxed);
                batch.clear();
            } else if closing {
                return;
            }
        }
    }

    /// Waits for a batch; says whether this is the end.
    async fn fill(&mut self, batch: &mut Vec<T>) -> bool {
        let room = BATCH - batch.len();
        let closing = tokio::select! {
            biased;
            count = self.receiver.recv_many(batch, room) => count == 0,
            _ = self.closing.wait_for(|closing| *closing) => true,
        };
        let more = async {
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                if self.receiver.recv_many(batch, room).await == 0 {
                    return;
                }
            }
        };
        let mut end = self.closing.clone();
        tokio::select! {
            biased;
            () = more => {}
            _ = end.wait_for(|closing| *closing) => {}
            () = tokio::time::sleep(PATIENCE) => {}
        }
        closing
    }

    async fn deliver(&mut self, batch: &[T]) {
        let body = bytes::Bytes::from((self.encode)(batch));
        let mut pause = PAUSE;
        for attempt in 1..=TRIES {
            match post(&self.endpoint, body.clone()).await {
                Ok(Sent::Taken) => return self.note(true, ""),
                Ok(Sent::Refused(status)) => {
                    self.note(false, &format!("it answered {status}"));
                    break;
                }
                Err(error) => self.note(false, &error.to_string()),
            }
            if attempt == TRIES || *self.closing.borrow() {
                break;
            }
            let mut end = self.closing.clone();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = end.wait_for(|closing| *closing) => {}
            }
            pause *= 2;
        }
        self.lost.fetch_add(batch.len() as u64, Ordering::Relaxed);
    }

    /// Says once that the collector has gone, and once that it is back.
    fn note(&mut self, good: bool, why: &str) {
        let changed = std::mem::replace(&mut self.good, good) != good;
        let collector = self.endpoint.authority.as_str();
        match (changed, good) {
            (true, false) => tracing::warn!(
                signal = self.signal,
                collector,
                why,
                "THE COLLECTOR TAKES NO TELEMETRY; the audit file has every record"
            ),
            (true, true) => {
                let lost = self.lost.load(Ordering::Relaxed);
                tracing::info!(
                    signal = self.signal,
                    collector,
                    lost,
                    "the collector is back"
                );
            }
            (false, _) => {}
        }
    }
}
