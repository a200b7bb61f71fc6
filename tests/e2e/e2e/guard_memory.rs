//! How much memory a door has at most.

use std::fs;

/// The most that a process has had since this was made, against what it had then.
pub(crate) struct Memory {
    pid: u32,
    /// KiB.
    before: u64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> Self {
        // 5: the peak is what it has now (proc(5)).
        fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
        let before = peak(pid);
        Self { pid, before }
    }

    #[track_caller]
    pub(crate) fn grew_by_less_than(&self, kib: u64) {
        let peak = peak(self.pid);
        assert!(
            peak < self.before + kib,
            "{} KiB became {peak} KiB",
            self.before
        );
    }
}

fn peak(pid: u32) -> u64 {
    kib(pid, "VmHWM:")
}

/// What it has now, in KiB.
pub(crate) fn resident(pid: u32) -> u64 {
    kib(pid, "VmRSS:")
}

fn kib(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mut lines = status.lines();
    let line = lines.find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
