//! Reading tar streams member by member, with every byte accounted for.
//!
//! The `tar` crate knows the fields of a header; the framing is done here, because a layer must
//! come out again byte for byte (so raw bytes are needed, padding and trailer included), and because
//! sizes, names and types are to be understood exactly as the reference engine understands them:
//! a PAX `size` wins over the header's, and types without contents have none whatever they claim.

mod holes;

use std::io::{self, Read};

use tar::{EntryType, Header};

use super::meta::{Numbers, PaxFields, header_numbers, pax_fields};
use super::sparse::SparseMap;
use crate::error::LayerError;

/// Receives every byte of the stream that is not read through [`TarReader::read_data`].
pub(crate) trait Tap {
    fn raw(&mut self, bytes: &[u8]) -> io::Result<()>;
}

impl Tap for () {
    fn raw(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Block,
    Character,
    Directory,
    Fifo,
    HardLink,
    Regular,
    Sparse,
    Symlink,
    Unknown,
}

/// A member's header, extensions applied.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) path: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) size: u64,
    pub(crate) numbers: Numbers,
    pub(crate) attributes: Vec<(Vec<u8>, Vec<u8>)>,
    /// What the contents that the stream has are parts of, in a sparse file.
    pub(crate) sparse: Option<SparseMap>,
}

/// A tar stream.
pub(crate) struct TarReader<R, T> {
    input: R,
    pub(crate) tap: T,
    remaining: u64,
    padding: u64,
    position: u64,
    ended: bool,
}

impl<R: Read, T: Tap> TarReader<R, T> {
    pub(crate) fn new(input: R, tap: T) -> Self {
        Self {
            input,
            tap,
            remaining: 0,
            padding: 0,
            position: 0,
            ended: false,
        }
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn into_parts(self) -> (R, T) {
        (self.input, self.tap)
    }

    /// The next member; what was left of the one before is skipped. `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, LayerError> {
        self.skip_member()?;
        let mut extensions = Extensions::default();
        while let Some(header) = self.header()? {
            let kind = header.entry_type();
            let size = header_numbers(&header)?.size;
            match kind {
                EntryType::XHeader => extensions.pax = pax_fields(&self.extension(size)?)?,
                EntryType::GNULongName => extensions.name = Some(text(self.extension(size)?)),
                EntryType::GNULongLink => extensions.link = Some(text(self.extension(size)?)),
                EntryType::XGlobalHeader => drop(self.extension(size)?),
                _ => return self.entry(&header, extensions).map(Some),
            }
        }
        Ok(None)
    }

    /// Reads contents of the current member; 0 at their end.
    pub(crate) fn read_data(&mut self, buffer: &mut [u8]) -> Result<usize, LayerError> {
        let wanted = usize::try_from(self.remaining)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(buffer) = buffer.get_mut(..wanted).filter(|part| !part.is_empty()) else {
            return Ok(0);
        };
        let read = self.fill(buffer)?;
        if read == 0 {
            return Err(LayerError::Truncated);
        }
        self.remaining -= read as u64;
        Ok(read)
    }

    /// Reads to the end of the stream, whatever is there.
    pub(crate) fn drain(&mut self) -> Result<(), LayerError> {
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = self.fill(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            self.tap
                .raw(buffer.get(..read).unwrap_or_default())
                .map_err(LayerError::Read)?;
        }
    }

    fn entry(&mut self, header: &Header, extensions: Extensions) -> Result<Entry, LayerError> {
        let Extensions { pax, name, link } = extensions;
        let mut numbers = header_numbers(header)?;
        let mut path = pax
            .sparse
            .name
            .clone()
            .or(pax.path)
            .or(name)
            .unwrap_or_else(|| header.path_bytes().into_owned());
        let link = pax
            .link
            .or(link)
            .or_else(|| header.link_name_bytes().map(Into::into));
        numbers.apply(&pax.numbers);
        let kind = kind_of(header, &path);
        let size = match kind {
            Kind::Regular | Kind::Sparse | Kind::Unknown => numbers.size,
            Kind::Block
            | Kind::Character
            | Kind::Directory
            | Kind::Fifo
            | Kind::HardLink
            | Kind::Symlink => 0,
        };
        if let Some(nul) = path.iter().position(|b| *b == 0) {
            path.truncate(nul);
        }
        self.remaining = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        let sparse = self.sparse_map(header, kind, &pax.sparse)?;
        Ok(Entry {
            kind: sparse.as_ref().map_or(kind, |_map| Kind::Sparse),
            path,
            link: link.unwrap_or_default(),
            size: sparse.as_ref().map_or(size, |map| map.size),
            numbers,
            attributes: pax.attributes,
            sparse,
        })
    }

