//! What went through a namespace's interfaces.

use std::{fs, io};

/// Counters of one interface, as the container sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the API description")]
pub struct InterfaceStatistics {
    /// The interface.
    pub name: String,
    pub rx_bytes: u64,
    pub rx_packets: u64,
    pub rx_errors: u64,
    pub rx_dropped: u64,
    pub tx_bytes: u64,
    pub tx_packets: u64,
    pub tx_errors: u64,
    pub tx_dropped: u64,
}

/// The counters of all interfaces but the loopback in the namespace of a process.
pub fn statistics(pid: i32) -> io::Result<Vec<InterfaceStatistics>> {
    Ok(parse(&fs::read_to_string(format!("/proc/{pid}/net/dev"))?))
}

/// Two lines of headings, then `name: 8 numbers received, 8 numbers sent`.
fn parse(text: &str) -> Vec<InterfaceStatistics> {
    text.lines()
        .skip(2)
        .filter_map(parse_line)
        .filter(|one| one.name != "lo")
        .collect()
}

fn parse_line(line: &str) -> Option<InterfaceStatistics> {
    let (name, numbers) = line.rsplit_once(':')?;
    let numbers: Vec<u64> = numbers
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let [
        rx_bytes,
        rx_packets,
        rx_errors,
        rx_dropped,
        _,
        _,
        _,
        _,
        sent @ ..,
    ] = numbers.as_slice()
    else {
        return None;
    };
    let [tx_bytes, tx_packets, tx_errors, tx_dropped, ..] = sent else {
        return None;
    };
    Some(InterfaceStatistics {
        name: name.trim().to_owned(),
        rx_bytes: *rx_bytes,
        rx_packets: *rx_packets,
        rx_errors: *rx_errors,
        rx_dropped: *rx_dropped,
        tx_bytes: *tx_bytes,
        tx_packets: *tx_packets,
        tx_errors: *tx_errors,
        tx_dropped: *tx_dropped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_and_the_loopback_is_left_out() {
        let text = "Inter-|   Receive  |  Transmit\n face |bytes ... |bytes ...\n    \
            lo:     10 1 0 0 0 0 0 0 10 1 0 0 0 0 0 0\n  \
            eth0: 1066 13 1 2 0 0 0 0 656 8 3 4 0 0 0 0\nbroken: 1 2\n";
        let all = parse(text);
        assert_eq!(all.len(), 1);
        let expected = InterfaceStatistics {
            name: "eth0".into(),
            rx_bytes: 1066,
            rx_packets: 13,
            rx_errors: 1,
            rx_dropped: 2,
            tx_bytes: 656,
            tx_packets: 8,
            tx_errors: 3,
            tx_dropped: 4,
        };
        assert_eq!(all[0], expected);
    }
}
