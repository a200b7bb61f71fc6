//! What a stream is compressed with, by its first bytes.

use std::io::{self, BufReader, Read};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use zstd::stream::read::Decoder;

use crate::error::LayerError;

/// How a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Bzip2,
    Gzip,
    None,
    Xz,
    Zstd,
}

/// Recognises the compressions that the reference engine reads.
pub(crate) fn recognise(head: &[u8]) -> Compression {
    match head {
        [b'B', b'Z', b'h', ..] => Compression::Bzip2,
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
        // The second is that of a frame to be skipped, which may come first.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

/// The uncompressed bytes of `input`. Several members, streams or frames in a row are one stream.
/// Everything is decompressed in this process, never by a program, which a container could have
/// brought (`CVE-2026-41567`), and in bounded memory: bzip2 and gzip need little, xz and zstd what
/// the stream asks for.
pub(crate) fn decompress<'a, R: Read + 'a>(
    input: R,
    compression: Compression,
) -> Result<Box<dyn Read + 'a>, LayerError> {
    Ok(match compression {
        Compression::None => Box::new(input),
        Compression::Bzip2 => buffered(MultiBzDecoder::new(input)),
        Compression::Gzip => buffered(MultiGzDecoder::new(input)),
        Compression::Xz => buffered(XzReader::new_mem_limit(
            BufReader::with_capacity(BUFFER, input),
            true,
            MAX_XZ_KIB,
        )),
        Compression::Zstd => {
            let mut decoder = Decoder::new(input).map_err(LayerError::Read)?;
            decoder
                .window_log_max(MAX_WINDOW_LOG)
                .map_err(LayerError::Read)?;
            buffered(decoder)
        }
    })
}

/// Buffers `input`, looks at its first bytes and undoes the compression.
pub(crate) fn open<'a, R: Read + 'a>(input: R) -> Result<Box<dyn Read + 'a>, LayerError> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let head = read_head(&mut input, HEAD)?;
    let compression = recognise(&head);
    decompress(io::Cursor::new(head).chain(input), compression)
}

/// Up to `length` bytes, fewer only at the end of the stream.
pub(crate) fn read_head(input: &mut impl Read, length: usize) -> Result<Vec<u8>, LayerError> {
    let mut head = Vec::with_capacity(length);
    input
        .take(length as u64)
        .read_to_end(&mut head)
        .map_err(LayerError::Read)?;
    Ok(head)
}

fn buffered<'a>(decoder: impl Read + 'a) -> Box<dyn Read + 'a> {
    Box::new(BufReader::with_capacity(BUFFER, decoder))
}

const HEAD: usize = 6;
const BUFFER: usize = 256 * 1024;
/// 128 MiB, the most that zstd's own tools take without being told; bounds memory per stream.
const MAX_WINDOW_LOG: u32 = 27;
/// As much, and what the decoder needs besides its dictionary; `xz -9` makes one of 64 MiB.
const MAX_XZ_KIB: u32 = 128 * 1024 + 1024;