    /// The next header; `None` at the end mark or at the end of the stream.
    fn header(&mut self) -> Result<Option<Header>, LayerError> {
        if self.ended {
            return Ok(None);
        }
        let mut header = Header::new_old();
        if !self.block(header.as_mut_bytes())? {
            self.ended = true;
            return Ok(None);
        }
        if is_zero(header.as_bytes()) {
            let mut second = [0; BLOCK];
            self.ended = true;
            if self.block(&mut second)? && !is_zero(&second) {
                return Err(LayerError::Tar("a lone zero block"));
            }
            return Ok(None);
        }
        if is_checksum_right(&header) {
            Ok(Some(header))
        } else {
            Err(LayerError::Tar("a header's checksum is wrong"))
        }
    }

    /// Reads a whole block; false at the end of the stream.
    fn block(&mut self, block: &mut [u8]) -> Result<bool, LayerError> {
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.fill(rest)? {
                0 if filled == 0 => return Ok(false),
                0 => return Err(LayerError::Truncated),
                read => filled += read,
            }
        }
        self.tap.raw(block).map_err(LayerError::Read)?;
        Ok(true)
    }

    /// The contents of an extension header.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, LayerError> {
        if size > MAX_EXTENSION {
            return Err(LayerError::Tar("an extension header is too large"));
        }
        let padded = size.next_multiple_of(BLOCK as u64);
        let mut bytes = vec![0; usize::try_from(padded).unwrap_or(0)];
        if !bytes.is_empty() && !self.block(&mut bytes)? {
            return Err(LayerError::Truncated);
        }
        bytes.truncate(usize::try_from(size).unwrap_or(0));
        Ok(bytes)
    }

    fn skip_member(&mut self) -> Result<(), LayerError> {
        let mut left = self.remaining + self.padding;
        let at_padding_only = self.remaining == 0;
        (self.remaining, self.padding) = (0, 0);
        let mut small = [0; BLOCK];
        let mut large = Vec::new();
        let buffer: &mut [u8] = if at_padding_only {
            &mut small
        } else {
            large.resize(CHUNK, 0);
            &mut large
        };
        while left > 0 {
            let wanted = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            let Some(part) = buffer.get_mut(..wanted) else {
                break;
            };
            let read = self.fill(part)?;
            if read == 0 {
                return Err(LayerError::Truncated);
            }
            self.tap
                .raw(part.get(..read).unwrap_or_default())
                .map_err(LayerError::Read)?;
            left -= read as u64;
        }
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, LayerError> {
        loop {
            match self.input.read(buffer) {
                Ok(read) => {
                    self.position += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LayerError::Read(error)),
            }
        }
    }
}

/// Whether `block` could be the first of a tar stream: a header with a right checksum.
pub(crate) fn is_header(block: &[u8]) -> bool {
    match <&[u8; BLOCK]>::try_from(block) {
        Ok(block) => !is_zero(block) && is_checksum_right(Header::from_byte_slice(block)),
        Err(_) => false,
    }
}

#[derive(Default)]
struct Extensions {
    pax: PaxFields,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

fn kind_of(header: &Header, path: &[u8]) -> Kind {
    // Archives from before POSIX mark directories by a slash alone.
    if header.as_old().linkflag == [0] && path.ends_with(b"/") {
        return Kind::Directory;
    }
    match header.entry_type() {
        EntryType::Regular | EntryType::Continuous => Kind::Regular,
        EntryType::Link => Kind::HardLink,
        EntryType::Symlink => Kind::Symlink,
        EntryType::Char => Kind::Character,
        EntryType::Block => Kind::Block,
        EntryType::Directory => Kind::Directory,
        EntryType::Fifo => Kind::Fifo,
        EntryType::GNUSparse => Kind::Sparse,
        _ => Kind::Unknown,
    }
}

/// A GNU long name ends at its NUL.
fn text(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(nul) = bytes.iter().position(|b| *b == 0) {
        bytes.truncate(nul);
    }
    bytes
}

/// The checksum is the sum of the header's bytes with the checksum taken as blanks; very old
/// writers summed signed bytes.
fn is_checksum_right(header: &Header) -> bool {
    let Ok(claimed) = super::meta::number(&header.as_old().cksum) else {
        return false;
    };
    let mut unsigned = 0_i64;
    let mut signed = 0_i64;
    for (at, byte) in header.as_bytes().iter().enumerate() {
        let byte = if (148..156).contains(&at) {
            b' '
        } else {
            *byte
        };
        unsigned += i64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    claimed == unsigned || claimed == signed
}

fn is_zero(block: &[u8]) -> bool {
    block.iter().all(|b| *b == 0)
}

pub(crate) const BLOCK: usize = 512;
const CHUNK: usize = 64 * 1024;
/// Long names and extended attributes (at most 64 KiB each in Linux) live in extension headers;
/// the reference engine reads at most one mebibyte as well.
const MAX_EXTENSION: u64 = 1024 * 1024;
