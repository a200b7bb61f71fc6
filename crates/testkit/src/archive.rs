//! Images made on the spot from Debian's static busybox.

use std::fs;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use crate::{program, run};

/// A root file system with busybox, `/etc/passwd` and `/etc/group`, as an uncompressed tar.
pub fn busybox_layer() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for folder in [
        "bin/", "dev/", "etc/", "home/", "proc/", "root/", "sys/", "tmp/", "var/", "var/opt/",
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(if folder == "tmp/" { 0o1777 } else { 0o755 });
        header.set_size(0);
        tar.append_data(&mut header, folder, std::io::empty())
            .unwrap();
    }
    let busybox = fs::read("/bin/busybox").expect("busybox-static is installed");
    let passwd = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\npostgres:x:70:70::/var:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n";
    let group = "root:x:0:\ndaemon:x:1:\nuser:x:1000:\nextra:x:2000:user\n";
    for (name, mode, data) in [
        ("bin/busybox", 0o755, busybox.as_slice()),
        ("etc/passwd", 0o644, passwd.as_bytes()),
        ("etc/group", 0o644, group.as_bytes()),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_mode(mode);
        header.set_size(data.len() as u64);
        tar.append_data(&mut header, name, data).unwrap();
    }
    let list = run(program("/bin/busybox").arg("--list"), b"");
    for applet in list.ok().lines().filter(|applet| *applet != "busybox") {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        tar.append_link(&mut header, format!("bin/{applet}"), "busybox")
            .unwrap();
    }
    tar.into_inner().unwrap()
}

/// A `docker save` archive of an image with busybox.
pub fn busybox_archive(tags: &[&str]) -> Vec<u8> {
    let config = json!({ "Cmd": ["sh"], "Env": ["PATH=/bin:/usr/bin"] });
    docker_archive(tags, &config, &[busybox_layer()])
}

/// A `docker save` archive with one image: `layers` from the bottom, `config` as the image's
/// `config` object, tagged `tags`.
pub fn docker_archive(tags: &[&str], config: &serde_json::Value, layers: &[Vec<u8>]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers
        .iter()
        .map(|layer| format!("sha256:{}", sha256(layer)))
        .collect();
    let image = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "created": "2024-01-02T03:04:05Z",
        "config": config,
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": diff_ids.iter().map(|_| json!({
            "created": "2024-01-02T03:04:05Z", "created_by": "made for a test"
        })).collect::<Vec<_>>(),
    });
    let image = serde_json::to_vec(&image).unwrap();
    let config_name = format!("{}.json", sha256(&image));
    let layer_names: Vec<String> = layers
        .iter()
        .map(|layer| format!("{}/layer.tar", sha256(layer)))
        .collect();
    let manifest = json!([{ "Config": config_name, "RepoTags": tags, "Layers": layer_names }]);
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |name: &str, data: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(data.len() as u64);
        tar.append_data(&mut header, name, data).unwrap();
    };
    for (name, layer) in layer_names.iter().zip(layers) {
        add(name, layer);
    }
    add(&config_name, &image);
    add("manifest.json", &serde_json::to_vec(&manifest).unwrap());
    tar.into_inner().unwrap()
}

fn sha256(data: &[u8]) -> String {
    use std::fmt::Write as _;
    digest(&SHA256, data)
        .as_ref()
        .iter()
        .fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        })
}
