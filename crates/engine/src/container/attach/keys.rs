//! The keys that detach a client from a terminal.

/// Control-P, Control-Q.
pub(crate) const DEFAULT: [u8; 2] = [16, 17];

/// Parses `ctrl-p,ctrl-q` or `ctrl-x,a`; `None` if a part is no key.
pub(crate) fn parse(text: &str) -> Option<Vec<u8>> {
    text.split(',').map(parse_key).collect()
}

fn parse_key(text: &str) -> Option<u8> {
    if let [byte] = text.as_bytes() {
        return Some(*byte);
    }
    match text.strip_prefix("ctrl-")?.as_bytes() {
        [letter @ b'a'..=b'z'] => Some(letter - b'a' + 1),
        [b'@'] => Some(0),
        [b'['] => Some(27),
        [b'\\'] => Some(28),
        [b']'] => Some(29),
        [b'^'] => Some(30),
        [b'_'] => Some(31),
        _ => None,
    }
}

/// Watches what a client types for the detach keys.
#[derive(Debug)]
pub(crate) struct Scanner {
    keys: Vec<u8>,
    matched: usize,
}

/// What part of the typed bytes goes on to the container.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scanned {
    pub(crate) forward: Vec<u8>,
    pub(crate) detached: bool,
}

impl Scanner {
    pub(crate) fn new(keys: Vec<u8>) -> Self {
        Self { keys, matched: 0 }
    }

    /// Goes through `bytes`. A beginning of the keys is held back until it is clear what it was.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Scanned {
        let mut forward = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if self.keys.get(self.matched) == Some(&byte) {
                self.matched += 1;
                if self.matched == self.keys.len() {
                    self.matched = 0;
                    return Scanned {
                        forward,
                        detached: true,
                    };
                }
                continue;
            }
            forward.extend_from_slice(self.keys.get(..self.matched).unwrap_or_default());
            self.matched = usize::from(self.keys.first() == Some(&byte));
            if self.matched == 0 {
                forward.push(byte);
            }
        }
        Scanned {
            forward,
            detached: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dockers_notation() {
        assert_eq!(parse("ctrl-p,ctrl-q"), Some(DEFAULT.to_vec()));
        assert_eq!(parse("a"), Some(vec![b'a']));
        assert_eq!(parse("ctrl-@,ctrl-["), Some(vec![0, 27]));
        for bad in ["", "ctrl-", "ctrl-P", "ctrl-p,", "abc"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_keys_detach_even_across_writes() {
        let mut scanner = Scanner::new(DEFAULT.to_vec());
        assert_eq!(
            scanner.scan(b"ls\n"),
            Scanned {
                forward: b"ls\n".to_vec(),
                detached: false
            }
        );
        assert_eq!(
            scanner.scan(&[b'x', 16]),
            Scanned {
                forward: b"x".to_vec(),
                detached: false
            }
        );
        assert_eq!(
            scanner.scan(&[17]),
            Scanned {
                forward: vec![],
                detached: true
            }
        );
    }

    #[test]
    fn a_false_start_is_passed_on() {
        let mut scanner = Scanner::new(DEFAULT.to_vec());
        assert_eq!(scanner.scan(&[16, b'a']).forward, [16, b'a']);
        assert_eq!(
            scanner.scan(&[16, 16, 17]),
            Scanned {
                forward: vec![16],
                detached: true
            }
        );
    }
}
