//! The unix sockets: who may write to one is root.

use crate::doctor::daemon::{Daemon, Unit};
use crate::doctor::finding::Pen;
use crate::doctor::world::World;

/// Checks the sockets a daemon listens on, and the unit that makes one.
pub(crate) fn check(world: &World, daemon: &Daemon, pen: &mut Pen<'_>) {
    let hosts = daemon.hosts();
    let named = hosts.iter().filter_map(|host| host.strip_prefix("unix://"));
    let mut sockets: Vec<&str> = named.collect();
    if hosts.iter().any(|host| host.starts_with("fd://")) {
        sockets.push(daemon.kind.socket());
    }
    for socket in sockets {
        let path = if socket.is_empty() {
            daemon.kind.socket()
        } else {
            socket
        };
        of_file(world, path, pen);
    }
    if let Some(unit) = &daemon.socket {
        of_unit(unit, daemon.kind.service(), pen);
    }
}

fn of_file(world: &World, socket: &str, pen: &mut Pen<'_>) {
    let Some(look) = world.look(socket) else {
        return;
    };
    let path = world.path(socket);
    let path = path.display();
    if look.mode & 0o002 != 0 {
        pen.error(
            "socket-world-writable",
            format!(
                "{path} is open to every account (mode {:04o}): each of them is root",
                look.mode
            ),
            format!("chmod 0660 {path}"),
        );
    } else if look.uid != 0 {
        pen.error(
            "socket-owner",
            format!(
                "{path} belongs to uid {}, which can open it to anybody",
                look.uid
            ),
            format!("chown root {path}"),
        );
    } else {
        pen.ok(
            "socket",
            format!("{path} is for its owner and group (mode {:04o})", look.mode),
        );
    }
}

fn of_unit(unit: &Unit, service: &str, pen: &mut Pen<'_>) {
    let mode = unit
        .settings
        .get("SocketMode")
        .map_or("0666", String::as_str);
    let Ok(bits) = u32::from_str_radix(mode, 8) else {
        return;
    };
    if bits & 0o002 != 0 {
        pen.error(
            "socket-unit-world-writable",
            format!("{service}.socket makes its socket with mode {mode}: every account is root"),
            format!("mkdir -p /etc/systemd/system/{service}.socket.d && printf '[Socket]\\nSocketMode=0660\\n' > /etc/systemd/system/{service}.socket.d/mode.conf && systemctl daemon-reload && systemctl restart {service}.socket"),
        );
    }
}
