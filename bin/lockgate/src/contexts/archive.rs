//! The archive that `docker context export` makes: `meta.json`, and `tls/<endpoint>/<file>`.
//!
//! It comes from somebody else: its size is bounded, and a path that is not one of these is refused.

use std::io::{self, Read};

use serde_json::Value;
use tar::{Archive, Builder, EntryType, Header};

use super::{Stored, TlsFile};

/// Docker's limit as well.
const ARCHIVE_MAX: u64 = 10 << 20;
/// More files than this no context has.
const FILES_MAX: usize = 64;

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("{0}: unexpected context file")]
    Path(String),
    #[error("invalid context: no metadata found")]
    NoMetadata,
    #[error("invalid context: {0}")]
    Metadata(String),
    #[error("cannot import a zip archive: unpack it and pack it again with `tar -cf`")]
    Zip,
    #[error("this is no archive that `docker context export` makes")]
    NotTar,
    #[error("it holds more than {FILES_MAX} files")]
    Files,
    #[error("{}", crate::config::go_error(.0))]
    Read(#[from] io::Error),
}

impl Stored {
    /// The context as an archive.
    pub(crate) fn to_archive(&self) -> io::Result<Vec<u8>> {
        let mut tar = Builder::new(Vec::new());
        let meta = self.meta.to_string();
        append(
            &mut tar,
            "meta.json",
            EntryType::Regular,
            0o644,
            meta.as_bytes(),
        )?;
        append(&mut tar, "tls", EntryType::Directory, 0o700, &[])?;
        let mut last = None;
        for file in &self.tls {
            if last != Some(&file.endpoint) {
                let folder = format!("tls/{}", file.endpoint);
                append(&mut tar, &folder, EntryType::Directory, 0o700, &[])?;
                last = Some(&file.endpoint);
            }
            let path = format!("tls/{}/{}", file.endpoint, file.name);
            append(&mut tar, &path, EntryType::Regular, 0o600, &file.bytes)?;
        }
        tar.into_inner()
    }

    /// The context in an archive.
    pub(crate) fn from_archive(from: impl Read) -> Result<Self, ArchiveError> {
        let mut bytes = Vec::new();
        from.take(ARCHIVE_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > ARCHIVE_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge).into());
        }
        if bytes.starts_with(b"PK\x03\x04") {
            return Err(ArchiveError::Zip);
        }
        // docker leaves out the end of the archive, and of its last block.
        bytes.resize(bytes.len() + 1024, 0);
        let (mut meta, mut tls) = (None, Vec::new());
        for (count, entry) in Archive::new(bytes.as_slice()).entries()?.enumerate() {
            // The library's words repeat bytes of the file.
            let mut entry = entry.map_err(|_malformed| ArchiveError::NotTar)?;
            if count >= FILES_MAX {
                return Err(ArchiveError::Files);
            }
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            match place(&path, entry.header().entry_type())? {
                Place::Folder => {}
                Place::Meta => meta = Some(metadata(&mut entry)?),
                Place::Tls { endpoint, name } => {
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes)?;
                    tls.push(TlsFile {
                        endpoint,
                        name,
                        bytes,
                    });
                }
            }
        }
        let meta = meta.ok_or(ArchiveError::NoMetadata)?;
        Ok(Self { meta, tls })
    }
}

fn append(
    tar: &mut Builder<Vec<u8>>,
    path: &str,
    kind: EntryType,
    mode: u32,
    bytes: &[u8],
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, path, bytes)
}

enum Place {
    Folder,
    Meta,
    Tls { endpoint: String, name: String },
}

fn place(path: &str, kind: EntryType) -> Result<Place, ArchiveError> {
    let refused = || Err(ArchiveError::Path(path.to_owned()));
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let is_name = |part: &str| {
        let good = |c: char| c.is_ascii_alphanumeric() || "_.+-".contains(c);
        !part.is_empty() && part != "." && part != ".." && part.chars().all(good)
    };
    if !parts.iter().all(|part| is_name(part)) {
        return refused();
    }
    match (parts.as_slice(), kind) {
        (["tls"] | ["tls", _], EntryType::Directory) => Ok(Place::Folder),
        (["meta.json"], EntryType::Regular) => Ok(Place::Meta),
        (["tls", endpoint, name], EntryType::Regular) => Ok(Place::Tls {
            endpoint: (*endpoint).to_owned(),
            name: (*name).to_owned(),
        }),
        _ => refused(),
    }
}

fn metadata(entry: &mut impl Read) -> Result<Value, ArchiveError> {
    let meta: Value = serde_json::from_reader(entry)
        .map_err(|error| ArchiveError::Metadata(error.to_string()))?;
    let has_endpoint = meta.get("Endpoints").is_some_and(Value::is_object);
    if has_endpoint {
        Ok(meta)
    } else {
        Err(ArchiveError::Metadata("it has no endpoints".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Stored {
        Stored {
            meta: serde_json::json!({"Name": "n", "Endpoints": {"docker": {"Host": "tcp://h:1"}}}),
            tls: vec![TlsFile {
                endpoint: "docker".to_owned(),
                name: "ca.pem".to_owned(),
                bytes: b"PEM".to_vec(),
            }],
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let archive = stored().to_archive().unwrap();
        assert_eq!(Stored::from_archive(archive.as_slice()).unwrap(), stored());
        let cut = archive.len() - 1024 - (512 - "PEM".len());
        assert_eq!(Stored::from_archive(&archive[..cut]).unwrap(), stored());
    }

    #[test]
    fn paths_that_lead_out_and_links_are_refused() {
        for (path, kind) in [
            ("../meta.json", EntryType::Regular),
            ("/tls/docker/ca.pem", EntryType::Regular),
            ("tls/../../x/y", EntryType::Regular),
            ("tls/docker/../ca.pem", EntryType::Regular),
            ("tls/docker/ca.pem", EntryType::Symlink),
            ("meta.json", EntryType::Link),
            ("tls/a/b/c", EntryType::Regular),
            ("other", EntryType::Regular),
        ] {
            assert!(place(path, kind).is_err(), "{path}");
        }
    }

    #[test]
    fn an_archive_beyond_the_limits_is_refused() {
        let big = vec![0; usize::try_from(ARCHIVE_MAX).unwrap() + 1];
        Stored::from_archive(big.as_slice()).unwrap_err();
        let mut many = stored();
        many.tls = (0..FILES_MAX)
            .map(|n| TlsFile {
                name: format!("{n}.pem"),
                ..many.tls[0].clone()
            })
            .collect();
        let archive = many.to_archive().unwrap();
        let error = Stored::from_archive(archive.as_slice()).unwrap_err();
        assert!(matches!(error, ArchiveError::Files));
        assert!(matches!(
            Stored::from_archive(&b"PK\x03\x04"[..]),
            Err(ArchiveError::Zip)
        ));
        assert!(matches!(
            Stored::from_archive(&[][..]),
            Err(ArchiveError::NoMetadata)
        ));
    }
}
