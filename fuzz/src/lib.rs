//! Everything that reads what strangers write, and bytes that no stranger thought of.
//!
//! cargo-fuzz needs a nightly compiler; this runs on ours. Without its counters in the machine code,
//! what tells an interesting input from a dull one is the answer: an input that gets an answer which
//! none got before is kept, and changed further. See `docs/adr/0014-fuzzing-by-answers.md`.
#![forbid(unsafe_code)]
#![expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic is how a target says that it was not survived"
)]

mod mutate;
mod run;
mod targets;

pub use run::{Failure, Report, found, one, run};
pub use targets::{TARGETS, Target};
