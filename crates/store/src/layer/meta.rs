//! Numbers, PAX records and attributes of tar headers.

use tar::Header;

use super::sparse::PaxSparse;
use crate::error::LayerError;

/// The numeric fields of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Seconds and nanoseconds since 1970.
    pub(crate) mtime: (i64, u32),
    pub(crate) device: (u32, u32),
}

/// Numbers that PAX records override.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PaxNumbers {
    size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    mtime: Option<(i64, u32)>,
}

/// What a PAX extended header says that matters here.
#[derive(Clone, Debug, Default)]
pub(crate) struct PaxFields {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) link: Option<Vec<u8>>,
    pub(crate) numbers: PaxNumbers,
    pub(crate) attributes: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) sparse: PaxSparse,
}

impl Numbers {
    pub(crate) fn apply(&mut self, pax: &PaxNumbers) {
        self.size = pax.size.unwrap_or(self.size);
        self.uid = pax.uid.unwrap_or(self.uid);
        self.gid = pax.gid.unwrap_or(self.gid);
        self.mtime = pax.mtime.unwrap_or(self.mtime);
    }
}

/// The numbers of a header block.
pub(crate) fn header_numbers(header: &Header) -> Result<Numbers, LayerError> {
    let old = header.as_old();
    let device = match (header.as_ustar(), header.as_gnu()) {
        (Some(ustar), _) => (id(&ustar.dev_major)?, id(&ustar.dev_minor)?),
        (None, Some(gnu)) => (id(&gnu.dev_major)?, id(&gnu.dev_minor)?),
        (None, None) => (0, 0),
    };
    let size = u64::try_from(number(&old.size)?).map_err(|_negative| MALFORMED)?;
    Ok(Numbers {
        size,
        mode: id(&old.mode)? & 0o7777,
        uid: id(&old.uid)?,
        gid: id(&old.gid)?,
        mtime: (number(&old.mtime)?, 0),
        device,
    })
}

/// Parses PAX records, `<length> <key>=<value>\n`; the length counts the whole record.
pub(crate) fn pax_fields(mut records: &[u8]) -> Result<PaxFields, LayerError> {
    let mut fields = PaxFields::default();
    while !records.is_empty() {
        let (key, value, rest) = pax_record(records).ok_or(BAD_PAX)?;
        fields.set(key, value)?;
        records = rest;
    }
    Ok(fields)
}

impl PaxFields {
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), LayerError> {
        if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
            self.attributes.retain(|(known, _)| known != name);
            self.attributes.push((name.to_vec(), value.to_vec()));
            return Ok(());
        }
        if value.is_empty() {
            return Ok(());
        }
        if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
            return self.sparse.set(key, value);
        }
        match key {
            b"path" => self.path = Some(without_nul(value)?),
            b"linkpath" => self.link = Some(without_nul(value)?),
            b"size" => self.numbers.size = Some(decimal(value)?),
            b"uid" => self.numbers.uid = Some(decimal(value)?),
            b"gid" => self.numbers.gid = Some(decimal(value)?),
            b"mtime" => self.numbers.mtime = Some(time(value)?),
            _ => {}
        }
        Ok(())
    }
}

/// A header number: octal text, or base 256 if the top bit is set; blank means zero.
pub(crate) fn number(field: &[u8]) -> Result<i64, LayerError> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => base256(field),
        _ => {
            let text = field
                .split(|b| *b == 0)
                .next()
                .unwrap_or_default()
                .trim_ascii();
            let text = std::str::from_utf8(text).map_err(|_utf8| MALFORMED)?;
            if text.is_empty() {
                return Ok(0);
            }
            i64::from_str_radix(text, 8)
                .ok()
                .filter(|_| !text.starts_with(['+', '-']))
                .ok_or(MALFORMED)
        }
    }
}

