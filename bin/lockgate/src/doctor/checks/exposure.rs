//! Who gets in by TCP.

use crate::doctor::daemon::{Daemon, Kind};
use crate::doctor::finding::Pen;

/// Checks that every TCP address asks for a certificate.
pub(crate) fn check(daemon: &Daemon, pen: &mut Pen<'_>) {
    let addresses = daemon.tcp();
    if addresses.is_empty() {
        pen.ok(
            "exposure",
            format!("{} listens on no TCP address", daemon.kind.program()),
        );
        return;
    }
    let (verify, tls) = (
        daemon.settings.is_on("tlsverify"),
        daemon.settings.is_on("tls"),
    );
    for address in &addresses {
        match (verify, tls) {
            (true, _) => {
                pen.ok("exposure", format!("tcp://{address} asks for a client certificate"));
                port(address, pen);
            }
            (false, true) => pen.error(
                "no-client-certificate",
                format!("tcp://{address} has `tls` without `tlsverify`: whoever reaches it is root on this machine"),
                secure(daemon, address),
            ),
            (false, false) => pen.error(
                "tcp-without-tls",
                plain(daemon, address),
                secure(daemon, address),
            ),
        }
    }
}

fn plain(daemon: &Daemon, address: &str) -> String {
    if daemon.kind == Kind::Lockgated && !daemon.settings.is_on("insecure-tcp-loopback-only") {
        return format!("tcp://{address} has no TLS: lockgated does not start");
    }
    let who = if is_loopback(address) {
        "every program and web page on this machine"
    } else {
        "whoever reaches it"
    };
    format!("tcp://{address} has no TLS: {who} is root on this machine, unasked")
}

fn secure(daemon: &Daemon, address: &str) -> String {
    let address = address
        .strip_suffix(":2375")
        .map_or_else(|| address.to_owned(), |host| format!("{host}:2376"));
    match daemon.kind {
        Kind::Dockerd => format!(
            "lockgate ca quick pki && lockgate dockerd configure --host tcp://{address} --certs pki/server --yes"
        ),
        Kind::Lockgated => format!(
            "lockgate ca quick pki && lockgated --tlsverify --tlscacert pki/server/ca.pem --tlscert \
             pki/server/cert.pem --tlskey pki/server/key.pem -H tcp://{address}"
        ),
    }
}

fn port(address: &str, pen: &mut Pen<'_>) {
    if address.ends_with(":2375") {
        pen.note(
            "port",
            format!("tcp://{address} speaks TLS on 2375, where clients expect none; 2376 is usual"),
        );
    }
}

fn is_loopback(address: &str) -> bool {
    ["127.", "localhost", "[::1]"]
        .iter()
        .any(|start| address.starts_with(start))
}
