//! Compressing a rotated log file.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Makes `file.gz` of `file`; at every moment one of the two is whole.
pub(crate) fn compress(file: &Path) -> io::Result<()> {
    let with = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let (finished, unfinished) = (with(".gz"), with(".gz.tmp"));
    let result = write(file, &unfinished).and_then(|()| {
        fs::rename(&unfinished, &finished)?;
        fs::remove_file(file)
    });
    if result.is_err() {
        // What is left of the attempt; the plain file is still there.
        drop(fs::remove_file(&unfinished));
    }
    result
}

fn write(from: &Path, to: &Path) -> io::Result<()> {
    let mut plain = BufReader::with_capacity(64 << 10, File::open(from)?);
    let out = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o640)
        .open(to)?;
    let mut gzip = GzEncoder::new(out, Compression::fast());
    io::copy(&mut plain, &mut gzip)?;
    gzip.finish()?.sync_data()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_file_becomes_a_compressed_one_of_the_same_text() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log.1");
        let text = "a line\n".repeat(10_000);
        fs::write(&path, &text).unwrap();
        compress(&path).unwrap();
        assert!(!path.exists());
        let packed = File::open(root.path().join("log.1.gz")).unwrap();
        assert!(packed.metadata().unwrap().len() < 2000);
        let mut read = String::new();
        flate2::read::GzDecoder::new(packed)
            .read_to_string(&mut read)
            .unwrap();
        assert_eq!(read, text);
        compress(&path).unwrap_err();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
