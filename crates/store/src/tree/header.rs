//! Tar headers: ustar, with PAX records for what does not fit.

use std::io::{self, Write};

use rustix::fs::Stat;
use tar::{EntryType, Header};

/// A member about to be written.
pub(super) struct Member<'a> {
    pub(super) kind: EntryType,
    pub(super) path: &'a [u8],
    pub(super) link: &'a [u8],
    pub(super) stat: &'a Stat,
    /// Bytes that follow; none but for regular files.
    pub(super) size: u64,
    pub(super) attributes: &'a [(Vec<u8>, Vec<u8>)],
}

/// Writes the headers of a member; its contents are up to the caller.
pub(super) fn write_member(out: &mut impl Write, member: &Member<'_>) -> io::Result<()> {
    let mut header = Header::new_ustar();
    let mut records = Vec::new();
    let fields = header.as_ustar_mut().ok_or(io::ErrorKind::InvalidData)?;
    place(&mut fields.name, member.path, b"path", &mut records);
    place(&mut fields.linkname, member.link, b"linkpath", &mut records);
    header.set_entry_type(member.kind);
    header.set_mode(member.stat.st_mode & 0o7777);
    header.set_uid(u64::from(member.stat.st_uid));
    header.set_gid(u64::from(member.stat.st_gid));
    header.set_size(member.size);
    // Whole seconds, as the stock daemon's archives have them.
    if let Ok(seconds) = u64::try_from(member.stat.st_mtime) {
        header.set_mtime(seconds);
    } else {
        let text = member.stat.st_mtime.to_string();
        record(&mut records, b"mtime", text.as_bytes());
    }
    if matches!(member.kind, EntryType::Char | EntryType::Block) {
        header.set_device_major(rustix::fs::major(member.stat.st_rdev))?;
        header.set_device_minor(rustix::fs::minor(member.stat.st_rdev))?;
    }
    for (name, value) in member.attributes {
        record(&mut records, &[b"SCHILY.xattr.", &name[..]].concat(), value);
    }
    if !records.is_empty() {
        write_records(out, &records)?;
    }
    header.set_cksum();
    out.write_all(header.as_bytes())
}

/// Fills the last block of contents.
pub(super) fn pad(out: &mut impl Write, size: u64) -> io::Result<()> {
    let rest = usize::try_from(size % BLOCK).unwrap_or_default();
    match rest {
        0 => Ok(()),
        rest => out.write_all(ZEROS.get(rest..).unwrap_or_default()),
    }
}

/// The end of an archive.
pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&ZEROS)?;
    out.write_all(&ZEROS)?;
    out.flush()
}

fn write_records(out: &mut impl Write, records: &[u8]) -> io::Result<()> {
    let mut header = Header::new_ustar();
    if let Some(fields) = header.as_ustar_mut() {
        let name = b"PaxHeaders.0/member";
        for (to, from) in fields.name.iter_mut().zip(name) {
            *to = *from;
        }
    }
    header.set_entry_type(EntryType::XHeader);
    header.set_size(records.len() as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    out.write_all(records)?;
    pad(out, records.len() as u64)
}

/// Puts text into a field, and into a record as well if it is too long for the field.
fn place(field: &mut [u8], text: &[u8], key: &[u8], records: &mut Vec<u8>) {
    if text.len() > field.len() {
        record(records, key, text);
    }
    for (to, from) in field.iter_mut().zip(text) {
        *to = *from;
    }
}

/// `<length> <key>=<value>\n`, where the length counts itself.
fn record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + digits(length) {
        length = rest + digits(length);
    }
    records.extend_from_slice(format!("{length} ").as_bytes());
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

const BLOCK: u64 = 512;
const ZEROS: [u8; 512] = [0; 512];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::TarReader;

    #[test]
    fn records_count_their_own_length() {
        for length in [1, 80, 88, 89, 90, 91, 92, 980, 990, 995, 9990] {
            let mut records = Vec::new();
            record(&mut records, b"path", &vec![b'x'; length]);
            let text = String::from_utf8(records).unwrap();
            let (claimed, _) = text.split_once(' ').unwrap();
            assert_eq!(claimed.parse::<usize>().unwrap(), text.len());
        }
    }

    proptest::proptest! {
        #[test]
        fn every_member_is_read_back_as_it_was_written(
            path in proptest::collection::vec(1_u8..=255, 1..300),
            link in proptest::collection::vec(1_u8..=255, 0..300),
            size in 0_u64..1 << 40,
            id in proptest::prelude::any::<u32>(),
            mtime in -(1_i64 << 40)..1_i64 << 40,
            value in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        ) {
            let mut stat = rustix::fs::stat("/").unwrap();
            (stat.st_uid, stat.st_gid, stat.st_mtime) = (id, id, mtime);
            let attributes = [(b"user.a".to_vec(), value)];
            let member = Member {
                kind: EntryType::Regular, path: &path, link: &link, stat: &stat, size,
                attributes: &attributes,
            };
            let mut bytes = Vec::new();
            write_member(&mut bytes, &member).unwrap();
            let mut reader = TarReader::new(&bytes[..], ());
            let entry = reader.next().unwrap().unwrap();
            proptest::prop_assert_eq!(entry.path, path);
            proptest::prop_assert_eq!(entry.link, link);
            proptest::prop_assert_eq!(entry.size, size);
            proptest::prop_assert_eq!((entry.numbers.uid, entry.numbers.mtime.0), (id, mtime));
            proptest::prop_assert_eq!(entry.attributes, attributes.to_vec());
        }
    }
}
