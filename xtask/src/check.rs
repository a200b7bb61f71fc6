//! `cargo xtask check`: everything that can be judged without running our code.

use anyhow::Result;

use crate::shell::{self, cargo};
use crate::{deps, size, threats};

/// What is checked, and how.
type Job = (&'static str, fn() -> Result<()>);

/// The jobs by name, for CI to count.
pub(crate) fn jobs() -> Vec<Job> {
    vec![
        ("formatting", || {
            shell::run(cargo().args(["fmt", "--all", "--check"]))
        }),
        ("clippy", || {
            shell::run(cargo().args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ]))
        }),
        ("rustdoc", || {
            shell::run(
                cargo()
                    .args([
                        "doc",
                        "--workspace",
                        "--no-deps",
                        "--document-private-items",
                        "--quiet",
                    ])
                    .env(
                        "RUSTDOCFLAGS",
                        "-D warnings -A rustdoc::private_intra_doc_links -A rustdoc::invalid_html_tags",
                    ),
            )
        }),
        ("dependency rules", deps::run),
        ("file sizes", size::run),
        ("attacks have tests", threats::check),
        ("licences, sources, bans", || {
            shell::run(cargo().args(["deny", "check", "bans", "licenses", "sources"]))
        }),
    ]
}

pub(crate) fn run() -> Result<()> {
    jobs().into_iter().try_for_each(|(_, job)| job())
}
