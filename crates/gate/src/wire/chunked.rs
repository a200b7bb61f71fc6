//! The framing of a chunked body, read as strictly as it is written by every known client.
//!
//! ```text
//! body    = *( size CRLF data CRLF ) "0" CRLF CRLF
//! size    = 1*16 HEXDIG
//! ```
//!
//! Extensions, trailers, blanks and bare line feeds are refused: two readers have disagreed on each
//! of them before, and a request hid in the gap.

use super::head::HeadError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Hex digits so far, and what they say.
    Size {
        digits: u8,
        size: u64,
    },
    SizeLineFeed {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataReturn,
    DataLineFeed,
    LastReturn,
    LastLineFeed,
    Done,
}

/// Finds the end of a chunked body in the bytes that flow by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunked(State);

impl Chunked {
    pub(super) fn new() -> Self {
        Self(State::Size { digits: 0, size: 0 })
    }

    pub(super) fn is_done(self) -> bool {
        self.0 == State::Done
    }

    /// How many of `bytes` belong to the body.
    pub(super) fn accept(&mut self, bytes: &[u8]) -> Result<usize, HeadError> {
        let mut rest = bytes;
        while let Some((byte, tail)) = rest.split_first() {
            if let State::Data { left } = self.0 {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                rest = rest.get(here..).unwrap_or_default();
                let left = left - here as u64;
                self.0 = if left == 0 {
                    State::DataReturn
                } else {
                    State::Data { left }
                };
                continue;
            }
            if self.is_done() {
                break;
            }
            self.0 = self.0.after(*byte).ok_or(HeadError::Chunk)?;
            rest = tail;
        }
        Ok(bytes.len() - rest.len())
    }
}

impl State {
    fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Size { digits: 1.., size }, b'\r') => Self::SizeLineFeed { size },
            (
                Self::Size {
                    digits: digits @ ..16,
                    size,
                },
                _,
            ) => {
                let digit = char::from(byte).to_digit(16)?;
                Self::Size {
                    digits: digits + 1,
                    size: size << 4 | u64::from(digit),
                }
            }
            (Self::SizeLineFeed { size: 0 }, b'\n') => Self::LastReturn,
            (Self::SizeLineFeed { size }, b'\n') => Self::Data { left: size },
            (Self::DataReturn, b'\r') => Self::DataLineFeed,
            (Self::DataLineFeed, b'\n') => Self::Size { digits: 0, size: 0 },
            (Self::LastReturn, b'\r') => Self::LastLineFeed,
            (Self::LastLineFeed, b'\n') => Self::Done,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &[u8]) -> Result<(usize, bool), HeadError> {
        let mut chunked = Chunked::new();
        let taken = chunked.accept(text)?;
        Ok((taken, chunked.is_done()))
    }

    #[test]
    fn a_body_ends_where_it_says() {
        let body = b"4\r\nWiki\r\nA\r\n0123456789\r\n0\r\n\r\n";
        let mut more = body.to_vec();
        more.extend_from_slice(b"GET / HTTP/1.1\r\n");
        assert_eq!(whole(body), Ok((body.len(), true)));
        assert_eq!(whole(&more), Ok((body.len(), true)));
        let mut byte_by_byte = Chunked::new();
        for byte in body {
            assert_eq!(byte_by_byte.accept(&[*byte]), Ok(1));
        }
        assert!(byte_by_byte.is_done());
    }

    // T: CVE-2025-22871, CVE-2025-55315
    #[test]
    fn what_two_readers_might_read_differently_is_refused() {
        let odd: [&[u8]; 11] = [
            b"4\nWiki\r\n",
            b"4\r\nWiki\n",
            b"4;ext=1\r\nWiki\r\n",
            b"4 \r\nWiki\r\n",
            b" 4\r\nWiki\r\n",
            b"0x4\r\nWiki\r\n",
            b"+4\r\nWiki\r\n",
            b"\r\nWiki\r\n",
            b"4\r\nWikis\r\n",
            b"0\r\nTrailer: x\r\n\r\n",
            b"00000000000000004\r\nWiki\r\n",
        ];
        for text in odd {
            assert_eq!(
                whole(text),
                Err(HeadError::Chunk),
                "{}",
                text.escape_ascii()
            );
        }
    }
}
