//! What a connection may cost before anybody knows who it is, and after.

use std::time::Duration;

/// Limits of the door. Each says which attack it stops.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A TLS handshake, from accept to the client's last message (slow handshakes).
    pub handshake: Duration,
    /// A request head, from its first byte to its last (slowloris).
    pub head: Duration,
    /// The bytes of a request head. `X-Registry-Config` may carry the logins of many registries.
    pub head_bytes: usize,
    /// The fields of a request head (hash flooding, huge allocations).
    pub fields: usize,
    /// A connection between two requests. Clients keep theirs for 30 to 90 seconds.
    pub idle: Duration,
    /// A body that is judged, from head to end (slow bodies).
    pub judged_body: Duration,
    /// A body that no one looks at.
    pub ignored_body_bytes: usize,
    /// Connections over TCP at one time.
    pub connections: usize,
    /// Connections from one address at one time.
    pub per_address: usize,
    /// Connections over TCP that have not finished the handshake. One address (of version 6: one /64) has at most half
    /// of the places that others leave.
    pub handshakes: usize,
    /// Connections of one identity at one time.
    pub per_identity: usize,
    /// Connections over unix sockets at one time; counted apart, so that a flood from the network
    /// does not lock out the administrator of the machine.
    pub local_connections: usize,
    /// How long requests may take to finish when the daemon stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            head_bytes: 64 * 1024,
            fields: 100,
            idle: Duration::from_mins(3),
            judged_body: Duration::from_mins(1),
            ignored_body_bytes: 1024 * 1024,
            connections: 4096,
            per_address: 1024,
            handshakes: 512,
            per_identity: 2048,
            local_connections: 4096,
            drain: Duration::from_secs(10),
        }
    }
}
