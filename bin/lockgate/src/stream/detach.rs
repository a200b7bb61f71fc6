//! The keys that leave a container without stopping it.

/// What to do with typed bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Send these.
    Send(Vec<u8>),
    /// The sequence is complete; send these first.
    Detach(Vec<u8>),
}

/// Looks for the sequence in what is typed. Bytes of a sequence that is not finished are held
/// back, and sent after all when something else follows.
#[derive(Debug)]
pub(super) struct DetachKeys {
    keys: Vec<u8>,
    matched: usize,
}

impl DetachKeys {
    /// An empty sequence never matches.
    pub(super) fn new(keys: Vec<u8>) -> Self {
        Self { keys, matched: 0 }
    }

    /// Takes what was typed.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Typed {
        if self.keys.is_empty() {
            return Typed::Send(bytes.to_vec());
        }
        let mut send = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if self.keys.get(self.matched) == Some(byte) {
                self.matched += 1;
                if self.matched == self.keys.len() {
                    self.matched = 0;
                    return Typed::Detach(send);
                }
                continue;
            }
            send.extend(self.keys.iter().take(self.matched));
            self.matched = 0;
            if self.keys.first() == Some(byte) {
                self.matched = 1;
            } else {
                send.push(*byte);
            }
        }
        Typed::Send(send)
    }
}

/// Reads `ctrl-p,ctrl-q`.
pub(crate) fn parse_keys(text: &str) -> Result<Vec<u8>, String> {
    text.split(',')
        .map(|key| parse_key(key).ok_or_else(|| invalid(text, key)))
        .collect()
}

fn invalid(text: &str, key: &str) -> String {
    format!("invalid detach keys ({text}): Unknown character: '{key}'")
}

fn parse_key(key: &str) -> Option<u8> {
    let single = |text: &str| match text.as_bytes() {
        [byte] => Some(*byte),
        _ => None,
    };
    let Some(control) = key.strip_prefix("ctrl-") else {
        return single(key);
    };
    match single(control)? {
        letter @ b'a'..=b'z' => Some(letter - b'a' + 1),
        b'@' => Some(0),
        b'[' => Some(27),
        b'\\' => Some(28),
        b']' => Some(29),
        b'^' => Some(30),
        b'_' => Some(31),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_letters_or_control_characters() {
        assert_eq!(parse_keys("ctrl-p,ctrl-q"), Ok(vec![16, 17]));
        assert_eq!(parse_keys("a,ctrl-@,ctrl-["), Ok(vec![b'a', 0, 27]));
        parse_keys("ctrl-").unwrap_err();
        parse_keys("ab").unwrap_err();
    }

    #[test]
    fn the_sequence_is_found_across_reads() {
        let mut keys = DetachKeys::new(vec![16, 17]);
        assert_eq!(keys.feed(b"ab\x10"), Typed::Send(b"ab".to_vec()));
        assert_eq!(keys.feed(b"\x11cd"), Typed::Detach(Vec::new()));
    }

    #[test]
    fn an_unfinished_sequence_is_sent_after_all() {
        let mut keys = DetachKeys::new(vec![16, 17]);
        assert_eq!(keys.feed(b"\x10"), Typed::Send(Vec::new()));
        assert_eq!(keys.feed(b"x"), Typed::Send(b"\x10x".to_vec()));
        assert_eq!(keys.feed(b"\x10\x10\x11"), Typed::Detach(b"\x10".to_vec()));
    }
}
