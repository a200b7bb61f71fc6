//! What a shim says to the program that ships a container's output elsewhere (`lockgate-log`).
//!
//! ```text
//! shim                                     lockgate-log
//!   | -- frame: LogSetup ----------------> |   connects
//!   | <--------------- frame: LogReady --- |   or says why it cannot
//!   | == record record record … =========> |   until end-of-file; then it delivers the rest and ends
//!
//! record := stream:u8 (1|2)  partial:u8 (0|1)  0 0  length:u32le  time:i64le (unix nanoseconds)  text[length]
//! ```
//!
//! The text has no newline at its end; `partial` says that the line goes on in the next record.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;

use lockgate_types::Timestamp;
use serde::{Deserialize, Serialize};

use super::LogTarget;

/// The longest text of a record; a longer one is not from a shim, which cuts at 16 KiB.
const MAX_TEXT: usize = 1 << 20;
const HEADER: usize = 16;

/// Output that another program ships elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoteLog {
    /// The program.
    pub program: PathBuf,
    /// What it is told first.
    pub setup: LogSetup,
    /// Bytes that may wait for a slow target before lines are dropped; absent: the container waits.
    pub buffer: Option<u64>,
    /// A copy of the output for `docker logs`.
    pub cache: Option<Box<LogTarget>>,
}

/// Where output goes and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogSetup {
    /// `syslog`, `fluentd`, `gelf` or `journald`.
    pub driver: String,
    /// The driver's options.
    pub options: BTreeMap<String, String>,
    /// The container's full id.
    pub container_id: String,
    /// Its name, without the slash.
    pub container_name: String,
    /// The image's id.
    pub image_id: String,
    /// The image as it was named.
    pub image_name: String,
    /// The command line.
    pub command: String,
    /// When the container was created.
    pub created: String,
    /// The tag, ready-made.
    pub tag: String,
    /// Labels and variables that the options ask for.
    pub attributes: BTreeMap<String, String>,
}

/// Whether lines can be shipped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogReady {
    /// Why not.
    pub error: Option<String>,
}

/// One line, or a piece of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// From standard error rather than standard output.
    pub is_stderr: bool,
    /// The line goes on in the next record.
    pub is_partial: bool,
    /// When it was read.
    pub time: Timestamp,
    /// Without the newline.
    pub text: Vec<u8>,
}

/// Appends a record to `out`.
pub fn encode_record(is_stderr: bool, time: Timestamp, line: &[u8], out: &mut Vec<u8>) {
    let (text, is_partial) = match line.strip_suffix(b"\n") {
        Some(text) => (text, false),
        None => (line, true),
    };
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&[if is_stderr { 2 } else { 1 }, u8::from(is_partial), 0, 0]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&time.unix_nanos().to_le_bytes());
    out.extend_from_slice(text);
}

/// How many bytes the record at the start of `from` takes; `None` if its header is not whole.
pub(crate) fn record_length(from: &[u8]) -> Option<usize> {
    let length: [u8; 4] = from.get(4..8)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(length))
        .ok()?
        .checked_add(HEADER)
}

/// Reads the next record; `None` at the end. A record that is cut off is an error.
pub fn read_record(from: &mut impl Read) -> io::Result<Option<LogRecord>> {
    let mut header = [0; HEADER];
    let mut have = 0;
    while have < HEADER {
        match from.read(header.get_mut(have..).unwrap_or_default()) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => have += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let [stream, partial, _, _, a, b, c, d, time @ ..] = header;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > MAX_TEXT || !matches!((stream, partial), (1 | 2, 0 | 1)) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "not a log record",
        ));
    }
    let mut text = vec![0; length];
    from.read_exact(&mut text)?;
    Ok(Some(LogRecord {
        is_stderr: stream == 2,
        is_partial: partial == 1,
        time: Timestamp::from_unix_nanos(i64::from_le_bytes(time).into()),
        text,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_they_were_written() {
        let time = Timestamp::from_unix_nanos(1_234_567_890_123_456_789);
        let mut bytes = Vec::new();
        encode_record(false, time, b"whole\n", &mut bytes);
        encode_record(true, time, b"half", &mut bytes);
        let mut from = bytes.as_slice();
        let first = read_record(&mut from).unwrap().unwrap();
        assert_eq!(
            (first.text.as_slice(), first.is_partial, first.is_stderr),
            (&b"whole"[..], false, false)
        );
        assert_eq!(first.time, time);
        let second = read_record(&mut from).unwrap().unwrap();
        assert_eq!(
            (second.text.as_slice(), second.is_partial, second.is_stderr),
            (&b"half"[..], true, true)
        );
        assert_eq!(read_record(&mut from).unwrap(), None);
        for cut in 1..bytes.len() {
            if cut != HEADER + 5 {
                let mut from = &bytes[..cut];
                let all = std::iter::from_fn(|| read_record(&mut from).transpose());
                assert!(all.last().unwrap().is_err(), "{cut}");
            }
        }
    }

    #[test]
    fn nonsense_is_refused_without_allocating_for_it() {
        let huge = [1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0];
        read_record(&mut huge.as_slice()).unwrap_err();
        let odd = [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        read_record(&mut odd.as_slice()).unwrap_err();
    }
}
