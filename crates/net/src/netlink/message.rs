//! The frame that every netlink message has.
//!
//! ```text
//! length:32 type:16 flags:16 sequence:32 port:32 payload… (padded to 4; native byte order)
//! ```

use std::io;

pub(crate) const REQUEST: u16 = 0x1;
pub(crate) const ACK: u16 = 0x4;
pub(crate) const DUMP: u16 = 0x300;
pub(crate) const REPLACE: u16 = 0x100;
pub(crate) const EXCLUSIVE: u16 = 0x200;
pub(crate) const CREATE: u16 = 0x400;

const ERROR: u16 = 2;
const DONE: u16 = 3;
pub(crate) const HEADER: usize = 16;

/// A message of the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received<'a> {
    pub(crate) kind: u16,
    pub(crate) sequence: u32,
    /// The message with its frame, without padding.
    pub(crate) frame: &'a [u8],
    pub(crate) payload: &'a [u8],
}

/// What a message is for the exchange that it belongs to.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// The answer's contents, or a part of them.
    Content,
    /// The end: of a dump, or of a request that asked for an acknowledgement.
    End(io::Result<()>),
}

impl<'a> Received<'a> {
    /// Splits the first message off; `None` at the end of the bytes.
    pub(crate) fn split(bytes: &'a [u8]) -> io::Result<Option<(Self, &'a [u8])>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let length = u32_at(bytes, 0).map_or(0, |length| length as usize);
        if length < HEADER {
            return Err(malformed());
        }
        let frame = bytes.get(..length).ok_or_else(malformed)?;
        let received = Self {
            kind: u16_at(frame, 4).ok_or_else(malformed)?,
            sequence: u32_at(frame, 8).ok_or_else(malformed)?,
            frame,
            payload: frame.get(HEADER..).unwrap_or_default(),
        };
        Ok(Some((
            received,
            bytes.get(length.next_multiple_of(4)..).unwrap_or_default(),
        )))
    }

    pub(crate) fn meaning(&self) -> Meaning {
        if self.kind != ERROR && self.kind != DONE {
            return Meaning::Content;
        }
        // A dump that ends well may leave the code out.
        let code = u32_at(self.payload, 0).map_or(0, u32::cast_signed);
        Meaning::End(match code {
            0.. => Ok(()),
            _ => Err(io::Error::from_raw_os_error(code.wrapping_neg())),
        })
    }
}

pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes
        .get(offset..offset + 4)?
        .try_into()
        .ok()
        .map(u32::from_ne_bytes)
}

pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes
        .get(offset..offset + 2)?
        .try_into()
        .ok()
        .map(u16::from_ne_bytes)
}

pub(crate) fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed netlink message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_messages_are_errors_not_panics() {
        let whole = [
            &20_u32.to_ne_bytes()[..],
            &ERROR.to_ne_bytes(),
            &[0; 10],
            &(-17_i32).to_ne_bytes(),
        ]
        .concat();
        for length in 1..whole.len() {
            assert!(Received::split(&whole[..length]).is_err(), "{length}");
        }
        let (received, rest) = Received::split(&whole).unwrap().unwrap();
        assert!(rest.is_empty());
        match received.meaning() {
            Meaning::End(Err(error)) => assert_eq!(error.raw_os_error(), Some(17)),
            other => panic!("{other:?}"),
        }
    }
}
