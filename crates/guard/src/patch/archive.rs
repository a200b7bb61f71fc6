//! The rules for copying files from and to containers.

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body_util::{BodyExt, BodyStream};
use lockgate_gate::Body;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::engine;
use crate::error::GuardError;
use crate::pool::Pool;

/// What the stock daemon takes for compressed, by its first bytes.
const MAGIC: [&[u8]; 4] = [
    b"\x1f\x8b\x08",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
];
/// As long as the longest of them.
const LONGEST: usize = 6;

/// A compressed body was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compressed;

/// Looks at the first bytes of a body and gives the whole of it back if it is not compressed. A
/// body that breaks off is passed on broken, for the upstream to refuse.
pub(super) async fn plain(mut body: Body) -> Result<Body, Compressed> {
    let mut start = BytesMut::new();
    let mut frames = Vec::new();
    while start.len() < LONGEST {
        let Some(frame) = body.frame().await else {
            break;
        };
        if let Ok(frame) = &frame
            && let Some(data) = frame.data_ref()
        {
            start.extend_from_slice(data.get(..data.len().min(LONGEST)).unwrap_or_default());
        }
        let is_end = frame.is_err();
        frames.push(frame);
        if is_end {
            break;
        }
    }
    if is_compressed(&start.freeze()) {
        return Err(Compressed);
    }
    let rest = BodyStream::new(body);
    let whole = futures_util::StreamExt::chain(stream::iter(frames), rest);
    Ok(http_body_util::StreamBody::new(whole).boxed_unsync())
}

fn is_compressed(start: &Bytes) -> bool {
    // zstd also has skippable frames, 0x184D2A50 to 0x184D2A5F, little endian.
    let skippable = matches!(start.get(..4), Some([0x50..=0x5f, 0x2a, 0x4d, 0x18]));
    skippable || MAGIC.iter().any(|magic| start.starts_with(magic))
}

/// Whether processes of the container could move its mount points meanwhile. A container that does
/// not exist is for the upstream to tell.
pub(super) async fn may_race(pool: &Pool, container: &str) -> Result<bool, GuardError> {
    let name = utf8_percent_encode(container, NON_ALPHANUMERIC);
    let (status, answer) = engine::ask(pool, &format!("/containers/{name}/json")).await?;
    if status == 404 {
        return Ok(false);
    }
    let Some(answer) = answer else {
        return Ok(true);
    };
    let is = |pointer: &str| answer.pointer(pointer).and_then(Value::as_bool);
    let runs = is("/State/Running").unwrap_or(true) && !is("/State/Paused").unwrap_or(false);
    let mounts = answer.get("Mounts").and_then(Value::as_array);
    Ok(runs && mounts.is_none_or(|mounts| !mounts.is_empty()))
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use lockgate_gate::body;

    use super::*;

    async fn through(pieces: &[&'static [u8]]) -> Result<Bytes, Compressed> {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|piece| Ok(Bytes::from_static(piece)))
            .collect();
        let body = plain(body::stream(stream::iter(pieces))).await?;
        Ok(body.collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn a_plain_archive_comes_back_whole() {
        assert_eq!(
            through(&[b"some", b"file", b" and more"]).await.unwrap(),
            "somefile and more"
        );
        assert_eq!(through(&[b"abc"]).await.unwrap(), "abc");
        assert_eq!(through(&[]).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_compressed_archive_is_seen_in_whatever_pieces_it_comes() {
        for magic in MAGIC {
            assert_eq!(through(&[magic, b"rest"]).await, Err(Compressed));
            let (first, rest) = magic.split_at(1);
            assert_eq!(through(&[first, rest, b"rest"]).await, Err(Compressed));
        }
        assert_eq!(
            through(&[b"\x5f\x2a\x4d\x18", b"rest"]).await,
            Err(Compressed)
        );
    }
}
