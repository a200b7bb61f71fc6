//! Device rules of cgroup v2: an eBPF program that the kernel asks for each access.

use std::os::fd::AsFd as _;
use std::path::Path;

use lockgate_sys::bpf::{self, Instruction};
use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType};

use super::super::{CgroupError, file};

/// Loads the rules and attaches them; no rules, no program.
pub(in super::super) fn apply(
    directory: &Path,
    rules: Option<&[LinuxDeviceCgroup]>,
) -> Result<(), CgroupError> {
    let Some(rules) = rules.filter(|rules| !rules.is_empty()) else {
        return Ok(());
    };
    let failed = |source| CgroupError::File {
        path: directory.join("(device program)"),
        source,
    };
    let program = bpf::load_device_program(&compile(rules)).map_err(failed)?;
    let cgroup = file::open_directory(directory)?;
    bpf::attach_device_program(cgroup.as_fd(), program.as_fd()).map_err(failed)
}

/// The last rule that matches decides, so they are asked from the last to the first.
///
/// The context is `{ access_type: u32, major: u32, minor: u32 }`; `access_type` holds the kind in its low
/// and the wanted access in its high half. 1 allows, 0 denies.
fn compile(rules: &[LinuxDeviceCgroup]) -> Vec<Instruction> {
    let mut program = vec![
        load(R2, R1, 0),     // r2 = kind
        and(R2, 0xffff),     //
        load(R3, R1, 0),     // r3 = access
        shift_right(R3, 16), //
        load(R4, R1, 4),     // r4 = major
        load(R5, R1, 8),     // r5 = minor
    ];
    for rule in rules.iter().rev() {
        let block = rule_block(rule);
        let whole = matches_everything(rule);
        program.extend(block);
        if whole {
            return program;
        }
    }
    program.extend([set(R0, 0), EXIT]);
    program
}

fn matches_everything(rule: &LinuxDeviceCgroup) -> bool {
    rule.typ().unwrap_or_default() == LinuxDeviceType::A
}

/// Leaves the program with the rule's verdict if it matches, else falls through.
fn rule_block(rule: &LinuxDeviceCgroup) -> Vec<Instruction> {
    let mut block = Vec::new();
    let verdict = [set(R0, i32::from(rule.allow())), EXIT];
    if matches_everything(rule) {
        block.extend(verdict);
        return block;
    }
    let kind = if rule.typ() == Some(LinuxDeviceType::B) {
        KIND_BLOCK
    } else {
        KIND_CHAR
    };
    block.push(jump_if_not(R2, kind));
    let access = access_bits(rule.access().as_deref().unwrap_or("rwm"));
    if access != ALL_ACCESS {
        // An allowing rule covers the access if it names all of it; a denying one if it names any.
        block.extend([copy(R1, R3), and(R1, access)]);
        block.push(if rule.allow() {
            jump_if_other(R1, R3)
        } else {
            jump_if(R1, 0)
        });
    }
    for (register, number) in [(R4, rule.major()), (R5, rule.minor())] {
        let number = number
            .filter(|n| *n >= 0)
            .and_then(|n| i32::try_from(n).ok());
        block.extend(number.map(|number| jump_if_not(register, number)));
    }
    block.extend(verdict);
    let length = block.len();
    for (at, instruction) in block.iter_mut().enumerate() {
        if matches!(
            instruction.code,
            JUMP_NOT_EQUAL | JUMP_EQUAL | JUMP_NOT_EQUAL_REGISTER
        ) {
            instruction.offset = i16::try_from(length - at - 1).unwrap_or(i16::MAX);
        }
    }
    block
}

fn access_bits(access: &str) -> i32 {
    access.bytes().fold(0, |bits, letter| {
        bits | match letter {
            b'm' => 1,
            b'r' => 2,
            b'w' => 4,
            _ => 0,
        }
    })
}

