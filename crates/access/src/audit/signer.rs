//! Who signs a trail: the key, and the head that is kept by it.

use std::io;
use std::path::Path;

use super::Hash;
use super::doubt::Found;
use super::files::beside;
use super::head::{Head, HeadFile};
use super::key::SigningKey;

/// The key and the head of an ordinary file.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) key: SigningKey,
    pub(super) head: HeadFile,
}

impl Signer {
    pub(super) fn open(path: &Path) -> io::Result<(Self, Found)> {
        let (key_path, head_path) = (beside(path, "key"), beside(path, "head"));
        let head = Head::read(&head_path);
        let file = HeadFile::open(&head_path)?;
        let (key, key_is_new) = match SigningKey::load(&key_path) {
            // Where there is a key there is a head by it: one that is missing was taken away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let begin = |key: &_| file.write(&HeadFile::line(key, 0, Hash::NONE));
                (SigningKey::make(&key_path, begin)?, true)
            }
            loaded => (loaded?, false),
        };
        key.publish(&beside(path, "pub"))?;
        let signer = Self { key, head: file };
        Ok((signer, Found { key_is_new, head }))
    }

    /// Head and public key are where they belong, though somebody removed them.
    pub(super) fn stay_at(&mut self, path: &Path) -> io::Result<()> {
        let head = beside(path, "head");
        if !self.head.is_at(&head) {
            self.head = HeadFile::open(&head)?;
        }
        self.key.publish(&beside(path, "pub"))
    }
}
