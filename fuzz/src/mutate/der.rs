//! DER, changed as a tree: lengths stay right, so that what stands behind them is reached.

use fastrand::Rng;

use super::EDGES;

/// One value of DER.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A tag and its content.
    Leaf(u8, Vec<u8>),
    /// A tag and the values in it; octet strings that hold DER are trees too.
    Tree(u8, Vec<Self>),
}

/// The values one after the other, as far as they are well-formed.
pub(crate) fn parse(mut octets: &[u8], depth: u32) -> Vec<Node> {
    let mut nodes = Vec::new();
    while let Some((tag, content, rest)) = value(octets) {
        let may_hold = tag & 0x20 != 0 || tag == OCTET_STRING;
        let inner = if may_hold && depth > 0 {
            parse(content, depth - 1)
        } else {
            Vec::new()
        };
        let is_whole = inner.iter().map(size).sum::<usize>() == content.len();
        nodes.push(if is_whole && !inner.is_empty() {
            Node::Tree(tag, inner)
        } else {
            Node::Leaf(tag, content.to_vec())
        });
        octets = rest;
    }
    nodes
}

fn value(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = octets.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn size(node: &Node) -> usize {
    encode(std::slice::from_ref(node)).len()
}

/// The values with the lengths that they have.
pub(crate) fn encode(nodes: &[Node]) -> Vec<u8> {
    let one = |node: &Node| match node {
        Node::Leaf(tag, content) => tagged(*tag, content),
        Node::Tree(tag, inner) => tagged(*tag, &encode(inner)),
    };
    nodes.iter().flat_map(one).collect()
}

/// A value of DER.
pub(crate) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let short: Vec<u8> = length.into_iter().skip_while(|octet| *octet == 0).collect();
    let mut der = vec![tag];
    if content.len() < 128 {
        der.extend(short.last().or(Some(&0)));
    } else {
        der.push(0x80 | u8::try_from(short.len()).unwrap_or(8));
        der.extend(short);
    }
    der.extend(content);
    der
}

/// Another tree, if `input` is one.
pub(super) fn change(rng: &mut Rng, input: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let mut nodes = parse(input, DEPTH);
    if nodes.is_empty() {
        return None;
    }
    let donors = parse(other, DEPTH);
    for _ in 0..=rng.u8(..3) {
        change_in(rng, &mut nodes, &donors);
    }
    Some(encode(&nodes))
}

/// Goes down somewhere, and changes what is there.
fn change_in(rng: &mut Rng, nodes: &mut Vec<Node>, donors: &[Node]) {
    if nodes.is_empty() {
        return nodes.extend(donors.first().cloned());
    }
    let at = rng.usize(..nodes.len());
    if let Node::Tree(_, inner) = &mut nodes[at]
        && rng.u8(..5) != 0
    {
        return change_in(rng, inner, donors);
    }
    match rng.u8(..7) {
        0 => drop(nodes.remove(at)),
        1 => nodes.insert(at, nodes[at].clone()),
        2 => {
            let with = rng.usize(..nodes.len());
            nodes.swap(at, with);
        }
        3 => nodes[at] = graft(rng, donors).unwrap_or(Node::Leaf(5, Vec::new())),
        4 => {
            let (Node::Leaf(tag, _) | Node::Tree(tag, _)) = &mut nodes[at];
            *tag = TAGS[rng.usize(..TAGS.len())];
        }
        5 => {
            let nested = (0..1 << rng.u32(..8))
                .fold(nodes[at].clone(), |inner, _| Node::Tree(0x30, vec![inner]));
            nodes[at] = nested;
        }
        _ => {
            if let Node::Leaf(_, content) = &mut nodes[at] {
                change_content(rng, content);
            }
        }
    }
}

fn change_content(rng: &mut Rng, content: &mut Vec<u8>) {
    let at = rng.usize(..=content.len());
    match rng.u8(..5) {
        0 => content.truncate(at),
        1 => content.insert(at, rng.u8(..)),
        2 => {
            let edge = EDGES[rng.usize(..EDGES.len())].to_be_bytes();
            *content = edge.iter().copied().skip(rng.usize(..8)).collect();
        }
        3 => *content = content.repeat(1 << rng.u32(..6)),
        _ => {
            if let Some(octet) = content.get_mut(at) {
                *octet ^= 1 << rng.u8(..8);
            }
        }
    }
}

/// Some value out of another tree.
fn graft(rng: &mut Rng, donors: &[Node]) -> Option<Node> {
    let node = donors.get(rng.usize(..donors.len().max(1)))?;
    match node {
        Node::Tree(_, inner) if rng.u8(..3) != 0 => graft(rng, inner),
        node => Some(node.clone()),
    }
}

const OCTET_STRING: u8 = 4;
/// Deeper than any certificate.
const DEPTH: u32 = 24;
/// Tags that mean something in certificates, and some that do not.
const TAGS: [u8; 18] = [
    1, 2, 3, 4, 5, 6, 10, 12, 19, 22, 23, 24, 0x30, 0x31, 0x80, 0xa0, 0xa3, 0x1f,
];
