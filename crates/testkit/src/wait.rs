//! Waiting without guessing, and names that no other test has.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Calls `condition` until it returns something, or panics after a patience of 20 s
/// (`LOCKGATE_TEST_PATIENCE` seconds).
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let patience = std::env::var("LOCKGATE_TEST_PATIENCE")
        .ok()
        .and_then(|text| text.parse().ok());
    let deadline = Instant::now() + Duration::from_secs(patience.unwrap_or(20));
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A short name that no other test of this run has: process id and a counter.
pub fn unique(prefix: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}{}-{number}", std::process::id())
}
