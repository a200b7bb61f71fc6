//! End-to-end tests: real binaries, real namespaces, and clients that other people wrote.
//!
//! Each test has a daemon of its own (`lockgate_testkit::Daemon`) in a network namespace of its
//! own. They need root and the programs of `cargo xtask setup`; without them they fail.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod audit;
mod audit_disk;
mod audit_hostile;
mod authority;
mod chaos;
mod cli;
mod clients;
mod crash;
mod differential;
mod door;
mod events;
mod explain;
mod files;
mod files_hostile;
mod files_image;
mod guard;
mod guard_framing;
mod guard_hostile;
mod guard_leaving;
mod guard_memory;
mod guard_patches;
mod guard_podman;
mod guard_restarts;
mod guard_setup;
mod guard_streams;
mod guard_tcp;
mod guard_tls;
mod habits;
mod health;
mod hearsay;
mod identity;
mod images;
mod lab;
mod lending;
mod lifecycle;
mod limits;
mod lint;
mod logs;
mod metrics;
mod network;
mod networks;
mod options;
mod ownership;
mod pieces;
mod roles;
mod rootless;
mod rotation;
mod runtimes;
mod scale;
mod scan;
mod seccomp;
mod security;
mod streams;
mod supervision;
mod telemetry;
mod tenants;
mod usage;
mod userns;
mod volumes;
mod websocket;
