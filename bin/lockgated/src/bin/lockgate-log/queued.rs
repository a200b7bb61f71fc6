//! Delivery that nobody waits for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use lockgate_runtime::protocol::LogRecord;

use crate::target::Target;

/// A target with a thread of its own. Records queue up for it; once as many wait as may, a new one is lost.
pub(crate) struct Queued {
    records: Option<Sender<LogRecord>>,
    waiting: Arc<AtomicUsize>,
    limit: usize,
    thread: Option<JoinHandle<()>>,
}

impl Queued {
    pub(crate) fn new(mut target: impl Target + Send + 'static, limit: usize) -> Self {
        let (records, queue) = channel::<LogRecord>();
        let waiting = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&waiting);
        let thread = std::thread::spawn(move || {
            for record in queue {
                if let Err(error) = target.send(&record) {
                    crate::note(&error);
                }
                count.fetch_sub(1, Ordering::AcqRel);
            }
            if let Err(error) = target.finish() {
                crate::note(&error);
            }
        });
        Self {
            records: Some(records),
            waiting,
            limit,
            thread: Some(thread),
        }
    }
}

impl Target for Queued {
    fn send(&mut self, record: &LogRecord) -> io::Result<()> {
        // Only this thread adds, so the count cannot grow between the two.
        if self.waiting.load(Ordering::Acquire) >= self.limit {
            let text = format!(
                "{} records wait for the log target: a new one is lost",
                self.limit
            );
            return Err(io::Error::other(text));
        }
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let records = self.records.as_ref();
        let sent = records.map(|records| records.send(record.clone()));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.records = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_panic)) => Err(io::Error::other("delivery broke off")),
            Some(Ok(())) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, sync_channel};

    use lockgate_types::Timestamp;

    use super::*;

    /// Takes a record when it is let, and tells of it.
    struct Slow(Receiver<()>, Sender<Vec<u8>>);

    impl Target for Slow {
        fn send(&mut self, record: &LogRecord) -> io::Result<()> {
            self.0.recv().unwrap();
            self.1.send(record.text.clone()).unwrap();
            Ok(())
        }
    }

    fn record(text: &[u8]) -> LogRecord {
        LogRecord {
            is_stderr: false,
            is_partial: false,
            time: Timestamp::ZERO,
            text: text.to_vec(),
        }
    }

    #[test]
    fn records_beyond_the_limit_are_lost_and_the_others_arrive_in_order() {
        let (open, gate) = sync_channel(8);
        let (told, heard) = channel();
        let mut queued = Queued::new(Slow(gate, told), 2);
        queued.send(&record(b"one")).unwrap();
        queued.send(&record(b"two")).unwrap();
        let lost = queued.send(&record(b"three")).unwrap_err();
        assert!(lost.to_string().contains("2 records wait"), "{lost}");
        open.send(()).unwrap();
        assert_eq!(heard.recv().unwrap(), b"one");
        // There is room again once the first is counted off.
        while queued.send(&record(b"four")).is_err() {
            std::thread::yield_now();
        }
        open.send(()).unwrap();
        open.send(()).unwrap();
        queued.finish().unwrap();
        assert_eq!(
            heard.iter().collect::<Vec<_>>(),
            [b"two".to_vec(), b"four".to_vec()]
        );
    }
}
