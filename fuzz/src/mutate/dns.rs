//! DNS messages, changed at their joints: counts, pointers, records.

use fastrand::Rng;

const HEADER: usize = 12;

/// Another message, if `input` is long enough to be one.
pub(super) fn change(rng: &mut Rng, input: &[u8]) -> Option<Vec<u8>> {
    let mut message = input.to_vec();
    message.get(..HEADER)?;
    for _ in 0..=rng.u8(..3) {
        joint(rng, &mut message);
    }
    Some(message)
}

fn joint(rng: &mut Rng, message: &mut Vec<u8>) {
    let length = message.len();
    let at = HEADER.min(length) + rng.usize(..=length.saturating_sub(HEADER));
    match rng.u8(..9) {
        // Operation, flags, response code.
        0 => message[2 + rng.usize(..2)] = rng.u8(..),
        1 => {
            let count = 4 + 2 * rng.usize(..4);
            message[count] = if rng.u8(..4) == 0 { 0xff } else { 0 };
            message[count + 1] = rng.u8(..4);
        }
        // A pointer: to the question, to itself, ahead, or anywhere.
        2 | 3 => {
            let target = [HEADER, at, at + 2, rng.usize(..0x4000)][rng.usize(..4)];
            let target = u16::try_from(target & 0x3fff).unwrap_or(0) | 0xc000;
            message.splice(at..at, target.to_be_bytes());
        }
        4 => {
            let size = rng.u8(..70);
            let label = std::iter::once(size).chain(std::iter::repeat_n(b'a', size.into()));
            message.splice(at..at, label);
        }
        5 => {
            let option = [0, 0, 41, rng.u8(..), rng.u8(..), 0, rng.u8(..2), 0, 0];
            let data: Vec<u8> = (0..rng.u8(..24)).map(|_| rng.u8(..)).collect();
            add(message, 10, &[&option[..], &rdata(rng, &data)].concat());
        }
        6 => {
            let question = message.get(HEADER..).unwrap_or_default().to_vec();
            add(message, 4, &question);
        }
        7 => {
            let kind = [1, 2, 5, 6, 12, 15, 16, 28, 33, 46, 47, 50, 64, 255][rng.usize(..14)];
            let head = [0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60];
            let data: Vec<u8> = (0..rng.u8(..32)).map(|_| rng.u8(..)).collect();
            let section = 6 + 2 * rng.usize(..3);
            add(message, section, &[&head[..], &rdata(rng, &data)].concat());
        }
        _ => message.truncate(at),
    }
    message.resize(message.len().max(HEADER), 0);
}

/// Data and its length, which is wrong now and then.
fn rdata(rng: &mut Rng, data: &[u8]) -> Vec<u8> {
    let wrong = if rng.u8(..6) == 0 { rng.u16(..64) } else { 0 };
    let length = u16::try_from(data.len()).unwrap_or(0) ^ wrong;
    [&length.to_be_bytes()[..], data].concat()
}

/// Appends a record or a question, and counts it.
fn add(message: &mut Vec<u8>, count: usize, what: &[u8]) {
    message[count + 1] = message[count + 1].wrapping_add(1);
    message.extend(what);
}
