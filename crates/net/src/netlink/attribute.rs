//! Netlink attributes: `length:16 type:16 value…`, padded to four bytes.

use super::message::u16_at;

/// Attributes in the making.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<u8>);

impl Attributes {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        // Callers keep values below 64 KiB; a longer one would be refused by the kernel.
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    pub(super) fn text(self, kind: u16, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.bytes(kind, &bytes)
    }

    pub(super) fn nested(self, kind: u16, inner: &Self) -> Self {
        self.bytes(kind | NESTED, &inner.0)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The value of the first attribute of that kind.
pub(super) fn find(mut bytes: &[u8], kind: u16) -> Option<&[u8]> {
    while let (Some(length), Some(found)) = (u16_at(bytes, 0), u16_at(bytes, 2)) {
        let length = usize::from(length);
        if found & !FLAGS == kind {
            return bytes.get(4..length);
        }
        if length < 4 {
            return None;
        }
        bytes = bytes.get(length.next_multiple_of(4)..)?;
    }
    None
}

const NESTED: u16 = 0x8000;
const FLAGS: u16 = 0xc000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_behind_others() {
        let bytes = Attributes::new()
            .text(1, "filter")
            .nested(4, &Attributes::new().bytes(9, &[1]))
            .bytes(5, &[0, 0, 0, 1]);
        assert_eq!(find(bytes.as_bytes(), 5), Some(&[0, 0, 0, 1][..]));
        assert_eq!(
            find(bytes.as_bytes(), 4).and_then(|inner| find(inner, 9)),
            Some(&[1][..])
        );
        assert_eq!(find(bytes.as_bytes(), 6), None);
    }

    #[test]
    fn malformed_attributes_end_the_search() {
        for bytes in [&[0, 0, 0, 0][..], &[3, 0, 1, 0], &[200, 0, 1, 0, 1], &[1]] {
            assert_eq!(find(bytes, 5), None);
        }
    }
}
