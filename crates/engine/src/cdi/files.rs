//! Finding and reading the files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::document::{Document, Edits};

/// All devices of all files.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    /// By their full names.
    pub(super) devices: BTreeMap<String, Known>,
    /// What each file wants for all of its devices.
    pub(super) common: Vec<Edits>,
}

/// One device.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Index of its file in [`Catalog::common`].
    pub(super) file: usize,
    pub(super) edits: Edits,
    /// Index of its file's directory.
    priority: usize,
}

/// Reads all files. A later directory goes before an earlier one; of two files in one directory that
/// name the same device neither counts, because nobody can say which is meant.
pub(super) fn read(directories: &[PathBuf]) -> Catalog {
    let mut catalog = Catalog::default();
    let mut twice: Vec<(String, usize)> = Vec::new();
    for (priority, directory) in directories.iter().enumerate() {
        for path in paths(directory) {
            match document(&path) {
                Ok(document) => catalog.add(document, priority, &mut twice),
                Err(reason) => {
                    tracing::warn!(path = %path.display(), reason, "a CDI file is not used");
                }
            }
        }
    }
    for (name, priority) in twice {
        tracing::warn!(
            device = name,
            "two CDI files of one directory have this device"
        );
        if catalog
            .devices
            .get(&name)
            .is_some_and(|known| known.priority == priority)
        {
            catalog.devices.remove(&name);
        }
    }
    catalog
}

impl Catalog {
    fn add(&mut self, document: Document, priority: usize, twice: &mut Vec<(String, usize)>) {
        let file = self.common.len();
        self.common.push(document.container_edits);
        for device in document.devices {
            let name = format!("{}={}", document.kind, device.name);
            let known = Known {
                file,
                edits: device.container_edits,
                priority,
            };
            if let Some(other) = self.devices.insert(name.clone(), known)
                && other.priority == priority
            {
                twice.push((name, priority));
            }
        }
    }
}

/// The `.json` and `.yaml` files of a directory, in the order of their names.
fn paths(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            matches!(
                path.extension().and_then(|e| e.to_str()),
                Some("json" | "yaml")
            )
        })
        .take(MAX_FILES)
        .collect();
    paths.sort();
    paths
}

fn document(path: &Path) -> Result<Document, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| text(&error))?;
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| text(&error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("it is larger than {MAX_BYTES} bytes"));
    }
    let document: Document = if path.extension().is_some_and(|kind| kind == "json") {
        serde_json::from_slice(&bytes).map_err(|error| text(&error))?
    } else {
        serde_saphyr::from_slice(&bytes).map_err(|error| text(&error))?
    };
    check(&document)?;
    Ok(document)
}

fn check(document: &Document) -> Result<(), String> {
    if !VERSIONS.contains(&document.cdi_version.trim_start_matches('v')) {
        return Err(format!(
            "cdiVersion `{}` is not known",
            document.cdi_version
        ));
    }
    let word = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    };
    let kind = document.kind.split_once('/');
    if !kind.is_some_and(|(vendor, class)| word(vendor) && word(class)) {
        return Err(format!("kind `{}` is not VENDOR/CLASS", document.kind));
    }
    for device in &document.devices {
        let name = &device.name;
        let good = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
        if name.is_empty() || !name.chars().all(good) {
            return Err(format!("a device's name `{name}` is malformed"));
        }
    }
    Ok(())
}

/// What is known of the format. A newer one may mean what we would silently leave out.
const VERSIONS: [&str; 7] = [
    "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0",
];
/// Far more than any vendor's file; bounds what a broken generator costs.
const MAX_BYTES: u64 = 4 << 20;
const MAX_FILES: usize = 1000;
