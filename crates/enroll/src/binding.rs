//! What a proof is a proof of: this connection, this invitation, this key.

use aws_lc_rs::digest::{SHA256, digest};
use rustls::Error;

/// The part of a message that no other connection has (RFC 9266, `tls-exporter`).
pub(crate) type Exported = [u8; 32];

/// The label of RFC 9266.
const LABEL: &[u8] = b"EXPORTER-Channel-Binding";

pub(crate) fn of_server(connection: &rustls::ServerConnection) -> Result<Exported, Error> {
    connection.export_keying_material(Exported::default(), LABEL, Some(&[]))
}

pub(crate) fn of_client(connection: &rustls::ClientConnection) -> Result<Exported, Error> {
    connection.export_keying_material(Exported::default(), LABEL, Some(&[]))
}

/// What is signed with the secret of an invitation.
pub(crate) fn message(exported: &Exported, id: &str, request: &[u8]) -> Vec<u8> {
    let request = digest(&SHA256, request);
    let parts: [&[u8]; 4] = [
        b"lockgate join 1\0",
        exported,
        request.as_ref(),
        id.as_bytes(),
    ];
    parts.concat()
}
