//! Docker's framing of stdout and stderr: `[stream, 0, 0, 0, length as u32be] payload`.

use std::io;

/// Where a payload belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Out,
    Err,
    /// The daemon's own last words.
    System,
}

/// Takes bytes in any portions, gives payloads out.
#[derive(Debug, Default)]
pub(super) struct Demultiplexer {
    head: [u8; 8],
    /// How much of the head is there.
    filled: usize,
    /// How much of the payload is still to come.
    left: usize,
}

impl Demultiplexer {
    /// Feeds bytes; `sink` gets every payload, or a part of one, in order.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut sink: impl FnMut(Target, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.left == 0 {
                bytes = self.take_head(bytes);
                if self.filled < self.head.len() {
                    return Ok(());
                }
                self.left = payload_length(self.head)?;
                if self.left == 0 {
                    self.filled = 0;
                }
                continue;
            }
            let (part, rest) = bytes.split_at(bytes.len().min(self.left));
            sink(target(self.head[0])?, part)?;
            self.left -= part.len();
            if self.left == 0 {
                self.filled = 0;
            }
            bytes = rest;
        }
        Ok(())
    }

    fn take_head<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let missing = self.head.len() - self.filled;
        let (part, rest) = bytes.split_at(bytes.len().min(missing));
        for (slot, byte) in self.head.iter_mut().skip(self.filled).zip(part) {
            *slot = *byte;
        }
        self.filled += part.len();
        rest
    }

    /// Whether the stream may end here.
    pub(super) fn is_at_boundary(&self) -> bool {
        self.left == 0 && self.filled == 0
    }
}

fn payload_length(head: [u8; 8]) -> io::Result<usize> {
    target(head[0])?;
    let [_, _, _, _, a, b, c, d] = head;
    usize::try_from(u32::from_be_bytes([a, b, c, d])).map_err(io::Error::other)
}

fn target(stream: u8) -> io::Result<Target> {
    match stream {
        // Stream 0 is stdin echoed back, which docker shows as stdout.
        0 | 1 => Ok(Target::Out),
        2 => Ok(Target::Err),
        3 => Ok(Target::System),
        other => {
            let text = format!("unrecognized input header: {other}");
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(bytes: &[u8], portion: usize) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let mut demultiplexer = Demultiplexer::default();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        for part in bytes.chunks(portion) {
            demultiplexer.feed(part, |target, payload| {
                match target {
                    Target::Out => out.extend_from_slice(payload),
                    Target::Err | Target::System => err.extend_from_slice(payload),
                }
                Ok(())
            })?;
        }
        Ok((out, err))
    }

    #[test]
    fn portions_do_not_matter() {
        let bytes = b"\x01\0\0\0\0\0\0\x05hello\x02\0\0\0\0\0\0\x01!\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x01.";
        for portion in 1..bytes.len() {
            assert_eq!(
                split(bytes, portion).unwrap(),
                (b"hello.".to_vec(), b"!".to_vec())
            );
        }
    }

    #[test]
    fn what_is_not_framed_is_refused() {
        let error = split(b"plain text", 4).unwrap_err();
        assert_eq!(error.to_string(), "unrecognized input header: 112");
    }
}
