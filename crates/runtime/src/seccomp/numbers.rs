//! System call numbers by name, for the architectures that filters may name.

use oci_spec::runtime::Arch;

use super::assemble::Width;

/// One way of calling the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abi {
    X86_64,
    X86,
    X32,
    Aarch64,
    Arm,
}

impl Abi {
    pub(super) fn of(arch: Arch) -> Option<Self> {
        match arch {
            Arch::ScmpArchNative => Some(NATIVE),
            Arch::ScmpArchX86_64 => Some(Self::X86_64),
            Arch::ScmpArchX86 => Some(Self::X86),
            Arch::ScmpArchX32 => Some(Self::X32),
            Arch::ScmpArchAarch64 => Some(Self::Aarch64),
            Arch::ScmpArchArm => Some(Self::Arm),
            _ => None,
        }
    }

    /// The value of `seccomp_data.arch`; x86_64 and x32 share theirs.
    pub(super) fn audit(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
            Self::Arm => 0x4000_0028,
        }
    }

    /// What of a register a program of this kind passes as an argument.
    pub(super) fn width(self) -> Width {
        match self {
            Self::X86_64 | Self::Aarch64 => Width::Whole,
            Self::X86 | Self::X32 | Self::Arm => Width::Low,
        }
    }

    /// The number of a system call, if there is one of that name.
    pub(super) fn number(self, name: &str) -> Option<u32> {
        let table: &[(u64, u32)] = match self {
            Self::X86_64 => &X86_64,
            Self::X86 => &X86,
            Self::Aarch64 => &AARCH64,
            Self::Arm => &ARM,
            Self::X32 => return x32_number(name),
        };
        let hash = hash(name);
        let place = table.binary_search_by_key(&hash, |(hash, _)| *hash).ok()?;
        table.get(place).map(|(_, number)| *number)
    }
}

/// x32 has x86_64's numbers with a bit of its own, except for calls that pass pointers in memory.
fn x32_number(name: &str) -> Option<u32> {
    let hash = hash(name);
    if X32_LACKS.contains(&hash) {
        return None;
    }
    let own = X32_OWN
        .iter()
        .position(|own| *own == hash)
        .and_then(|n| u32::try_from(n).ok());
    let number = own
        .map(|place| 512 + place)
        .or_else(|| Abi::X86_64.number(name));
    Some(X32_BIT | number?)
}

/// A table of one architecture: the hash of each name with its number, sorted by hash. Names are hashed
/// when this is compiled: there are no pointers in it that a position-independent program would have to
/// adjust, and looking one up is a search among numbers.
macro_rules! table {
    ($name:ident, $calls:ty) => {
        const $name: [(u64, u32); <$calls>::count()] = {
            let mut table = [(0, 0); <$calls>::count()];
            let mut length = 0;
            let mut call = Some(<$calls>::first());
            while let Some(current) = call {
                let entry = (hash(current.name()), current.id().unsigned_abs());
                let mut place = length;
                while place > 0 && table[place - 1].0 > entry.0 {
                    table[place] = table[place - 1];
                    place -= 1;
                }
                assert!(
                    place == 0 || table[place - 1].0 != entry.0,
                    "two names with one hash"
                );
                table[place] = entry;
                length += 1;
                let last = <$calls>::last();
                call = match current.next() {
                    // The iteration of the crate leaves the last one out.
                    None if current.id() != last.id() => Some(last),
                    next => next,
                };
            }
            assert!(length == table.len());
            table
        };
    };
}

table!(X86_64, syscalls::x86_64::Sysno);
table!(X86, syscalls::x86::Sysno);
table!(AARCH64, syscalls::aarch64::Sysno);
table!(ARM, syscalls::arm::Sysno);

/// FNV-1a.
const fn hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x100_0000_01b3);
        at += 1;
    }
    hash
}

/// Set in every number of x32.
pub(super) const X32_BIT: u32 = 0x4000_0000;

#[cfg(target_arch = "x86_64")]
pub(super) const NATIVE: Abi = Abi::X86_64;
#[cfg(target_arch = "aarch64")]
pub(super) const NATIVE: Abi = Abi::Aarch64;

/// Calls of x86_64 that x32 does not have, of those that anybody allows.
const X32_LACKS: [u64; 5] = [
    hash("epoll_ctl_old"),
    hash("epoll_wait_old"),
    hash("get_thread_area"),
    hash("map_shadow_stack"),
    hash("set_thread_area"),
];

/// The calls that x32 counts from 512 on, in order, by hash.
const X32_OWN: [u64; 36] = [
    hash("rt_sigaction"),
    hash("rt_sigreturn"),
    hash("ioctl"),
    hash("readv"),
    hash("writev"),
    hash("recvfrom"),
    hash("sendmsg"),
    hash("recvmsg"),
    hash("execve"),
    hash("ptrace"),
    hash("rt_sigpending"),
    hash("rt_sigtimedwait"),
    hash("rt_sigqueueinfo"),
    hash("sigaltstack"),
    hash("timer_create"),
    hash("mq_notify"),
    hash("kexec_load"),
    hash("waitid"),
    hash("set_robust_list"),
    hash("get_robust_list"),
    hash("vmsplice"),
    hash("move_pages"),
    hash("preadv"),
    hash("pwritev"),
    hash("rt_tgsigqueueinfo"),
    hash("recvmmsg"),
    hash("sendmmsg"),
    hash("process_vm_readv"),
    hash("process_vm_writev"),
    hash("setsockopt"),
    hash("getsockopt"),
    hash("io_setup"),
    hash("io_submit"),
    hash("execveat"),
    hash("preadv2"),
    hash("pwritev2"),
];
