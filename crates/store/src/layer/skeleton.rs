//! The skeleton of a tar stream: everything but the contents of files that the diff has.
//!
//! A zstd stream of segments, numbers little-endian:
//!
//! ```text
//! 0x00  length u32  bytes              headers, padding, everything else
//! 0x01  sequence u32  size u64  path length u16  path     contents of a file
//! ```
//!
//! The contents are in `shadow/<sequence>` if that exists, else in `diff/<path>`.

use std::fs::File;
use std::io::{self, Read, Write as _};

use zstd::stream::read::Decoder;
use zstd::stream::write::Encoder;

/// One segment, as read back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Raw(Vec<u8>),
    File {
        sequence: u32,
        size: u64,
        path: Vec<u8>,
    },
}

/// Writes a skeleton.
pub(crate) struct SkeletonWriter {
    encoder: Encoder<'static, File>,
    pending: Vec<u8>,
    next: u32,
}

impl SkeletonWriter {
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let encoder = Encoder::new(file, LEVEL)?;
        Ok(Self {
            encoder,
            pending: Vec::with_capacity(CHUNK),
            next: 0,
        })
    }

    /// Appends bytes of the stream.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        for part in bytes.chunks(CHUNK) {
            if self.pending.len() + part.len() > CHUNK {
                self.flush()?;
            }
            self.pending.extend_from_slice(part);
        }
        Ok(())
    }

    /// Notes that `size` bytes of the stream are the contents of `path`; returns the sequence
    /// number under which they can be shadowed.
    pub(crate) fn file(&mut self, path: &[u8], size: u64) -> io::Result<u32> {
        self.flush()?;
        let sequence = self.next;
        self.next += 1;
        let length = u16::try_from(path.len()).map_err(io::Error::other)?;
        self.encoder.write_all(&[FILE])?;
        self.encoder.write_all(&sequence.to_le_bytes())?;
        self.encoder.write_all(&size.to_le_bytes())?;
        self.encoder.write_all(&length.to_le_bytes())?;
        self.encoder.write_all(path)?;
        Ok(sequence)
    }

    /// Writes what is pending and ends the compressed stream.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.encoder.finish().map(drop)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(self.pending.len()).map_err(io::Error::other)?;
        self.encoder.write_all(&[RAW])?;
        self.encoder.write_all(&length.to_le_bytes())?;
        self.encoder.write_all(&self.pending)?;
        self.pending.clear();
        Ok(())
    }
}

/// Reads a skeleton.
pub(crate) struct SkeletonReader<R: Read> {
    decoder: Decoder<'static, io::BufReader<R>>,
}

impl<R: Read> SkeletonReader<R> {
    pub(crate) fn new(input: R) -> io::Result<Self> {
        Ok(Self {
            decoder: Decoder::new(input)?,
        })
    }

    /// The next segment; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Segment>> {
        let mut tag = [0];
        if self.decoder.read(&mut tag)? == 0 {
            return Ok(None);
        }
        match tag {
            [RAW] => {
                let length = u32::from_le_bytes(self.array()?);
                Ok(Some(Segment::Raw(self.bytes(u64::from(length))?)))
            }
            [FILE] => {
                let sequence = u32::from_le_bytes(self.array()?);
                let size = u64::from_le_bytes(self.array()?);
                let length = u16::from_le_bytes(self.array()?);
                let path = self.bytes(u64::from(length))?;
                Ok(Some(Segment::File {
                    sequence,
                    size,
                    path,
                }))
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut array = [0; N];
        self.decoder.read_exact(&mut array)?;
        Ok(array)
    }

    fn bytes(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&mut self.decoder).take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == length {
            Ok(bytes)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

const RAW: u8 = 0;
const FILE: u8 = 1;
const CHUNK: usize = 64 * 1024;
/// Headers compress twentyfold at any level; the fastest one costs least.
const LEVEL: i32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_come_back_in_order() {
        let path = std::env::temp_dir().join(format!("skeleton-{}", std::process::id()));
        let mut writer = SkeletonWriter::new(File::create(&path).unwrap()).unwrap();
        writer.raw(b"header").unwrap();
        writer.raw(b"more").unwrap();
        assert_eq!(writer.file(b"a/b", 5).unwrap(), 0);
        assert_eq!(writer.file(b"c", u64::MAX).unwrap(), 1);
        writer.raw(&vec![7; 3 * CHUNK]).unwrap();
        writer.finish().unwrap();
        let mut reader = SkeletonReader::new(File::open(&path).unwrap()).unwrap();
        let mut segments = Vec::new();
        while let Some(segment) = reader.next().unwrap() {
            segments.push(segment);
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(segments[0], Segment::Raw(b"headermore".to_vec()));
        assert_eq!(
            segments[1],
            Segment::File {
                sequence: 0,
                size: 5,
                path: b"a/b".to_vec()
            }
        );
        assert_eq!(
            segments[2],
            Segment::File {
                sequence: 1,
                size: u64::MAX,
                path: b"c".to_vec()
            }
        );
        assert_eq!(segments.len(), 6);
    }
}
