//! One pass over an image archive, whose members may come in any order.
//!
//! Layers come before the manifest that gives them a meaning, so whatever looks like a layer is
//! unpacked into the scratch folder at once while it is hashed; everything else is metadata and kept
//! in memory, within limits. What turns out not to be needed goes with the scratch folder.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::PathBuf;

use lockgate_types::{Digest, IdMapping};

use super::LoadProgress;
use super::compression::{Compression, decompress, open, read_head, recognise};
use super::hash::Hashing;
use super::pin::Pins;
use super::pump::unpack_and_hash;
use crate::error::{LayerError, LoadError, RefusedMember, StoreError};
use crate::layer::{Entry, Kind, Layer, TarReader, clean_path, digest_of, display, is_header};
use crate::layout::Scratch;

/// What an archive holds.
#[derive(Default)]
pub(crate) struct Archive {
    members: HashMap<String, Member>,
    links: HashMap<String, String>,
}

/// A member of an image archive.
pub(crate) enum Member {
    /// Something small, its digest known.
    Blob { bytes: Vec<u8>, digest: Digest },
    /// A layer that was unpacked or is here already.
    Layer(LayerMember),
    /// Something that would have had to be refused; an error only if it is needed.
    Failed(LayerError),
    /// Neither a layer nor small enough to be metadata.
    TooLarge,
}

/// A layer of an archive.
#[derive(Clone, Debug)]
pub(crate) struct LayerMember {
    /// Digest of the member as it is in the archive.
    pub(crate) blob: Digest,
    /// Digest of the uncompressed tar stream.
    pub(crate) diff_id: Digest,
    /// Where it was unpacked, with what is known of it; `None` if the layer is here already.
    pub(crate) unpacked: Option<(PathBuf, Layer)>,
}

impl Archive {
    /// The member of that name, links followed within the archive.
    pub(crate) fn get(&self, name: &str) -> Result<&Member, LoadError> {
        let missing = || LoadError::MissingMember(display(name.as_bytes()));
        let mut at = normalise(name);
        for _ in 0..MAX_LINKS {
            if let Some(member) = self.members.get(&at) {
                return Ok(member);
            }
            at.clone_from(self.links.get(&at).ok_or_else(missing)?);
        }
        Err(missing())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_ok()
    }

    fn insert(&mut self, name: String, member: Member) -> Result<(), LoadError> {
        match self.members.get(&name) {
            Some(known) if !known.is_same(&member) => Err(LoadError::Duplicate(name)),
            Some(_) => Ok(()),
            None => {
                self.members.insert(name, member);
                Ok(())
            }
        }
    }
}

impl Member {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Blob { digest: a, .. }, Self::Blob { digest: b, .. }) => a == b,
            (Self::Layer(a), Self::Layer(b)) => a.blob == b.blob,
            _ => false,
        }
    }
}

/// Reads archives.
pub(crate) struct Reader<'a> {
    pub(crate) scratch: &'a Scratch,
    pub(crate) pins: &'a mut Pins,
    pub(crate) sink: &'a mut dyn FnMut(LoadProgress),
    /// What may still be kept in memory.
    pub(crate) budget: u64,
}

impl Reader<'_> {
    /// Reads `input` to its end.
    pub(crate) fn read(&mut self, input: impl Read) -> Result<Archive, LoadError> {
        let mut tar = TarReader::new(open(input)?, ());
        let mut archive = Archive::default();
        let mut count = 0;
        while let Some(entry) = tar.next()? {
            count += 1;
            if count > MAX_MEMBERS {
                return Err(LoadError::TooMany("members"));
            }
            let refused = |reason| LayerError::Member {
                path: display(&entry.path),
                reason,
            };
            let path = clean_path(&entry.path).map_err(refused)?;
            let name = String::from_utf8(path).map_err(|_utf8| refused(RefusedMember::BadName))?;
            match entry.kind {
                Kind::Regular => {
                    let member = self.member(&mut tar, &entry, &name, count)?;
                    archive.insert(name, member)?;
                }
                Kind::Symlink => {
                    let target = String::from_utf8_lossy(&entry.link);
                    let base = name.rsplit_once('/').map_or("", |(base, _)| base);
                    archive
                        .links
                        .insert(name.clone(), normalise(&format!("{base}/{target}")));
                }
                Kind::HardLink => {
                    let target = String::from_utf8_lossy(&entry.link);
                    archive.links.insert(name, normalise(&target));
                }
                Kind::Directory => {}
                Kind::Block | Kind::Character | Kind::Fifo | Kind::Unknown => {
                    return Err(refused(RefusedMember::Type).into());
                }
                Kind::Sparse => return Err(refused(RefusedMember::Sparse).into()),
            }
        }
        tar.drain()?;
        Ok(archive)
    }

    fn member<R: Read>(
        &mut self,
        tar: &mut TarReader<R, ()>,
        entry: &Entry,
        name: &str,
        number: u64,
    ) -> Result<Member, LoadError> {
        let mut data = Data {
            tar,
            sink: self.sink,
            id: short_id(name),
            read: 0,
            told: 0,
            total: entry.size,
        };
        let head = read_head(&mut data, HEAD)?;
        let compression = recognise(&head);
        if compression == Compression::None && !is_tar(&head) {
            return blob(head, &mut data, entry.size, &mut self.budget);
        }
        let input = io::Cursor::new(head).chain(data);
        if let (Compression::None, Some(diff_id)) = (compression, digest_in(name))
            && self.pins.pin_existing(&diff_id)
        {
            let blob = Hashing::new(input).finish().map_err(LayerError::Read)?;
            return Ok(Member::Layer(LayerMember {
                blob,
                diff_id: blob,
                unpacked: None,
            }));
        }
        let directory = self.scratch.path().join(number.to_string());
        match layer(input, compression, directory, self.scratch.ids()) {
            Ok(layer) => Ok(Member::Layer(layer)),
            // Our own trouble is an error whatever the manifest says.
            Err(error @ (LayerError::Store(_) | LayerError::Write { .. })) => Err(error.into()),
            Err(error) => Ok(Member::Failed(error)),
        }
    }
}

