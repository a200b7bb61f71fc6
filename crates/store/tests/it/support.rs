//! Archives made by hand, byte by byte, so that they can lie.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use lockgate_store::{LoadError, LoadProgress, Loaded, Store};
use lockgate_types::Digest;
use serde_json::json;

/// A member of a tar archive.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: u8,
    pub(crate) data: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: u64,
    pub(crate) device: (u32, u32),
    /// What the header says, if not the truth.
    pub(crate) size: Option<u64>,
    pub(crate) pax: Vec<(String, Vec<u8>)>,
}

impl Member {
    pub(crate) fn new(name: &str, kind: u8) -> Self {
        Self {
            name: name.into(),
            kind,
            data: Vec::new(),
            link: Vec::new(),
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: 1_600_000_000,
            device: (0, 0),
            size: None,
            pax: Vec::new(),
        }
    }

    pub(crate) fn file(name: &str, data: impl AsRef<[u8]>) -> Self {
        Self {
            data: data.as_ref().to_vec(),
            ..Self::new(name, b'0')
        }
    }

    pub(crate) fn dir(name: &str) -> Self {
        Self {
            mode: 0o755,
            ..Self::new(name, b'5')
        }
    }

    pub(crate) fn symlink(name: &str, target: &str) -> Self {
        Self {
            link: target.into(),
            mode: 0o777,
            ..Self::new(name, b'2')
        }
    }

    pub(crate) fn hard_link(name: &str, target: &str) -> Self {
        Self {
            link: target.into(),
            ..Self::new(name, b'1')
        }
    }

    pub(crate) fn device(name: &str, kind: u8, major: u32, minor: u32) -> Self {
        Self {
            device: (major, minor),
            ..Self::new(name, kind)
        }
    }

    pub(crate) fn attribute(mut self, name: &str, value: &[u8]) -> Self {
        self.pax
            .push((format!("SCHILY.xattr.{name}"), value.to_vec()));
        self
    }

    fn write(&self, output: &mut Vec<u8>) {
        if !self.pax.is_empty() {
            let records: Vec<u8> = self
                .pax
                .iter()
                .flat_map(|(key, value)| pax_record(key, value))
                .collect();
            Self {
                data: records,
                ..Self::new("pax", b'x')
            }
            .write(output);
        }
        if self.name.len() > 100 {
            let name = [self.name.as_slice(), b"\0"].concat();
            Self {
                data: name,
                ..Self::new("././@LongLink", b'L')
            }
            .write(output);
        }
        let mut header = [0_u8; 512];
        let mut put = |at: usize, bytes: &[u8], most: usize| {
            let bytes = &bytes[..bytes.len().min(most)];
            header[at..at + bytes.len()].copy_from_slice(bytes);
        };
        let size = self.size.unwrap_or(self.data.len() as u64);
        put(0, &self.name, 100);
        put(100, format!("{:07o}\0", self.mode).as_bytes(), 8);
        put(108, format!("{:07o}\0", self.uid).as_bytes(), 8);
        put(116, format!("{:07o}\0", self.gid).as_bytes(), 8);
        put(124, format!("{size:011o}\0").as_bytes(), 12);
        put(136, format!("{:011o}\0", self.mtime).as_bytes(), 12);
        put(148, b"        ", 8);
        put(156, &[self.kind], 1);
        put(157, &self.link, 100);
        put(257, b"ustar\x0000", 8);
        put(329, format!("{:07o}\0", self.device.0).as_bytes(), 8);
        put(337, format!("{:07o}\0", self.device.1).as_bytes(), 8);
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        output.extend_from_slice(&header);
        output.extend_from_slice(&self.data);
        output.resize(output.len().next_multiple_of(512), 0);
    }
}

fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while length.to_string().len() + body != length {
        length += 1;
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

/// A tar archive with its end mark.
pub(crate) fn tar(members: &[Member]) -> Vec<u8> {
    let mut output = Vec::new();
    for member in members {
        member.write(&mut output);
    }
    output.resize(output.len() + 1024, 0);
    output
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_bytes(digest(&SHA256, bytes).as_ref().try_into().unwrap())
}

/// A configuration for layers with these diff ids.
pub(crate) fn config(diff_ids: &[Digest]) -> Vec<u8> {
    json!({
        "architecture": "amd64",
        "os": "linux",
        "created": "2024-01-02T03:04:05Z",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
        "history": [{"created": "2024-01-02T03:04:05Z", "created_by": "test"}],
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    })
    .to_string()
    .into_bytes()
}

/// A docker-archive as old engines write it: layers, configuration, manifest last.
pub(crate) fn docker_archive(tags: &[&str], layers: &[Vec<u8>]) -> Vec<u8> {
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| sha256(layer)).collect();
    docker_archive_with(tags, layers, &config(&diff_ids))
}

pub(crate) fn docker_archive_with(tags: &[&str], layers: &[Vec<u8>], config: &[u8]) -> Vec<u8> {
    let names: Vec<String> = (0..layers.len())
        .map(|n| format!("{n:064}/layer.tar"))
        .collect();
    let config_name = format!("{}.json", sha256(config).hex());
    let manifest = json!([{"Config": config_name, "RepoTags": tags, "Layers": names}]);
    let mut members = Vec::new();
    for (name, layer) in names.iter().zip(layers) {
        members.push(Member::file(name, layer));
    }
    members.push(Member::file(&config_name, config));
    members.push(Member::file("manifest.json", manifest.to_string()));
    tar(&members)
}

pub(crate) fn load(store: &Store, archive: &[u8]) -> Result<Vec<Loaded>, LoadError> {
    store.load(archive, &mut |_: LoadProgress| {})
}

/// Every path below `root` with what can be seen of it, contents included.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let kind = metadata.file_type();
        let detail = if kind.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if kind.is_file() {
            format!("file {}", sha256(&fs::read(&path).unwrap()).hex())
        } else if kind.is_char_device() || kind.is_block_device() {
            format!("device {}", metadata.rdev())
        } else if kind.is_fifo() {
            "fifo".to_owned()
        } else {
            for entry in fs::read_dir(&path).unwrap() {
                pending.push(entry.unwrap().path());
            }
            "dir".to_owned()
        };
        let name = path
            .strip_prefix(root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let (mode, uid, gid) = (
            metadata.permissions().mode(),
            metadata.uid(),
            metadata.gid(),
        );
        seen.insert(name, format!("{detail} {mode:o} {uid}:{gid}"));
    }
    seen
}

/// The store's tree without what the background empties.
pub(crate) fn durable_tree(root: &Path) -> BTreeMap<String, String> {
    let mut tree = tree_while_emptied(root);
    tree.retain(|name, _| !name.starts_with("trash/") && !name.starts_with("tmp/"));
    tree
}

fn tree_while_emptied(root: &Path) -> BTreeMap<String, String> {
    let mut whole = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "trash" || name == "tmp" {
            continue;
        }
        for (inner, detail) in tree(&path) {
            whole.insert(format!("{name}/{inner}"), detail);
        }
    }
    whole
}

/// Waits until the store has emptied its scratch and trash folders.
pub(crate) fn wait_until_empty(root: &Path) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let left: usize = ["tmp", "trash"]
            .iter()
            .map(|n| fs::read_dir(root.join(n)).unwrap().count())
            .sum();
        if left == 0 {
            return;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "tmp and trash are not emptied"
        );
        std::thread::yield_now();
    }
}
