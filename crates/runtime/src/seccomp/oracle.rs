//! Our filters beside those of libseccomp: the same profile must decide alike on every system call.
#![expect(clippy::expect_used, reason = "test code")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use oci_spec::runtime::{Capability, LinuxSeccomp};

use super::numbers::Abi;
use super::tests::{X86, X86_64, verdict};
use super::{Filter, Instruction, compile};
use crate::spec::{default_capabilities, seccomp as profiles};

/// A call that is newer than all that the rules name does not exist rather than being forbidden. runc
/// has this as well, but puts it before libseccomp's filter by itself.
const NOT_THERE: u32 = 0x0005_0026;
const FORBIDDEN: u32 = 0x0005_0001;

/// System calls that a program of 32 bits makes through one of these two numbers: libseccomp adds
/// rules for them from those of `socket` and the like, which the table has no need of.
const MULTIPLEXED: [u32; 2] = [102, 117];

/// Compiles with libseccomp; the names that it does not know are taken out of the profile.
fn with_libseccomp(profile: &mut LinuxSeccomp) -> Filter {
    let output = run(profile);
    let end = output
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a line of names");
    let unknown: Vec<String> = serde_json::from_slice(&output[..end]).expect("names");
    let mut rules = profile.syscalls().clone().expect("rules");
    for rule in &mut rules {
        let known = rule.names().iter().filter(|name| !unknown.contains(name));
        let known = known.cloned().collect();
        rule.set_names(known);
    }
    profile.set_syscalls(Some(rules));
    let instructions = output[end + 1..].chunks_exact(8).map(|raw| Instruction {
        code: u16::from_ne_bytes([raw[0], raw[1]]),
        jt: raw[2],
        jf: raw[3],
        k: u32::from_ne_bytes([raw[4], raw[5], raw[6], raw[7]]),
    });
    Filter {
        instructions: instructions.collect(),
        flags: 0,
    }
}

fn run(profile: &LinuxSeccomp) -> Vec<u8> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/seccomp_oracle.py");
    let mut child = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let json = serde_json::to_vec(profile).expect("a profile");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(&json)
        .expect("writing");
    let output = child.wait_with_output().expect("python3");
    assert!(output.status.success(), "libseccomp refuses the profile");
    output.stdout
}

/// Arguments that lie on both sides of everything that the default profile compares.
fn arguments() -> Vec<Vec<u64>> {
    const NAMESPACES: u64 = 0x7e02_0000;
    let mut first: Vec<u64> = vec![0, 1, 2, 8, 38, 39, 40, 41, 42, 0x2_0000, 0x2_0008, u64::MAX];
    first.extend([
        0xffff_ffff,
        0xffff_fffe,
        1 << 32,
        0x1_0000_0028,
        NAMESPACES,
        !NAMESPACES,
    ]);
    first.extend((0..64).map(|bit| 1_u64 << bit));
    let mut all: Vec<Vec<u64>> = first.into_iter().map(|value| vec![value]).collect();
    all.push(vec![u64::MAX; 6]);
    all.push(vec![0, NAMESPACES, 1, 2, 3, 4]);
    all
}

/// The largest number that the rules name.
fn newest(profile: &LinuxSeccomp, abi: Abi) -> Option<u32> {
    let rules = profile.syscalls().iter().flatten();
    rules
        .flat_map(oci_spec::runtime::LinuxSyscall::names)
        .filter_map(|name| abi.number(name))
        .max()
}

/// Over these numbers of system calls.
fn differences(mut profile: LinuxSeccomp, numbers: &[u32]) -> Vec<String> {
    let theirs = with_libseccomp(&mut profile);
    let ours = compile(&profile).expect("it compiles");
    let arguments = arguments();
    let mut all = Vec::new();
    // x86-64, x32 (its numbers have a bit set), x86, and an architecture that is none of these.
    let spaces = [
        (X86_64, 0, Some(Abi::X86_64)),
        (X86_64, 0x4000_0000, Some(Abi::X32)),
        (X86, 0, Some(Abi::X86)),
        (0xc000_00b7, 0, None),
    ];
    for (arch, base, abi) in spaces {
        let newest = abi.and_then(|abi| newest(&profile, abi)).unwrap_or(0);
        for number in numbers.iter().map(|n| n + base) {
            if arch == X86 && MULTIPLEXED.contains(&number) {
                continue;
            }
            for args in &arguments {
                let (our, their) = (
                    verdict(&ours, arch, number, args),
                    verdict(&theirs, arch, number, args),
                );
                let expected = match their {
                    FORBIDDEN if abi.is_some() && number > newest => NOT_THERE,
                    their => their,
                };
                if our != expected {
                    all.push(format!(
                        "{arch:#x} {number} {args:x?}: {our:#x}, libseccomp {their:#x}"
                    ));
                }
            }
        }
    }
    all
}

#[test]
fn the_default_profile_decides_as_libseccomp_does() {
    let more = [
        Capability::SysAdmin,
        Capability::NetAdmin,
        Capability::SysPtrace,
        Capability::Bpf,
    ];
    let many = default_capabilities().into_iter().chain(more).collect();
    let all: Vec<u32> = (0..700).collect();
    for capabilities in [Vec::new(), default_capabilities(), many] {
        let found = differences(profiles::default_profile(&capabilities), &all);
        let count = found.len();
        assert!(
            found.is_empty(),
            "{count} differences, such as {:#?}",
            &found[..count.min(20)]
        );
    }
}

#[test]
fn every_comparison_decides_as_libseccomp_does() {
    // What the rules name, on each architecture, and its neighbours.
    let around = [0, 1, 2, 3, 4, 5, 134, 135, 136, 137];
    for op in ["NE", "LT", "LE", "EQ", "GE", "GT"] {
        for value in [0_u64, 1, 40, 0xffff_ffff, 1 << 32, 0x1_0000_0028, u64::MAX] {
            let json = format!(
                r#"{{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],
                "syscalls":[{{"names":["read","personality"],"action":"SCMP_ACT_ALLOW","args":[{{"index":0,"value":{value},"op":"SCMP_CMP_{op}"}}]}},
                {{"names":["write"],"action":"SCMP_ACT_KILL"}}]}}"#
            );
            let profile = profiles::parse_profile(json.as_bytes(), &[]).expect("a profile");
            let found = differences(profile, &around);
            assert!(
                found.is_empty(),
                "{op} {value:#x}: {:#?}",
                &found[..found.len().min(5)]
            );
        }
    }
}
