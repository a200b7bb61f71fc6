//! A container as one row of a list.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lockgate_types::ImageRef;

use super::super::view::View;
use crate::format::{Column, Row, ellipsis, short_id, time};
use crate::spec::units::human_size;

/// The fields of a row.
pub(crate) const COLUMNS: &[Column] = &[
    Column("ID", "CONTAINER ID"),
    Column("Image", "IMAGE"),
    Column("Command", "COMMAND"),
    Column("CreatedAt", "CREATED AT"),
    Column("RunningFor", "CREATED"),
    Column("Status", "STATUS"),
    Column("State", "STATE"),
    Column("Ports", "PORTS"),
    Column("Names", "NAMES"),
    Column("Labels", "LABELS"),
    Column("Mounts", "MOUNTS"),
    Column("LocalVolumes", "LOCAL VOLUMES"),
    Column("Networks", "NETWORKS"),
    Column("Size", "SIZE"),
    Column("Platform", "PLATFORM"),
];

/// Makes a row; `trunc` shortens what is long.
pub(crate) fn row(container: View<'_>, trunc: bool) -> Row {
    let id = container.text("Id");
    let command = container.text("Command");
    let command = if trunc {
        ellipsis(command, 20)
    } else {
        command.to_owned()
    };
    Row::new()
        .with("ID", if trunc { short_id(id) } else { id.to_owned() })
        .with("Image", image(container, trunc))
        .with("Command", quote(&command))
        .with("CreatedAt", time::go_string(container.int("Created")))
        .with("RunningFor", time::ago(container.int("Created")))
        .with("Status", container.text("Status"))
        .with("State", container.text("State"))
        .with("Ports", ports(container))
        .with("Names", names(container, trunc).join(","))
        .with("Mounts", mounts(container, trunc).join(","))
        .with("LocalVolumes", local_volumes(container).to_string())
        .with("Networks", networks(container).join(","))
        .with("Size", size(container))
        .without("Platform")
        .labels(&container.text_map("Labels"))
}

/// Docker's quoting is Go's; for what people run it is the same as this.
fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // Writing to a string cannot fail.
            c if c.is_control() => write!(out, "\\x{:02x}", u32::from(c)).unwrap_or_default(),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn image(container: View<'_>, trunc: bool) -> String {
    let image = container.text("Image");
    if image.is_empty() {
        return "<no image>".to_owned();
    }
    if !trunc {
        return image.to_owned();
    }
    let id = short_id(container.text("ImageID"));
    if !id.is_empty() && short_id(image) == id {
        return id;
    }
    match ImageRef::parse(image) {
        Ok(reference) if reference.digest().is_some() && reference.tag().is_none() => {
            reference.familiar_name()
        }
        _ => image.to_owned(),
    }
}

fn names(container: View<'_>, trunc: bool) -> Vec<&str> {
    let names = container.texts("Names");
    let names = names
        .into_iter()
        .map(|name| name.strip_prefix('/').unwrap_or(name));
    // A name with a slash in it is another container's link to this one.
    names.filter(|name| !trunc || !name.contains('/')).collect()
}

fn mounts(container: View<'_>, trunc: bool) -> Vec<String> {
    let shown = |mount: View<'_>| {
        let name = match mount.text("Name") {
            "" => mount.text("Source"),
            name => name,
        };
        if trunc {
            ellipsis(name, 15)
        } else {
            name.to_owned()
        }
    };
    container.list("Mounts").map(shown).collect()
}

fn local_volumes(container: View<'_>) -> usize {
    container
        .list("Mounts")
        .filter(|mount| mount.text("Driver") == "local")
        .count()
}

fn networks(container: View<'_>) -> Vec<&str> {
    let networks = container.at("NetworkSettings").at("Networks");
    networks.members().map(|(name, _)| name).collect()
}

fn size(container: View<'_>) -> String {
    let own = human_size(container.float("SizeRw"), 3);
    let total = container.float("SizeRootFs");
    if total > 0.0 {
        format!("{own} (virtual {})", human_size(total, 3))
    } else {
        own
    }
}