/// Two's complement, big-endian, of which the first bit is the mark and the second the sign.
fn base256(field: &[u8]) -> Result<i64, LayerError> {
    let negative = field.first().is_some_and(|first| first & 0x40 != 0);
    let mut value: i64 = if negative { -1 } else { 0 };
    for (at, byte) in field.iter().enumerate() {
        let byte = match (at, negative) {
            (0, true) => byte | 0x80,
            (0, false) => byte & 0x7f,
            _ => *byte,
        };
        value = value.checked_mul(256).ok_or(MALFORMED)? | i64::from(byte);
    }
    Ok(value)
}

fn id(field: &[u8]) -> Result<u32, LayerError> {
    u32::try_from(number(field)?).map_err(|_range| MALFORMED)
}

fn pax_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = records.iter().take(20).position(|b| *b == b' ')?;
    let length: usize = decimal(records.get(..blank)?).ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let body = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|b| *b == b'=').filter(|at| *at > 0)?;
    Some((body.get(..equals)?, body.get(equals + 1..)?, rest))
}

fn without_nul(value: &[u8]) -> Result<Vec<u8>, LayerError> {
    if value.contains(&0) {
        Err(BAD_PAX)
    } else {
        Ok(value.to_vec())
    }
}

fn decimal<N: std::str::FromStr>(value: &[u8]) -> Result<N, LayerError> {
    std::str::from_utf8(value)
        .ok()
        .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or(BAD_PAX)
}

/// `[-]seconds[.fraction]`.
fn time(value: &[u8]) -> Result<(i64, u32), LayerError> {
    let (negative, value) = match value.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let point = value.iter().position(|b| *b == b'.').unwrap_or(value.len());
    let seconds: i64 = decimal(value.get(..point).unwrap_or_default())?;
    let digits = value.get(point + 1..).unwrap_or_default();
    let mut padded = [b'0'; 9];
    for (to, from) in padded.iter_mut().zip(digits) {
        *to = *from;
    }
    let nanos: u32 = decimal(&padded)?;
    match (negative, nanos) {
        (false, _) => Ok((seconds, nanos)),
        (true, 0) => Ok((-seconds, 0)),
        (true, _) => Ok((-seconds - 1, 1_000_000_000 - nanos)),
    }
}

const MALFORMED: LayerError = LayerError::Tar("a header has a malformed number");
const BAD_PAX: LayerError = LayerError::Tar("a PAX record is malformed");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_octal_blank_and_base256_numbers() {
        assert_eq!(number(b"0000644\0").unwrap(), 0o644);
        assert_eq!(number(b"   644 \0").unwrap(), 0o644);
        assert_eq!(number(b"\0\0\0\0").unwrap(), 0);
        assert_eq!(number(&[0x80, 0, 0, 1, 0]).unwrap(), 256);
        assert_eq!(number(&[0xff; 12]).unwrap(), -1);
        number(b"0000648\0").unwrap_err();
        number(b"-1\0").unwrap_err();
        number(&[0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).unwrap_err();
    }

    #[test]
    fn pax_values_may_hold_newlines_and_equal_signs() {
        let fields = pax_fields(b"28 SCHILY.xattr.user.a=\n=b\n\n12 path=a/b\n").unwrap();
        assert_eq!(
            fields.attributes,
            [(b"user.a".to_vec(), b"\n=b\n".to_vec())]
        );
        assert_eq!(fields.path.as_deref(), Some(&b"a/b"[..]));
    }

    #[test]
    fn refuses_pax_records_that_lie_about_their_length() {
        for bad in [
            &b"99 path=a\n"[..],
            b"5 path=a\n",
            b"x path=a\n",
            b"11 path=a/b",
            b"3 =\n",
        ] {
            assert!(pax_fields(bad).is_err(), "{bad:?}");
        }
        pax_fields(b"10 size=-1\n").unwrap_err();
        pax_fields(b"28 size=18446744073709551616\n").unwrap_err();
    }

    #[test]
    fn times_before_1970_keep_their_fraction() {
        assert_eq!(time(b"12.5").unwrap(), (12, 500_000_000));
        assert_eq!(time(b"-1.25").unwrap(), (-2, 750_000_000));
        assert_eq!(time(b"7").unwrap(), (7, 0));
        time(b"1.x").unwrap_err();
    }
}
