//! Files with holes: where in the file the archive's bytes belong.
//!
//! GNU tar has four ways to say it. The oldest has a header type of its own (`S`) with the map in
//! the header and in blocks behind it; PAX 0.0 and 0.1 have it in records; PAX 1.0 has it at the
//! beginning of the contents.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use tar::{GnuExtSparseHeader, GnuSparseHeader, Header};

use super::meta::number;
use crate::error::LayerError;

/// Offset and length of a part of a file.
pub(crate) type Part = (u64, u64);

/// Which parts of a file an archive has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SparseMap {
    /// Length of the file.
    pub(crate) size: u64,
    /// In the archive's order.
    parts: Vec<Part>,
}

/// What PAX records say about holes.
#[derive(Clone, Debug, Default)]
pub(crate) struct PaxSparse {
    major: Option<u64>,
    minor: Option<u64>,
    count: Option<usize>,
    /// Offsets and lengths in turn.
    numbers: Vec<u64>,
    pub(crate) size: Option<u64>,
    pub(crate) name: Option<Vec<u8>>,
    has_map: bool,
}

/// Where a member's map is.
pub(crate) enum MapPlace {
    /// In the records.
    Records(Vec<Part>),
    /// In front of the contents.
    Contents,
}

impl SparseMap {
    /// A map of `parts` of a file of `size` bytes, of which the archive has `stored`: parts come
    /// in order, lie in the file and are all there.
    pub(crate) fn new(size: u64, parts: Vec<Part>, stored: u64) -> Result<Self, LayerError> {
        let (mut end, mut sum) = (0, 0_u64);
        for (offset, length) in &parts {
            if *offset < end {
                return Err(BAD_MAP);
            }
            end = offset.checked_add(*length).ok_or(BAD_MAP)?;
            // Cannot be more than `end`.
            sum += length;
        }
        if end > size || sum != stored || i64::try_from(size).is_err() {
            return Err(BAD_MAP);
        }
        Ok(Self { size, parts })
    }
}

impl PaxSparse {
    /// Takes the record `GNU.sparse.<key>`.
    pub(crate) fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), LayerError> {
        match key {
            b"major" => self.major = Some(decimal(value)?),
            b"minor" => self.minor = Some(decimal(value)?),
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.size = Some(decimal(value)?),
            b"numblocks" => self.count = usize::try_from(decimal(value)?).ok(),
            b"map" => {
                self.has_map = true;
                let numbers = value.split(|b| *b == b',').map(decimal);
                self.numbers = numbers.collect::<Result<_, _>>()?;
            }
            b"offset" | b"numbytes" => {
                self.has_map = true;
                if self.numbers.len().is_multiple_of(2) != (key == b"offset") {
                    return Err(BAD_MAP);
                }
                self.numbers.push(decimal(value)?);
            }
            _ => {}
        }
        Ok(())
    }

    /// Where the map is; `None` if the file has no holes.
    pub(crate) fn place(&self) -> Result<Option<MapPlace>, LayerError> {
        match (self.major, self.minor) {
            (Some(1), Some(0)) => Ok(Some(MapPlace::Contents)),
            (Some(0), Some(0 | 1)) => self.records().map(Some),
            (None, None) if self.has_map => self.records().map(Some),
            (None, None) => Ok(None),
            _ => Err(LayerError::Tar("a sparse file of an unknown version")),
        }
    }

    fn records(&self) -> Result<MapPlace, LayerError> {
        let parts = pairs(&self.numbers)?;
        match self.count {
            Some(count) if count != parts.len() => Err(BAD_MAP),
            _ => Ok(MapPlace::Records(parts)),
        }
    }
}

/// The map in an old GNU header: what it has, and whether more blocks follow.
pub(crate) fn in_header(header: &Header) -> Result<(u64, Vec<Part>, bool), LayerError> {
    let header = header.as_gnu().ok_or(BAD_MAP)?;
    let mut parts = Vec::new();
    take(&header.sparse, &mut parts)?;
    let size = unsigned(&header.realsize)?;
    Ok((size, parts, header.isextended == [1]))
}

