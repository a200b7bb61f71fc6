//! The images of the measurement.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::OnceLock;

use anyhow::Result;
use lockgate_testkit::{busybox_layer, docker_archive};
use serde_json::json;

use crate::engine::Engine;

/// Loads `busybox:latest`.
pub(crate) fn load_busybox(engine: &Engine) -> Result<()> {
    let config = json!({ "Cmd": ["sh"], "Env": ["PATH=/bin"] });
    let archive = docker_archive(
        &["docker.io/library/busybox:latest"],
        &config,
        &[busybox_layer()],
    );
    engine
        .client()?
        .call(
            "POST",
            "/images/load?quiet=1",
            &archive,
            "application/x-tar",
        )
        .map(drop)
}

/// An archive of 141 MiB with 6,080 files of mixed sizes and bytes that do not compress to nothing.
pub(crate) fn big_archive() -> &'static [u8] {
    static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let config = json!({ "Cmd": ["sh"] });
        docker_archive(&["docker.io/library/big:latest"], &config, &[big_layer()])
    })
}

/// A plain archive of one file of zeros, made once: `size` is always the same.
pub(crate) fn file_archive(name: &str, size: usize) -> &'static [u8] {
    static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let mut tar = tar::Builder::new(Vec::with_capacity(size + 4096));
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(size as u64);
        // Writing into memory does not fail.
        drop(tar.append_data(&mut header, name, io::repeat(0).take(size as u64)));
        tar.into_inner().unwrap_or_default()
    })
}

fn big_layer() -> Vec<u8> {
    const FILES: u64 = 6080;
    const TOTAL: u64 = 141 << 20;
    let mut tar = tar::Builder::new(Vec::new());
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for number in 0..FILES {
        // Sizes from 0.2 to 1.8 times the mean: many small ones, some large.
        let size = TOTAL / FILES * (1 + number % 9) / 5;
        let mut data = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 8);
        while (data.len() as u64) < size {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            data.extend_from_slice(&(random & 0x3F3F_3F3F_3F3F_3F3F).to_le_bytes());
        }
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(data.len() as u64);
        let name = format!("usr/share/d{}/f{number}", number % 200);
        // Writing into memory does not fail.
        drop(tar.append_data(&mut header, Path::new(&name), data.as_slice()));
    }
    tar.into_inner().unwrap_or_default()
}