/// Unpacks one layer, hashing it before and after decompression.
pub(crate) fn layer(
    input: impl Read,
    compression: Compression,
    directory: PathBuf,
    ids: &IdMapping,
) -> Result<LayerMember, LayerError> {
    std::fs::create_dir(&directory).map_err(StoreError::io("create a layer"))?;
    let (diff_id, blob, unpacked) = if compression == Compression::None {
        let (unpacked, digest) = unpack_and_hash(input, directory.clone(), ids.clone())?;
        (digest, digest, unpacked)
    } else {
        let mut blob = Hashing::new(input);
        let tar = decompress(&mut blob, compression)?;
        let (unpacked, diff_id) = unpack_and_hash(tar, directory.clone(), ids.clone())?;
        (diff_id, blob.finish().map_err(LayerError::Read)?, unpacked)
    };
    let layer = Layer {
        diff_id,
        size: unpacked.size,
        tar_size: unpacked.tar_size,
        members: unpacked.members,
        opaque: unpacked.opaque,
    };
    layer.write(&directory)?;
    Ok(LayerMember {
        blob,
        diff_id,
        unpacked: Some((directory, layer)),
    })
}

/// Keeps a member in memory if the budget allows.
fn blob(
    head: Vec<u8>,
    rest: &mut impl Read,
    size: u64,
    budget: &mut u64,
) -> Result<Member, LoadError> {
    let Some(left) = budget.checked_sub(size) else {
        return Ok(Member::TooLarge);
    };
    *budget = left;
    let mut bytes = head;
    rest.read_to_end(&mut bytes).map_err(LayerError::Read)?;
    let digest = digest_of(&bytes);
    Ok(Member::Blob { bytes, digest })
}

/// The contents of the current member; tells how far it is.
struct Data<'a, R> {
    tar: &'a mut TarReader<R, ()>,
    sink: &'a mut dyn FnMut(LoadProgress),
    id: String,
    read: u64,
    told: u64,
    total: u64,
}

impl<R: Read> Read for Data<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.tar.read_data(buffer).map_err(io::Error::other)?;
        self.read += read as u64;
        let is_due = self.read - self.told >= TELL_EVERY || self.read == self.total;
        if read > 0 && is_due && self.read > HEAD as u64 {
            self.told = self.read;
            let (id, current, total) = (self.id.clone(), self.read, self.total);
            (self.sink)(LoadProgress::Layer { id, current, total });
        }
        Ok(read)
    }
}

/// A name within the archive: no `.`, and `..` that stops at the archive's root.
fn normalise(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// An empty layer is nothing but the end mark.
fn is_tar(head: &[u8]) -> bool {
    is_header(head) || (head.len() == HEAD && head.iter().all(|b| *b == 0))
}

/// The digest that a member's name claims: `blobs/sha256/<hex>` or `<hex>.tar`.
pub(crate) fn digest_in(name: &str) -> Option<Digest> {
    let hex = name
        .strip_prefix("blobs/sha256/")
        .or_else(|| name.strip_suffix(".tar"))?;
    Digest::from_hex(hex).ok()
}

/// What people see of the layer while it loads.
fn short_id(name: &str) -> String {
    let base = name
        .strip_suffix("/layer.tar")
        .or_else(|| name.strip_suffix(".tar"))
        .unwrap_or(name);
    base.rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .take(12)
        .collect()
}

/// One tar block.
const HEAD: usize = 512;
const TELL_EVERY: u64 = 512 * 1024;
const MAX_LINKS: usize = 8;
/// An image has some hundred layers at most; an archive of many images stays far below this. The
/// limit keeps the table of names bounded.
const MAX_MEMBERS: u64 = 100_000;
