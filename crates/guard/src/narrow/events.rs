//! Events, line by line.

use std::collections::BTreeMap;
use std::io;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, BodyStream};
use lockgate_access::Scope;
use lockgate_gate::{Body, body};
use serde::Deserialize;

use crate::flow::Flow;

/// An event is a few KiB with its labels.
const LONGEST: usize = 1024 * 1024;

/// An event, as far as it says whose it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Event {
    #[serde(rename = "Type")]
    kind: String,
    actor: Actor,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Actor {
    attributes: Option<BTreeMap<String, String>>,
}

/// The lines that the caller sees.
pub(super) fn narrowed(body: Flow, scope: Scope) -> Body {
    let pieces = BodyStream::new(body.map_err(io::Error::other));
    let mut lines = Lines::default();
    let seen = pieces.flat_map(move |frame| {
        let piece = frame.map(|frame| frame.into_data().unwrap_or_default());
        let out = piece.and_then(|piece| lines.take(&piece, &scope));
        // A piece without a line that is seen is no piece at all.
        let out = out.map_or_else(
            |error| Some(Err(error)),
            |bytes| (!bytes.is_empty()).then_some(Ok(bytes)),
        );
        stream::iter(out)
    });
    body::stream(seen)
}

/// Lines that come in pieces.
#[derive(Debug, Default)]
struct Lines(BytesMut);

impl Lines {
    fn take(&mut self, piece: &[u8], scope: &Scope) -> io::Result<Bytes> {
        self.0.extend_from_slice(piece);
        let mut seen = BytesMut::new();
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            let line = self.0.split_to(end + 1);
            if is_seen(&line, scope) {
                seen.extend_from_slice(&line);
            }
        }
        if self.0.len() > LONGEST {
            return Err(io::Error::other("an event of more than 1 MiB"));
        }
        Ok(seen.freeze())
    }
}

/// What happens to images is everybody's; what happens to containers carries their labels; of other
/// events nobody can tell whose they are.
fn is_seen(line: &[u8], scope: &Scope) -> bool {
    // RFC 7464 puts a record separator before each line.
    let line = line.strip_prefix(b"\x1e").unwrap_or(line);
    let event: Event = serde_json::from_slice(line).unwrap_or_default();
    match event.kind.as_str() {
        "image" => true,
        "container" => scope.sees(event.actor.attributes.as_ref()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::list::tests::alices;
    use super::*;

    // T: response-side
    #[test]
    fn lines_of_others_are_left_out_however_they_are_cut() {
        let alice = "{\"Type\":\"container\",\"Actor\":{\"Attributes\":{\"lockgate.owner\":\"cn=alice\"}}}\n";
        let image = "\x1e{\"Type\":\"image\",\"Actor\":{\"ID\":\"x\"}}\n";
        let bob =
            "{\"Type\":\"container\",\"Actor\":{\"Attributes\":{\"lockgate.owner\":\"cn=bob\"}}}\n";
        let other =
            "{\"Type\":\"network\",\"Actor\":{\"Attributes\":{\"lockgate.owner\":\"cn=alice\"}}}\n";
        let all = [bob, alice, other, "garbage\n", image].concat();
        for cut in 0..=all.len() {
            let mut lines = Lines::default();
            let (first, second) = all.as_bytes().split_at(cut);
            let mut seen = lines.take(first, &alices()).unwrap().to_vec();
            seen.extend(lines.take(second, &alices()).unwrap());
            assert_eq!(seen, [alice, image].concat().as_bytes());
        }
    }

    #[test]
    fn a_line_without_an_end_is_the_end() {
        let mut lines = Lines::default();
        lines.take(&vec![b'x'; LONGEST], &alices()).unwrap();
        lines.take(b"x", &alices()).unwrap_err();
    }
}
