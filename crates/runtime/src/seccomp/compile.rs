//! From rules by name to a filter by number.
//!
//! ```text
//! load arch
//! arch == A ?  -> block of A:  load number, binary search over ranges of numbers
//! arch == B ?  -> block of B        -> compare arguments, or return at once
//! kill
//! ```
//!
//! Rules of one system call that compare arguments are asked in order; the first one that applies wins.
//! A rule without comparisons applies if none of them does. Comparisons of one argument with several
//! values within one rule are alternatives, as in runc.

use lockgate_sys::seccomp::Instruction;
use oci_spec::runtime::{
    LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompFilterFlag, LinuxSyscall,
};

use super::assemble::{JUMP_EQ, JUMP_GE, Leaf, Range, give, jump_over, load, search};
use super::numbers::{Abi, NATIVE, X32_BIT};
use super::{CompileError, Filter};

/// Compiles the rules for all architectures that they name, or for this machine's.
pub(crate) fn compile(profile: &LinuxSeccomp) -> Result<Filter, CompileError> {
    let abis = abis(profile)?;
    let default = action(profile.default_action(), profile.default_errno_ret())?;
    let mut tables: Vec<Table<'_>> = abis
        .iter()
        .map(|&abi| Table {
            abi,
            entries: Vec::with_capacity(512),
        })
        .collect();
    for rule in profile.syscalls().iter().flatten() {
        let verdict = action(rule.action(), rule.errno_ret())?;
        if verdict != default {
            add_rule(rule, verdict, &mut tables)?;
        }
    }
    for table in &mut tables {
        // Stable: the rules of one call stay in their order.
        table.entries.sort_by_key(|entry| entry.number);
    }
    let mut instructions = vec![load(ARCH)];
    for table in tables.iter().filter(|table| table.abi != Abi::X32) {
        let x32 = tables
            .iter()
            .find(|t| t.abi == Abi::X32 && table.abi == Abi::X86_64);
        let block = block(table, x32, default);
        // Past the block if it is another architecture.
        jump_over(JUMP_EQ, table.abi.audit(), 1, &mut instructions);
        instructions.push(jump(block.len()));
        instructions.extend(block);
    }
    instructions.push(give(KILL_THREAD));
    if instructions.len() > 4096 {
        return Err(CompileError::Length(instructions.len()));
    }
    Ok(Filter {
        instructions,
        flags: flags(profile),
    })
}

/// The rules of one architecture.
struct Table<'a> {
    abi: Abi,
    entries: Vec<Entry<'a>>,
}

/// One rule for one system call.
struct Entry<'a> {
    number: u32,
    conditions: &'a [LinuxSeccompArg],
    verdict: u32,
}

fn abis(profile: &LinuxSeccomp) -> Result<Vec<Abi>, CompileError> {
    let mut abis = Vec::new();
    for arch in profile.architectures().iter().flatten() {
        let abi = Abi::of(*arch).ok_or_else(|| CompileError::Architecture(arch.to_string()))?;
        if !abis.contains(&abi) {
            abis.push(abi);
        }
    }
    // The native one is always there; x32 cannot be without x86_64.
    if !abis.contains(&NATIVE) {
        abis.insert(0, NATIVE);
    }
    Ok(abis)
}

fn add_rule<'a>(
    rule: &'a LinuxSyscall,
    verdict: u32,
    tables: &mut [Table<'a>],
) -> Result<(), CompileError> {
    let conditions = rule.args().as_deref().unwrap_or(&[]);
    for name in rule.names() {
        if let Some(bad) = conditions.iter().find(|c| c.index() > 5) {
            return Err(CompileError::Argument {
                name: name.clone(),
                index: bad.index(),
            });
        }
        for table in &mut *tables {
            let Some(number) = table.abi.number(name) else {
                continue;
            };
            if are_alternatives(conditions) {
                let each = conditions.chunks(1);
                table.entries.extend(each.map(|conditions| Entry {
                    number,
                    conditions,
                    verdict,
                }));
            } else {
                table.entries.push(Entry {
                    number,
                    conditions,
                    verdict,
                });
            }
        }
    }
    Ok(())
}

fn are_alternatives(conditions: &[LinuxSeccompArg]) -> bool {
    conditions.len() > 1
        && (0..6).any(|index| conditions.iter().filter(|c| c.index() == index).count() > 1)
}

