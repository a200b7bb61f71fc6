//! The TLS settings of a server, in `daemon.json`.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// Sets the keys of TLS and leaves all others as they are.
pub(super) fn write(file: &Path, set: &Path, authority: &str) -> Result<(), Failure> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(file, &error.to_string())),
    };
    let mut settings: Map<String, Value> = if text.trim().is_empty() {
        Map::new()
    } else {
        serde_json::from_str(&text).map_err(|error| failed(file, &error.to_string()))?
    };
    let path = |name: &str| json!(set.join(name));
    for (key, value) in [
        ("tlsverify", json!(true)),
        ("tlscacert", path("ca.pem")),
        ("tlscert", path("cert.pem")),
        ("tlskey", path("key.pem")),
        ("tls-crl", path("crl.pem")),
        ("ca-server", json!(authority)),
    ] {
        settings.insert(key.to_owned(), value);
    }
    settings
        .entry("hosts")
        .or_insert_with(|| json!(["unix:///run/lockgate/lockgate.sock", "tcp://0.0.0.0:2376"]));
    let text = serde_json::to_string_pretty(&settings).map_err(|e| failed(file, &e.to_string()))?;
    replace(file, &(text + "\n")).map_err(|error| failed(file, &error.to_string()))
}

/// Never half a file.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    let mode = fs::metadata(file).map(|metadata| metadata.permissions());
    let temporary = file.with_extension("json.new");
    fs::write(&temporary, text)?;
    if let Ok(mode) = mode {
        fs::set_permissions(&temporary, mode)?;
    }
    fs::File::open(&temporary)?.sync_all()?;
    fs::rename(&temporary, file)
}

fn failed(file: &Path, reason: &str) -> Failure {
    Failure::new(format!("cannot change {}: {reason}", file.display()))
        .hint("the certificate is there; set the keys by hand (docs/reference/identity.md)")
}
