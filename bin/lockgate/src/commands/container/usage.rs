//! What a container uses, from two samples of its counters.

use super::super::view::View;
use crate::format::{Column, Row, short_id};
use crate::spec::units::{binary_size, human_size};

/// The fields of a row.
pub(crate) const COLUMNS: &[Column] = &[
    Column("Container", "CONTAINER"),
    Column("ID", "CONTAINER ID"),
    Column("Name", "NAME"),
    Column("CPUPerc", "CPU %"),
    Column("MemUsage", "MEM USAGE / LIMIT"),
    Column("MemPerc", "MEM %"),
    Column("NetIO", "NET I/O"),
    Column("BlockIO", "BLOCK I/O"),
    Column("PIDs", "PIDS"),
];

/// What is known about one container.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) container: String,
    id: String,
    name: String,
    cpu: f64,
    memory: f64,
    limit: f64,
    network: (f64, f64),
    block: (f64, f64),
    pids: i64,
    /// Whether a sample has arrived; until then dashes are shown.
    is_known: bool,
}

impl Usage {
    /// Nothing known yet.
    pub(crate) fn unknown(container: &str) -> Self {
        Self {
            container: container.to_owned(),
            ..Self::default()
        }
    }

    /// Reads a sample.
    pub(crate) fn update(&mut self, sample: View<'_>) {
        sample.text("id").clone_into(&mut self.id);
        sample
            .text("name")
            .trim_start_matches('/')
            .clone_into(&mut self.name);
        self.cpu = cpu_percent(sample);
        let memory = sample.at("memory_stats");
        self.memory = used_memory(memory);
        self.limit = memory.float("limit");
        self.network = network(sample);
        self.block = block(sample);
        self.pids = sample.at("pids_stats").int("current");
        self.is_known = true;
    }

    /// As a row of the table.
    pub(crate) fn row(&self, trunc: bool) -> Row {
        let or_dashes = |text: String| if self.is_known { text } else { "--".to_owned() };
        let pair = |(a, b): (f64, f64)| format!("{} / {}", human_size(a, 3), human_size(b, 3));
        let both = |text: String| {
            if self.is_known {
                text
            } else {
                "-- / --".to_owned()
            }
        };
        let id = if trunc {
            short_id(&self.id)
        } else {
            self.id.clone()
        };
        let share = if self.limit > 0.0 {
            self.memory / self.limit * 100.0
        } else {
            0.0
        };
        Row::new()
            .with("Container", self.container.as_str())
            .with("ID", id)
            .with(
                "Name",
                if self.name.is_empty() {
                    "--"
                } else {
                    &self.name
                },
            )
            .with("CPUPerc", or_dashes(format!("{:.2}%", self.cpu)))
            .with("MemPerc", or_dashes(format!("{share:.2}%")))
            .with(
                "MemUsage",
                both(format!(
                    "{} / {}",
                    binary_size(self.memory),
                    binary_size(self.limit)
                )),
            )
            .with("NetIO", or_dashes(pair(self.network)))
            .with("BlockIO", or_dashes(pair(self.block)))
            .with("PIDs", or_dashes(self.pids.to_string()))
    }
}

fn cpu_percent(sample: View<'_>) -> f64 {
    let (now, before) = (sample.at("cpu_stats"), sample.at("precpu_stats"));
    let used =
        now.at("cpu_usage").float("total_usage") - before.at("cpu_usage").float("total_usage");
    let system = now.float("system_cpu_usage") - before.float("system_cpu_usage");
    let mut processors = now.float("online_cpus");
    if processors == 0.0 {
        let count = u32::try_from(now.at("cpu_usage").list("percpu_usage").count());
        processors = f64::from(count.unwrap_or(1));
    }
    if system > 0.0 && used > 0.0 {
        used / system * processors * 100.0
    } else {
        0.0
    }
}

/// What is used without the page cache that can be given up at once.
fn used_memory(memory: View<'_>) -> f64 {
    let (usage, details) = (memory.float("usage"), memory.at("stats"));
    for field in ["total_inactive_file", "inactive_file"] {
        if details.at(field).is_there() {
            let cache = details.float(field);
            return if cache < usage { usage - cache } else { usage };
        }
    }
    usage
}

fn network(sample: View<'_>) -> (f64, f64) {
    let interfaces = sample.at("networks").members();
    interfaces.fold((0.0, 0.0), |(received, sent), (_, interface)| {
        (
            received + interface.float("rx_bytes"),
            sent + interface.float("tx_bytes"),
        )
    })
}

fn block(sample: View<'_>) -> (f64, f64) {
    let entries = sample.at("blkio_stats").list("io_service_bytes_recursive");
    entries.fold((0.0, 0.0), |(read, written), entry| {
        let value = entry.float("value");
        match entry.text("op").chars().next() {
            Some('r' | 'R') => (read + value, written),
            Some('w' | 'W') => (read, written + value),
            _ => (read, written),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_computed_from_two_samples() {
        let sample = serde_json::json!({
            "id": "0123456789abcdef", "name": "/web",
            "cpu_stats": {"cpu_usage": {"total_usage": 300}, "system_cpu_usage": 2000, "online_cpus": 2},
            "precpu_stats": {"cpu_usage": {"total_usage": 100}, "system_cpu_usage": 1000},
            "memory_stats": {"usage": 2_097_152, "limit": 4_194_304, "stats": {"inactive_file": 1_048_576}},
            "networks": {"eth0": {"rx_bytes": 1500, "tx_bytes": 0}},
            "blkio_stats": {"io_service_bytes_recursive": [{"op": "Read", "value": 1_000_000}, {"op": "write", "value": 5}]},
            "pids_stats": {"current": 3},
        });
        let mut usage = Usage::unknown("web");
        usage.update(View::new(&sample));
        assert!((usage.cpu - 40.0).abs() < 1e-9);
        let row = format!("{:?}", usage.row(true));
        for part in [
            "40.00%",
            "1MiB / 4MiB",
            "25.00%",
            "1.5kB / 0B",
            "1MB / 5B",
            "0123456789ab",
        ] {
            assert!(row.contains(part), "{part} in {row}");
        }
    }
}
