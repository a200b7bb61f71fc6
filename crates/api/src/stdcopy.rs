//! The framing of output streams without a terminal.
//!
//! ```text
//! [ stream, 0, 0, 0, length as u32 big-endian ] payload      stream: 1 output, 2 errors
//! ```

/// Which stream a frame belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The length of a frame's header.
pub const HEADER: usize = 8;

/// Longer frames come from nobody that means well; the stock daemon writes at most 32 KiB.
pub const MAX_PAYLOAD: usize = 16 * 1024 * 1024;

/// The header of a frame. Payloads beyond `u32` do not occur: buffers are smaller.
pub fn header(stream: Stream, length: usize) -> [u8; HEADER] {
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let kind = match stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    };
    [kind, 0, 0, 0, a, b, c, d]
}

/// One whole frame.
pub fn frame(stream: Stream, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend_from_slice(&header(stream, payload.len()));
    frame.extend_from_slice(payload);
    frame
}

/// Takes frames out of a byte stream that arrives in pieces; payloads are handed on as they come.
#[derive(Debug, Default)]
pub struct Decoder {
    header: Vec<u8>,
    current: Option<(Stream, usize)>,
}

/// Bytes that are no frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StdcopyError {
    /// Neither 1 nor 2 (nor 0, input echoed) at the beginning.
    #[error("unrecognized stream: {0}")]
    Stream(u8),
    /// A frame longer than [`MAX_PAYLOAD`].
    #[error("frame of {0} bytes")]
    Length(usize),
}

impl Decoder {
    /// Hands every piece of payload in `bytes` to `sink`.
    pub fn decode(
        &mut self,
        mut bytes: &[u8],
        mut sink: impl FnMut(Stream, &[u8]),
    ) -> Result<(), StdcopyError> {
        while !bytes.is_empty() {
            if let Some((stream, left)) = self.current.take() {
                let (payload, rest) = bytes.split_at(left.min(bytes.len()));
                sink(stream, payload);
                self.current = Some((stream, left - payload.len())).filter(|(_, left)| *left > 0);
                bytes = rest;
                continue;
            }
            let (part, rest) = bytes.split_at((HEADER - self.header.len()).min(bytes.len()));
            self.header.extend_from_slice(part);
            bytes = rest;
            if self.header.len() == HEADER {
                self.current = Some(parse(&self.header)?).filter(|(_, left)| *left > 0);
                self.header.clear();
            }
        }
        Ok(())
    }

    /// Whether the stream may end here.
    pub fn is_between_frames(&self) -> bool {
        self.header.is_empty() && self.current.is_none()
    }
}

fn parse(header: &[u8]) -> Result<(Stream, usize), StdcopyError> {
    let (kind, length) = match header {
        [kind, _, _, _, a, b, c, d] => (*kind, u32::from_be_bytes([*a, *b, *c, *d])),
        _ => (u8::MAX, 0),
    };
    let stream = match kind {
        0 | 1 => Stream::Stdout,
        2 => Stream::Stderr,
        other => return Err(StdcopyError::Stream(other)),
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_PAYLOAD {
        return Err(StdcopyError::Length(length));
    }
    Ok((stream, length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frame_is_a_header_and_the_payload() {
        assert_eq!(frame(Stream::Stdout, b"hi\n"), b"\x01\0\0\0\0\0\0\x03hi\n");
        assert_eq!(
            header(Stream::Stderr, 0x0102_0304),
            [2, 0, 0, 0, 1, 2, 3, 4]
        );
    }

    #[test]
    fn noise_is_refused() {
        let decode = |bytes: &[u8]| Decoder::default().decode(bytes, |_, _| ());
        assert_eq!(decode(b"\x03\0\0\0\0\0\0\0"), Err(StdcopyError::Stream(3)));
        assert_eq!(
            decode(&[1, 0, 0, 0, 255, 255, 255, 255]),
            Err(StdcopyError::Length(0xffff_ffff))
        );
    }

    proptest! {
        #[test]
        fn frames_survive_any_division(
            frames in proptest::collection::vec((any::<bool>(), ".{0,9}"), 0..8),
            step in 1_usize..12,
        ) {
            let stream = |is_error: bool| if is_error { Stream::Stderr } else { Stream::Stdout };
            let mut bytes = Vec::new();
            let (mut expected, mut found) = ([String::new(), String::new()], [Vec::new(), Vec::new()]);
            for (is_error, text) in &frames {
                bytes.extend(frame(stream(*is_error), text.as_bytes()));
                expected[usize::from(*is_error)].push_str(text);
            }
            let mut decoder = Decoder::default();
            for piece in bytes.chunks(step) {
                decoder.decode(piece, |stream, payload| {
                    found[usize::from(stream == Stream::Stderr)].extend_from_slice(payload);
                }).unwrap();
            }
            prop_assert!(decoder.is_between_frames());
            prop_assert_eq!(found.map(|bytes| String::from_utf8(bytes).unwrap()), expected);
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let decoded = Decoder::default().decode(&bytes, |_, _| ());
            prop_assert!(decoded.is_ok() || !bytes.is_empty());
        }
    }
}
