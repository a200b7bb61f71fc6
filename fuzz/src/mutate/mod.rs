//! From inputs that were interesting to one that might be.

pub(crate) mod der;
mod dns;

use fastrand::Rng;

/// No parser of ours reads more than this before it decides; longer inputs only cost time.
const LONGEST: usize = 16 * 1024;

/// Numbers at which readers of lengths go wrong.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    u64::MAX >> 1,
    u64::MAX,
];

/// Octets that mean something somewhere.
const ODD: &[u8] = b"\0\n\r\"'\\/%{}[]<>:;=,.-|\x7f\x80\xff";

/// What inputs are made of; half of the changes keep to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Values of DER.
    Der,
    /// A message of DNS.
    Dns,
    /// Text, or octets without lengths.
    Plain,
}

/// One input made from `seeds`, of which there is at least one.
pub(crate) fn mutate(rng: &mut Rng, seeds: &[Vec<u8>], form: Form, words: &[&str]) -> Vec<u8> {
    let mut input = pick(rng, seeds);
    let changed = match form {
        Form::Der if rng.bool() => {
            let other = pick(rng, seeds);
            der::change(rng, &input, &other)
        }
        Form::Dns if rng.bool() => dns::change(rng, &input),
        _ => None,
    };
    if let Some(mut changed) = changed {
        changed.truncate(LONGEST);
        return changed;
    }
    for _ in 0..=rng.u32(0..4).pow(2) {
        change(rng, &mut input, seeds, words);
    }
    input.truncate(LONGEST);
    input
}

fn pick(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    seeds
        .get(rng.usize(..seeds.len().max(1)))
        .cloned()
        .unwrap_or_default()
}

fn change(rng: &mut Rng, input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) {
    let length = input.len();
    if length == 0 {
        return input.extend(std::iter::repeat_with(|| rng.u8(..)).take(8));
    }
    let at = rng.usize(..length);
    let end = (at + 1 + rng.usize(..length.min(64))).min(length);
    match rng.u8(..11) {
        0 => input[at] ^= 1 << rng.u8(..8),
        1 => input[at] = rng.u8(..),
        2 => input[at] = input[at].wrapping_add(rng.u8(..3)).wrapping_sub(1),
        3 => drop(input.drain(at..end)),
        4 => input.truncate(at),
        5 => {
            let copy = input[at..end].to_vec();
            let times = 1 << rng.u32(..6);
            input.splice(at..at, copy.repeat(times));
        }
        6 => {
            let edge = EDGES[rng.usize(..EDGES.len())].to_be_bytes();
            let width = 1 << rng.u32(..4);
            let stop = (at + width).min(length);
            input.splice(at..stop, edge[8 - width..].iter().copied());
        }
        7 => {
            let edge = EDGES[rng.usize(..EDGES.len())].to_string();
            input.splice(at..end, edge.into_bytes());
        }
        8 => {
            let other = pick(rng, seeds);
            let from = rng.usize(..other.len().max(1)).min(other.len());
            let until = (from + rng.usize(..256)).min(other.len());
            input.splice(at..end, other[from..until].iter().copied());
        }
        9 => {
            let block: Vec<u8> = input[at..end].to_vec();
            let to = rng.usize(..length);
            input.splice(to..to, block);
        }
        _ if words.is_empty() => input[at] = ODD[rng.usize(..ODD.len())],
        _ => {
            let word = words[rng.usize(..words.len())].as_bytes();
            let stop = if rng.bool() { end } else { at };
            input.splice(at..stop, word.iter().copied());
        }
    }
}
