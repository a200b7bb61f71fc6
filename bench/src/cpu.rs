//! Processor time, from /proc.

use std::fs;

use anyhow::{Context as _, Result};

/// What all threads of a process, also those that ended, spent in user and kernel mode so far, in
/// milliseconds. The kernel counts in ticks of 10 ms (proc(5), `utime` and `stime`).
pub(crate) fn milliseconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    // The name, in brackets, may hold anything.
    let (_, fields) = text.rsplit_once(')').with_context(|| path.clone())?;
    let ticks: f64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Ok(ticks * 10.0)
}
