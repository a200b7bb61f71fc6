//! Bytes as the inside of a JSON string, the way Docker writes it.

/// Appends `text` escaped. What is no UTF-8 becomes U+FFFD, a byte at a time; `<`, `>`, `&` and the line
/// separators U+2028 and U+2029 are escaped, as Go does for HTML's sake.
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest
            .iter()
            .position(|b| !PLAIN[usize::from(*b)])
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(plain);
        out.extend_from_slice(run);
        let Some(&byte) = after.first() else { return };
        rest = if byte < 0x80 {
            escape_ascii(byte, out);
            after.get(1..).unwrap_or(&[])
        } else {
            escape_wide(after, out)
        };
    }
}

fn escape_ascii(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => out.extend([b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        _ => {
            let digit = |n: u8| HEX[usize::from(n & 15)];
            out.extend_from_slice(b"\\u00");
            out.extend([digit(byte >> 4), digit(byte)]);
        }
    }
}

/// One character that is not ASCII, at the start of `text`; returns what follows it.
fn escape_wide<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let window = text.get(..4).unwrap_or(text);
    let valid = match std::str::from_utf8(window) {
        Ok(valid) => valid,
        Err(error) => {
            let valid = window.get(..error.valid_up_to()).unwrap_or(&[]);
            std::str::from_utf8(valid).unwrap_or("")
        }
    };
    let (length, special) = match valid.chars().next() {
        Some('\u{2028}') => (3, Some(&b"\\u2028"[..])),
        Some('\u{2029}') => (3, Some(&b"\\u2029"[..])),
        Some(letter) => (letter.len_utf8(), None),
        None => (1, Some(&b"\\ufffd"[..])),
    };
    let (letter, rest) = text.split_at(length.min(text.len()));
    out.extend_from_slice(special.unwrap_or(letter));
    rest
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Bytes that stand for themselves.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x20_u8;
    while byte < 0x80 {
        plain[byte as usize] = !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&');
        byte += 1;
    }
    plain
};
