//! What a stream is compressed with, by its first bytes.

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;
use zstd::stream::read::Decoder;

use crate::error::LayerError;

/// How a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    None,
    Zstd,
}

/// Recognises the compressions that are read, refuses those that are known but not read.
pub(crate) fn recognise(head: &[u8]) -> Result<Compression, LayerError> {
    for (magic, name) in UNSUPPORTED {
        if head.starts_with(magic) {
            return Err(LayerError::Compression(name));
        }
    }
    let is_skippable = matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
    if head.starts_with(&[0x1f, 0x8b]) {
        Ok(Compression::Gzip)
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || is_skippable {
        Ok(Compression::Zstd)
    } else {
        Ok(Compression::None)
    }
}

/// The uncompressed bytes of `input`. Several gzip members or zstd frames are one stream.
pub(crate) fn decompress<'a, R: Read + 'a>(
    input: R,
    compression: Compression,
) -> Result<Box<dyn Read + 'a>, LayerError> {
    Ok(match compression {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(input))),
        Compression::Zstd => {
            let mut decoder = Decoder::new(input).map_err(LayerError::Read)?;
            decoder
                .window_log_max(MAX_WINDOW_LOG)
                .map_err(LayerError::Read)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
    })
}

/// Buffers `input`, looks at its first bytes and undoes the compression.
pub(crate) fn open<'a, R: Read + 'a>(input: R) -> Result<Box<dyn Read + 'a>, LayerError> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let head = read_head(&mut input, HEAD)?;
    let compression = recognise(&head)?;
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

const UNSUPPORTED: [(&[u8], &str); 3] = [
    (b"BZh", "bzip2"),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
    (b"LZIP", "lzip"),
];
const HEAD: usize = 6;
const BUFFER: usize = 256 * 1024;
/// 128 MiB, the most that zstd's own tools take without being told; bounds memory per stream.
const MAX_WINDOW_LOG: u32 = 27;
