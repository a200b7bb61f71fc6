//! Who signs a trail: the key, and the head that is kept by it.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Hash;
use super::doubt::Found;
use super::files::beside;
use super::head::{Head, HeadFile};
use super::key::SigningKey;

/// How long after a record its head is signed.
const PAUSE: Duration = Duration::from_millis(10);

/// The key and the head of an ordinary file, and the thread that signs.
#[derive(Debug)]
pub(super) struct Signer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    key: SigningKey,
    /// Held while a line is made and written, so that none is written over by an older one.
    head: Mutex<HeadFile>,
    due: Mutex<Due>,
    changed: Condvar,
}

/// What is to be signed.
#[derive(Debug, Default)]
struct Due {
    last: Option<(u64, Hash)>,
    failed: bool,
    closed: bool,
}

impl Signer {
    pub(super) fn open(path: &Path) -> io::Result<(Self, Found)> {
        let (key_path, head_path) = (beside(path, "key"), beside(path, "head"));
        let head = Head::read(&head_path);
        let file = HeadFile::open(&head_path)?;
        let (key, key_is_new) = match SigningKey::load(&key_path) {
            // Where there is a key there is a head by it: one that is missing was taken away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let begin = |key: &_| {
                    file.sign(key, 0, Hash::NONE)?;
                    file.name(key, 0, Hash::NONE)
                };
                (SigningKey::make(&key_path, begin)?, true)
            }
            loaded => (loaded?, false),
        };
        key.publish(&beside(path, "pub"))?;
        let shared = Arc::new(Shared {
            key,
            head: Mutex::new(file),
            due: Mutex::default(),
            changed: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("audit-signer".to_owned());
        let thread = thread.spawn(move || theirs.sign_what_is_due())?;
        let signer = Self {
            shared,
            thread: Some(thread),
        };
        Ok((signer, Found { key_is_new, head }))
    }

    pub(super) fn key(&self) -> &SigningKey {
        &self.shared.key
    }

    /// Head and public key are where they belong, though somebody removed them.
    pub(super) fn stay_at(&self, path: &Path) -> io::Result<()> {
        let named = beside(path, "head");
        let mut head = lock(&self.shared.head);
        if !head.is_at(&named) {
            *head = HeadFile::open(&named)?;
        }
        drop(head);
        self.key().publish(&beside(path, "pub"))
    }

    /// Writes down that this is the last record, and sees to it that it is signed soon.
    pub(super) fn name(&self, sequence: u64, hash: Hash) -> io::Result<()> {
        let Shared {
            key,
            head,
            due,
            changed,
        } = &*self.shared;
        lock(head).name(key, sequence, hash)?;
        if lock(due).last.replace((sequence, hash)).is_none() {
            changed.notify_one();
        }
        Ok(())
    }

    /// Whether the last signature could be written; it is tried again if not.
    pub(super) fn is_well(&self) -> io::Result<()> {
        if lock(&self.shared.due).failed {
            return self.settle();
        }
        Ok(())
    }

    /// Signs now what is due.
    pub(super) fn settle(&self) -> io::Result<()> {
        self.shared.sign()
    }
}

impl Shared {
    fn sign_what_is_due(&self) {
        loop {
            let idle = |due: &mut Due| (due.last.is_none() || due.failed) && !due.closed;
            let due = self.changed.wait_while(lock(&self.due), idle);
            let due = due.unwrap_or_else(PoisonError::into_inner);
            let gathering = |due: &mut Due| !due.closed;
            let due = self.changed.wait_timeout_while(due, PAUSE, gathering);
            let closed = due.unwrap_or_else(PoisonError::into_inner).0.closed;
            if let Err(error) = self.sign() {
                tracing::error!(%error, "CANNOT SIGN THE HEAD OF THE AUDIT LOG");
            }
            if closed {
                return;
            }
        }
    }

    /// What fails stays due until the next record.
    fn sign(&self) -> io::Result<()> {
        let head = lock(&self.head);
        let Some((sequence, hash)) = lock(&self.due).last.take() else {
            return Ok(());
        };
        let signed = head.sign(&self.key, sequence, hash);
        let mut due = lock(&self.due);
        due.failed = signed.is_err();
        if due.failed {
            due.last.get_or_insert((sequence, hash));
        }
        signed
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        lock(&self.shared.due).closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // All it could say is that it panicked, which it said already.
            thread.join().unwrap_or_default();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