const fn instruction(code: u8, target: u8, source: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction {
        code,
        registers: target | (source << 4),
        offset,
        immediate,
    }
}
const fn load(target: u8, from: u8, offset: i16) -> Instruction {
    instruction(0x61, target, from, offset, 0)
}
const fn and(target: u8, mask: i32) -> Instruction {
    instruction(0x54, target, 0, 0, mask)
}
const fn shift_right(target: u8, bits: i32) -> Instruction {
    instruction(0x74, target, 0, 0, bits)
}
const fn copy(target: u8, source: u8) -> Instruction {
    instruction(0xbc, target, source, 0, 0)
}
const fn set(target: u8, value: i32) -> Instruction {
    instruction(0xb4, target, 0, 0, value)
}
const fn jump_if_not(register: u8, value: i32) -> Instruction {
    instruction(JUMP_NOT_EQUAL, register, 0, 0, value)
}
const fn jump_if(register: u8, value: i32) -> Instruction {
    instruction(JUMP_EQUAL, register, 0, 0, value)
}
const fn jump_if_other(register: u8, other: u8) -> Instruction {
    instruction(JUMP_NOT_EQUAL_REGISTER, register, other, 0, 0)
}

const EXIT: Instruction = instruction(0x95, 0, 0, 0, 0);
const JUMP_EQUAL: u8 = 0x15;
const JUMP_NOT_EQUAL: u8 = 0x55;
const JUMP_NOT_EQUAL_REGISTER: u8 = 0x5d;
const KIND_BLOCK: i32 = 1;
const KIND_CHAR: i32 = 2;
const ALL_ACCESS: i32 = 7;
const R0: u8 = 0;
const R1: u8 = 1;
const R2: u8 = 2;
const R3: u8 = 3;
const R4: u8 = 4;
const R5: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{default_device_rules, device_rule};

    /// Runs the program as the kernel would.
    fn verdict(program: &[Instruction], context: [u32; 3]) -> i64 {
        let mut registers = [0_i64; 6];
        let mut at = 0;
        loop {
            let i = program[at];
            let (d, s) = (usize::from(i.registers & 15), usize::from(i.registers >> 4));
            at += 1;
            let jump = match i.code {
                0x61 => {
                    registers[d] = i64::from(context[usize::try_from(i.offset).unwrap() / 4]);
                    false
                }
                0x54 => {
                    registers[d] &= i64::from(i.immediate);
                    false
                }
                0x74 => {
                    registers[d] >>= i.immediate;
                    false
                }
                0xbc => {
                    registers[d] = registers[s];
                    false
                }
                0xb4 => {
                    registers[d] = i64::from(i.immediate);
                    false
                }
                JUMP_EQUAL => registers[d] == i64::from(i.immediate),
                JUMP_NOT_EQUAL => registers[d] != i64::from(i.immediate),
                JUMP_NOT_EQUAL_REGISTER => registers[d] != registers[s],
                0x95 => return registers[0],
                code => panic!("operation {code:#x}"),
            };
            if jump {
                at += usize::try_from(i.offset).unwrap();
            }
        }
    }

    fn ask(rules: &[LinuxDeviceCgroup], kind: char, access: &str, major: u32, minor: u32) -> bool {
        let kind = if kind == 'b' { KIND_BLOCK } else { KIND_CHAR };
        let access = access_bits(access);
        let context = [(kind | (access << 16)).cast_unsigned(), major, minor];
        verdict(&compile(rules), context) == 1
    }

    #[test]
    fn the_default_rules_allow_the_usual_devices_and_nodes_only() {
        let rules = default_device_rules();
        assert!(ask(&rules, 'c', "rw", 1, 3));
        assert!(ask(&rules, 'c', "rwm", 136, 7));
        assert!(ask(&rules, 'c', "m", 10, 200));
        assert!(ask(&rules, 'b', "m", 8, 0));
        assert!(!ask(&rules, 'c', "rw", 10, 200));
        assert!(!ask(&rules, 'b', "r", 8, 0));
        assert!(!ask(&rules, 'b', "rm", 8, 0));
        assert!(!ask(&rules, 'c', "r", 1, 1));
    }

    #[test]
    fn the_last_matching_rule_decides() {
        let all = device_rule(true, LinuxDeviceType::A, None, None, "rwm");
        let no_disk = device_rule(false, LinuxDeviceType::B, Some(8), None, "w");
        let rules = [all, no_disk];
        assert!(ask(&rules, 'b', "r", 8, 1));
        assert!(!ask(&rules, 'b', "rw", 8, 1));
        assert!(ask(&rules, 'c', "rw", 8, 1));
    }
}