type Port = (i64, String, i64, String);

/// Ports, ranges of neighbours drawn together: `0.0.0.0:80-81->80-81/tcp, 90/udp`.
fn ports(container: View<'_>) -> String {
    let read = |port: View<'_>| {
        let ip = port.text("IP").to_owned();
        (
            port.int("PrivatePort"),
            ip,
            port.int("PublicPort"),
            port.text("Type").to_owned(),
        )
    };
    let mut ports: Vec<Port> = container.list("Ports").map(read).collect();
    ports.sort();
    let mut open: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
    let mut order: Vec<(String, String)> = Vec::new();
    let (mut groups, mut mapped) = (Vec::new(), Vec::new());
    for (private, ip, public, kind) in ports {
        if !ip.is_empty() && public != private {
            mapped.push(format!(
                "{}->{private}/{kind}",
                with_port(&ip, &public.to_string())
            ));
            continue;
        }
        let key = (ip, kind);
        match open.get_mut(&key) {
            Some((_, last)) if private == *last + 1 => *last = private,
            Some(range) => {
                groups.push(group(&key, *range));
                *range = (private, private);
            }
            None => {
                open.insert(key.clone(), (private, private));
                order.push(key);
            }
        }
    }
    groups.extend(
        order
            .iter()
            .filter_map(|key| Some(group(key, *open.get(key)?))),
    );
    groups.extend(mapped);
    groups.join(", ")
}

fn group((ip, kind): &(String, String), (first, last): (i64, i64)) -> String {
    let range = if first == last {
        first.to_string()
    } else {
        format!("{first}-{last}")
    };
    if ip.is_empty() {
        return format!("{range}/{kind}");
    }
    format!("{}->{range}/{kind}", with_port(ip, &range))
}

fn with_port(ip: &str, port: &str) -> String {
    if ip.contains(':') {
        format!("[{ip}]:{port}")
    } else {
        format!("{ip}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ports_json: &str) -> String {
        let json = format!("{{\"Ports\":{ports_json}}}");
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        ports(View::new(&value))
    }

    #[test]
    fn neighbouring_ports_are_drawn_together() {
        for (json, text) in [
            ("[]", ""),
            (r#"[{"PrivatePort":80,"Type":"tcp"}]"#, "80/tcp"),
            (
                r#"[{"PrivatePort":81,"Type":"tcp"},{"PrivatePort":80,"Type":"tcp"}]"#,
                "80-81/tcp",
            ),
            (
                r#"[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
                    {"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}]"#,
                "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp",
            ),
            (
                r#"[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":80,"Type":"tcp"},
                    {"IP":"0.0.0.0","PrivatePort":81,"PublicPort":81,"Type":"tcp"},
                    {"PrivatePort":90,"Type":"udp"}]"#,
                "0.0.0.0:80-81->80-81/tcp, 90/udp",
            ),
            (
                r#"[{"PrivatePort":80,"Type":"tcp"},{"PrivatePort":82,"Type":"tcp"}]"#,
                "80/tcp, 82/tcp",
            ),
        ] {
            assert_eq!(shown(json), text);
        }
    }

    #[test]
    fn an_image_by_id_or_digest_is_shown_short() {
        let id = "sha256:35679d8efe6628d5ccb0cc7663638ed90219cd7c16bc4d3174a4fc1a0a06b67f";
        for (image_name, trunc, text) in [
            (id.to_owned(), true, "35679d8efe66"),
            (id.to_owned(), false, id),
            (format!("busybox@{id}"), true, "busybox"),
            ("busybox:1".to_owned(), true, "busybox:1"),
            (String::new(), true, "<no image>"),
        ] {
            let value = serde_json::json!({ "Image": image_name, "ImageID": id });
            assert_eq!(image(View::new(&value), trunc), text);
        }
    }

    #[test]
    fn commands_are_quoted() {
        assert_eq!(quote("a \"b\" \\\n\u{1}"), r#""a \"b\" \\\n\x01""#);
    }
}