/// The map in a block behind an old GNU header, appended; returns whether one more follows.
pub(crate) fn in_block(block: &[u8], parts: &mut Vec<Part>) -> Result<bool, LayerError> {
    let mut extension = GnuExtSparseHeader::new();
    if block.len() != extension.as_bytes().len() || parts.len() > MAX_PARTS {
        return Err(BAD_MAP);
    }
    extension.as_mut_bytes().copy_from_slice(block);
    take(&extension.sparse, parts)?;
    Ok(extension.isextended == [1])
}

/// Lines of the map in front of contents (PAX 1.0): the first has the number of parts, each of
/// which has a line for its offset and one for its length.
pub(crate) fn lines_in_contents(text: &[u8]) -> Result<usize, LayerError> {
    let count = decimal(text.split(|b| *b == b'\n').next().unwrap_or_default())?;
    let count = usize::try_from(count)
        .ok()
        .filter(|count| *count <= MAX_PARTS);
    Ok(1 + 2 * count.ok_or(BAD_MAP)?)
}

/// The map in front of contents, which `text` has whole.
pub(crate) fn in_contents(text: &[u8]) -> Result<Vec<Part>, LayerError> {
    let numbers = text
        .split(|b| *b == b'\n')
        .take(lines_in_contents(text)?)
        .skip(1);
    pairs(&numbers.map(decimal).collect::<Result<Vec<_>, _>>()?)
}

/// Puts a member's contents where they belong in its file.
pub(crate) struct Contents<'a> {
    file: &'a File,
    /// Parts still to come, and the one being written: where, and how much is left of it.
    parts: std::slice::Iter<'a, Part>,
    at: u64,
    left: u64,
}

impl<'a> Contents<'a> {
    /// Contents of an empty file, which gets its length at once if it has holes.
    pub(crate) fn new(file: &'a File, map: Option<&'a SparseMap>) -> io::Result<Self> {
        let (parts, left) = match map {
            None => ([].iter(), u64::MAX),
            Some(map) => {
                file.set_len(map.size)?;
                (map.parts.iter(), 0)
            }
        };
        Ok(Self {
            file,
            parts,
            at: 0,
            left,
        })
    }

    /// Writes the archive's next bytes.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.left == 0 {
                let part = self.parts.next().ok_or(io::ErrorKind::InvalidData)?;
                (self.at, self.left) = *part;
                continue;
            }
            let most = usize::try_from(self.left).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(most.min(bytes.len()));
            self.file.write_all_at(now, self.at)?;
            self.at += now.len() as u64;
            self.left -= now.len() as u64;
            bytes = later;
        }
        Ok(())
    }
}

fn take(slots: &[GnuSparseHeader], parts: &mut Vec<Part>) -> Result<(), LayerError> {
    for slot in slots.iter().take_while(|slot| slot.numbytes[0] != 0) {
        parts.push((unsigned(&slot.offset)?, unsigned(&slot.numbytes)?));
    }
    Ok(())
}

fn pairs(numbers: &[u64]) -> Result<Vec<Part>, LayerError> {
    let (pairs, rest) = numbers.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs
            .iter()
            .map(|[offset, length]| (*offset, *length))
            .collect())
    } else {
        Err(BAD_MAP)
    }
}

fn unsigned(field: &[u8]) -> Result<u64, LayerError> {
    u64::try_from(number(field)?).map_err(|_negative| BAD_MAP)
}

fn decimal(value: &[u8]) -> Result<u64, LayerError> {
    std::str::from_utf8(value)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or(BAD_MAP)
}

/// More parts than any file has that was not made to be hostile; one takes 16 bytes of memory.
const MAX_PARTS: usize = 1 << 20;
pub(crate) const BAD_MAP: LayerError = LayerError::Tar("a sparse file's map is malformed");
