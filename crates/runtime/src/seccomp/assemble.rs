//! Pieces of classic BPF: binary search over numbers, comparisons of arguments.

use lockgate_sys::seccomp::Instruction;
use oci_spec::runtime::{LinuxSeccompArg, LinuxSeccompOperator};

/// What happens to system calls from this number on, up to the next range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: u32,
    pub(super) leaf: Leaf,
}

/// Conditional rules in order, then what happens if none applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) rules: Vec<(Vec<LinuxSeccompArg>, u32)>,
    pub(super) otherwise: u32,
}

/// How much of a register is an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// The lower half: all that the kernel takes from a program of 32 bits, whatever the upper half holds.
    Low,
    Whole,
}

/// Code that expects the number in the accumulator and always returns. `ranges` must not be empty.
pub(super) fn search(ranges: &[Range], width: Width, out: &mut Vec<Instruction>) {
    match ranges {
        [] => {}
        [only] => leaf(&only.leaf, width, out),
        _ => {
            let (low, high) = ranges.split_at(ranges.len() / 2);
            let mut below = Vec::new();
            search(low, width, &mut below);
            let start = high.first().map_or(0, |range| range.start);
            jump_over(JUMP_GE, start, below.len(), out);
            out.append(&mut below);
            search(high, width, out);
        }
    }
}

/// Jumps over `length` instructions if the accumulator fulfils the test against `k`.
pub(super) fn jump_over(code: u16, k: u32, length: usize, out: &mut Vec<Instruction>) {
    if let Ok(jt) = u8::try_from(length) {
        out.push(Instruction { code, jt, jf: 0, k });
    } else {
        // Too far for a conditional jump; past the next instruction if the test fails.
        out.push(Instruction {
            code,
            jt: 0,
            jf: 1,
            k,
        });
        out.push(Instruction {
            code: JUMP,
            jt: 0,
            jf: 0,
            k: u32::try_from(length).unwrap_or(0),
        });
    }
}

pub(super) const fn load(offset: u32) -> Instruction {
    Instruction {
        code: LOAD,
        jt: 0,
        jf: 0,
        k: offset,
    }
}

pub(super) const fn give(action: u32) -> Instruction {
    Instruction {
        code: RETURN,
        jt: 0,
        jf: 0,
        k: action,
    }
}

fn leaf(leaf: &Leaf, width: Width, out: &mut Vec<Instruction>) {
    for (conditions, action) in &leaf.rules {
        let mut code: Vec<(Instruction, Exits)> = Vec::new();
        for condition in conditions {
            match width {
                Width::Low => compare_low(condition, &mut code),
                Width::Whole => compare(condition, &mut code),
            }
        }
        code.push((give(*action), Exits::None));
        let end = code.len();
        let resolved = code.iter().enumerate().map(|(at, (instruction, exits))| {
            let to = |target: usize| u8::try_from(target - at - 1).unwrap_or(u8::MAX);
            let (jt, jf) = match exits {
                Exits::None => (0, 0),
                Exits::ElseFail => (0, to(end)),
                Exits::Fail => (to(end), 0),
                Exits::PassAt(pass) => (to(*pass), 0),
                Exits::ElsePassAt(pass) => (0, to(*pass)),
            };
            Instruction {
                jt,
                jf,
                ..*instruction
            }
        });
        out.extend(resolved);
    }
    out.push(give(leaf.otherwise));
}

/// Where a comparison leads. "Fail" means: the rule does not apply.
enum Exits {
    None,
    /// True: go on. False: fail.
    ElseFail,
    /// True: fail. False: go on.
    Fail,
    /// True: the condition holds. False: go on.
    PassAt(usize),
    /// True: go on. False: the condition holds.
    ElsePassAt(usize),
}

