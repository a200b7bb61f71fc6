//! What is fed, and what must hold whatever it is fed with.
//!
//! A target returns its answer as text; that it returns at all, and soon, is the first thing asked.
//! Where there is a second (what was read is written and read again the same), it panics if not.

mod door;
mod files;
mod images;
mod pki;
#[expect(
    dead_code,
    reason = "lockgated's own module; a binary cannot be a dependency"
)]
#[path = "../../../bin/lockgated/src/config/mod.rs"]
mod settings;

use crate::mutate::Form;

/// Something that reads bytes which others wrote.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Whose bytes it reads.
    pub what: &'static str,
    /// Reads an input; returns the answer.
    pub(crate) feed: fn(&[u8]) -> String,
    /// Good inputs, and some that are nearly good.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// What inputs are made of.
    pub(crate) form: Form,
    /// Words that chance would not find.
    pub(crate) words: &'static [&'static str],
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "csr",
        what: "a request for a certificate, from whoever has an invitation",
        feed: pki::request,
        seeds: pki::requests,
        form: Form::Der,
        words: &[],
    },
    Target {
        name: "crl",
        what: "a revocation list, whoever signed it",
        feed: pki::list,
        seeds: pki::lists,
        form: Form::Der,
        words: &[],
    },
    Target {
        name: "pem",
        what: "files with certificates and keys",
        feed: pki::pem,
        seeds: pki::pems,
        form: Form::Plain,
        words: pki::PEM_WORDS,
    },
    Target {
        name: "token",
        what: "an invitation that somebody pasted",
        feed: pki::token,
        seeds: pki::tokens,
        form: Form::Plain,
        words: &["lgj1.", "|"],
    },
    Target {
        name: "route",
        what: "method, path and query of a request",
        feed: door::route,
        seeds: door::routes,
        form: Form::Plain,
        words: door::ROUTE_WORDS,
    },
    Target {
        name: "body",
        what: "the JSON body of a request",
        feed: door::body,
        seeds: door::bodies,
        form: Form::Plain,
        words: door::BODY_WORDS,
    },
    Target {
        name: "policy",
        what: "the policy file",
        feed: files::policy,
        seeds: files::policies,
        form: Form::Plain,
        words: files::POLICY_WORDS,
    },
    Target {
        name: "audit",
        what: "an audit log that somebody had in hand",
        feed: files::audit,
        seeds: files::audits,
        form: Form::Plain,
        words: &["\"sequence\":", "\"hash\":\"", "\n"],
    },
    Target {
        name: "daemon-json",
        what: "daemon.json",
        feed: files::daemon_json,
        seeds: files::daemon_jsons,
        form: Form::Plain,
        words: files::DAEMON_WORDS,
    },
    Target {
        name: "reference",
        what: "the name of an image",
        feed: images::reference,
        seeds: images::references,
        form: Form::Plain,
        words: &["sha256:", "@", "library/", "docker.io/"],
    },
    Target {
        name: "tar",
        what: "an archive that is unpacked into a container",
        feed: images::tar,
        seeds: images::tars,
        form: Form::Plain,
        words: &[
            "../",
            "/",
            "././@LongLink",
            "ustar\0",
            ".wh.",
            "SCHILY.xattr.",
        ],
    },
    Target {
        name: "load",
        what: "an archive of images",
        feed: images::load,
        seeds: images::loads,
        form: Form::Plain,
        words: &["manifest.json", "repositories", "\"Layers\":", "oci-layout"],
    },
    Target {
        name: "dns",
        what: "a question to the name server of containers",
        feed: images::dns,
        seeds: images::questions,
        form: Form::Dns,
        words: &[],
    },
];
