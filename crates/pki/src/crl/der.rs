//! A reader of DER that copies nothing: a list of a million entries is walked, not built.

/// What is left of a sequence of values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

/// One value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    /// With tag and length.
    pub(super) whole: &'a [u8],
    pub(super) content: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next value; `None` if it is not whole or its length is not the shortest form.
    pub(super) fn next(&mut self) -> Option<Value<'a>> {
        let (&tag, after) = self.0.split_first()?;
        // Tags of several octets do not occur in what is read here.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, after) = after.split_first()?;
        let (length, after) = if first < 0x80 {
            (usize::from(first), after)
        } else {
            long_length(usize::from(first & 0x7f), after)?
        };
        let content = after.get(..length)?;
        let header = self.0.len() - after.len();
        let (whole, rest) = self.0.split_at_checked(header + length)?;
        self.0 = rest;
        Some(Value {
            tag,
            whole,
            content,
        })
    }

    /// The next value if it has this tag; else nothing is read.
    pub(super) fn next_if(&mut self, tag: u8) -> Option<Value<'a>> {
        (self.0.first() == Some(&tag)).then(|| self.next())?
    }
}

impl<'a> Value<'a> {
    pub(super) fn reader(&self) -> Reader<'a> {
        Reader(self.content)
    }
}

fn long_length(octets: usize, after: &[u8]) -> Option<(usize, &[u8])> {
    if !(1..=4).contains(&octets) {
        return None;
    }
    let (length, after) = after.split_at_checked(octets)?;
    let length = length
        .iter()
        .fold(0_usize, |sum, octet| sum << 8 | usize::from(*octet));
    let shortest = length >= 0x80 && (octets == 1 || length >> (8 * (octets - 1)) != 0);
    shortest.then_some((length, after))
}

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`.
pub(super) const CONTEXT_0: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shortest_form_of_a_length_is_read() {
        let read = |bytes: &[u8]| Reader::new(bytes).next().map(|value| value.content.len());
        assert_eq!(read(&[4, 1, 9]), Some(1));
        assert_eq!(read(&[4, 0x81, 1, 9]), None);
        assert_eq!(read(&[4, 0x82, 0, 0x80]), None);
        assert_eq!(read(&[4, 0x80, 0, 0]), None);
        assert_eq!(read(&[4, 0x85, 0, 0, 0, 0, 1, 9]), None);
        assert_eq!(read(&[4, 2, 9]), None);
        assert_eq!(read(&[0x1f, 1, 9]), None);
        let mut long = vec![4, 0x81, 0x80];
        long.extend([0; 0x80]);
        assert_eq!(read(&long), Some(0x80));
    }
}