/// Compares the lower half of one argument with the lower half of the rule's value.
fn compare_low(condition: &LinuxSeccompArg, code: &mut Vec<(Instruction, Exits)>) {
    let (_, low) = halves(condition.value());
    code.push((load(place_of(condition)), Exits::None));
    let last = match condition.op() {
        LinuxSeccompOperator::ScmpCmpEq => (test(JUMP_EQ, low), Exits::ElseFail),
        LinuxSeccompOperator::ScmpCmpNe => (test(JUMP_EQ, low), Exits::Fail),
        LinuxSeccompOperator::ScmpCmpGt => (test(JUMP_GT, low), Exits::ElseFail),
        LinuxSeccompOperator::ScmpCmpGe => (test(JUMP_GE, low), Exits::ElseFail),
        LinuxSeccompOperator::ScmpCmpLt => (test(JUMP_GE, low), Exits::Fail),
        LinuxSeccompOperator::ScmpCmpLe => (test(JUMP_GT, low), Exits::Fail),
        LinuxSeccompOperator::ScmpCmpMaskedEq => {
            code.push((test(AND, low), Exits::None));
            let (_, wanted) = halves(condition.value_two().unwrap_or(0));
            (test(JUMP_EQ, wanted), Exits::ElseFail)
        }
    };
    code.push(last);
}

/// The upper and the lower 32 bits.
fn halves(value: u64) -> (u32, u32) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "split into halves on purpose"
    )]
    let low = value as u32;
    ((value >> 32) as u32, low)
}

/// Where `seccomp_data` has the lower half of the argument; the upper one follows.
fn place_of(condition: &LinuxSeccompArg) -> u32 {
    16 + 8 * u32::try_from(condition.index()).unwrap_or(0)
}

/// An instruction whose jumps are filled in later.
const fn test(code: u16, k: u32) -> Instruction {
    Instruction {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

/// Compares one argument, in two halves of 32 bits.
fn compare(condition: &LinuxSeccompArg, code: &mut Vec<(Instruction, Exits)>) {
    let offset = place_of(condition);
    let (high_at, low_at) = (load(offset + 4), load(offset));
    let value = condition.value();
    let (high, low) = halves(value);
    let start = code.len();
    match condition.op() {
        LinuxSeccompOperator::ScmpCmpEq => code.extend([
            (high_at, Exits::None),
            (test(JUMP_EQ, high), Exits::ElseFail),
            (low_at, Exits::None),
            (test(JUMP_EQ, low), Exits::ElseFail),
        ]),
        LinuxSeccompOperator::ScmpCmpNe => code.extend([
            (high_at, Exits::None),
            (test(JUMP_EQ, high), Exits::ElsePassAt(start + 4)),
            (low_at, Exits::None),
            (test(JUMP_EQ, low), Exits::Fail),
        ]),
        LinuxSeccompOperator::ScmpCmpMaskedEq => {
            let (wanted_high, wanted_low) = halves(condition.value_two().unwrap_or(0));
            code.extend([
                (high_at, Exits::None),
                (test(AND, high), Exits::None),
                (test(JUMP_EQ, wanted_high), Exits::ElseFail),
                (low_at, Exits::None),
                (test(AND, low), Exits::None),
                (test(JUMP_EQ, wanted_low), Exits::ElseFail),
            ]);
        }
        LinuxSeccompOperator::ScmpCmpGt | LinuxSeccompOperator::ScmpCmpGe => {
            let last = if condition.op() == LinuxSeccompOperator::ScmpCmpGt {
                JUMP_GT
            } else {
                JUMP_GE
            };
            code.extend([
                (high_at, Exits::None),
                (test(JUMP_GT, high), Exits::PassAt(start + 5)),
                (test(JUMP_EQ, high), Exits::ElseFail),
                (low_at, Exits::None),
                (test(last, low), Exits::ElseFail),
            ]);
        }
        LinuxSeccompOperator::ScmpCmpLt | LinuxSeccompOperator::ScmpCmpLe => {
            let last = if condition.op() == LinuxSeccompOperator::ScmpCmpLt {
                JUMP_GE
            } else {
                JUMP_GT
            };
            code.extend([
                (high_at, Exits::None),
                (test(JUMP_GT, high), Exits::Fail),
                (test(JUMP_EQ, high), Exits::ElsePassAt(start + 5)),
                (low_at, Exits::None),
                (test(last, low), Exits::Fail),
            ]);
        }
    }
}

/// Loads 32 bits at an offset of `seccomp_data` into the accumulator.
const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
pub(super) const JUMP_EQ: u16 = 0x15;
const JUMP_GT: u16 = 0x25;
pub(super) const JUMP_GE: u16 = 0x35;
const RETURN: u16 = 0x06;