fn block(table: &Table<'_>, x32: Option<&Table<'_>>, default: u32) -> Vec<Instruction> {
    let mut code = vec![load(NUMBER)];
    let mut own = Vec::new();
    search(&ranges(table, default), table.abi.width(), &mut own);
    if table.abi == Abi::X86_64 {
        jump_over(JUMP_GE, X32_BIT, own.len(), &mut code);
        code.append(&mut own);
        match x32 {
            Some(x32) => search(&ranges(x32, default), x32.abi.width(), &mut code),
            None => code.push(give(KILL_THREAD)),
        }
    } else {
        code.append(&mut own);
    }
    code
}

/// Neighbours with the same verdict are one range.
fn ranges(table: &Table<'_>, default: u32) -> Vec<Range> {
    let base = if table.abi == Abi::X32 { X32_BIT } else { 0 };
    let plain = |otherwise| Leaf {
        rules: Vec::new(),
        otherwise,
    };
    let mut ranges = vec![Range {
        start: base,
        leaf: plain(default),
    }];
    let mut push = |start: u32, leaf: Leaf| match ranges.last_mut() {
        Some(last) if last.leaf == leaf => {}
        Some(last) if last.start == start => last.leaf = leaf,
        _ => ranges.push(Range { start, leaf }),
    };
    let mut next = base;
    for call in table.entries.chunk_by(|a, b| a.number == b.number) {
        let Some(number) = call.first().map(|entry| entry.number) else {
            continue;
        };
        if number > next {
            push(next, plain(default));
        }
        let always = call.iter().find(|entry| entry.conditions.is_empty());
        let conditional = call.iter().filter(|entry| !entry.conditions.is_empty());
        let rules = conditional
            .map(|entry| (entry.conditions.to_vec(), entry.verdict))
            .collect();
        push(
            number,
            Leaf {
                rules,
                otherwise: always.map_or(default, |entry| entry.verdict),
            },
        );
        next = number + 1;
    }
    // A call that is newer than the newest one in the rules does not exist rather than being forbidden:
    // then a C library falls back to an older one.
    let denies = default & ACTION_MASK == ERRNO || default & ACTION_MASK == TRACE;
    push(next, plain(if denies { ERRNO | ENOSYS } else { default }));
    ranges
}

fn jump(length: usize) -> Instruction {
    Instruction {
        code: 0x05,
        jt: 0,
        jf: 0,
        k: u32::try_from(length).unwrap_or(0),
    }
}

fn action(action: LinuxSeccompAction, number: Option<u32>) -> Result<u32, CompileError> {
    let data = number.unwrap_or(EPERM) & 0xffff;
    Ok(match action {
        LinuxSeccompAction::ScmpActKill | LinuxSeccompAction::ScmpActKillThread => KILL_THREAD,
        LinuxSeccompAction::ScmpActKillProcess => 0x8000_0000,
        LinuxSeccompAction::ScmpActTrap => 0x0003_0000,
        LinuxSeccompAction::ScmpActErrno => ERRNO | data,
        LinuxSeccompAction::ScmpActTrace => TRACE | data,
        LinuxSeccompAction::ScmpActLog => 0x7ffc_0000,
        LinuxSeccompAction::ScmpActAllow => 0x7fff_0000,
        LinuxSeccompAction::ScmpActNotify => return Err(CompileError::Action(action.to_string())),
    })
}

fn flags(profile: &LinuxSeccomp) -> u64 {
    let flag = |flag: &LinuxSeccompFilterFlag| match flag {
        LinuxSeccompFilterFlag::SeccompFilterFlagTsync => 1,
        LinuxSeccompFilterFlag::SeccompFilterFlagLog => 2,
        LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => SPEC_ALLOW,
        // Only of use with a listener.
        LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv => 0,
    };
    match profile.flags() {
        Some(list) => list.iter().map(flag).fold(0, |all, flag| all | flag),
        None => SPEC_ALLOW,
    }
}

/// Offsets in `seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;

const KILL_THREAD: u32 = 0;
const ERRNO: u32 = 0x0005_0000;
const TRACE: u32 = 0x7ff0_0000;
const ACTION_MASK: u32 = 0xffff_0000;
const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
const SPEC_ALLOW: u64 = 4;
