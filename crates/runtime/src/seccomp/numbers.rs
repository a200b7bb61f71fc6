//! System call numbers by name, for the architectures that filters may name.

use oci_spec::runtime::Arch;

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

    /// The number of a system call, if there is one of that name.
    pub(super) fn number(self, name: &str) -> Option<u32> {
        let table: &[(u64, u32)] = match self {
            Self::X86_64 => &X86_64,
            Self::X86 => &X86,
            Self::Aarch64 => &AARCH64,
            Self::Arm => &ARM,
            Self::X32 => {
                return Self::X86_64
                    .number(name)
                    .map(|number| x32_number(name, number));
            }
        };
        let hash = hash(name);
        let place = table.binary_search_by_key(&hash, |(hash, _)| *hash).ok()?;
        table.get(place).map(|(_, number)| *number)
    }
}

/// x32 has x86_64's numbers with a bit of its own, except for calls that pass pointers in memory.
pub(super) fn x32_number(name: &str, x86_64: u32) -> u32 {
    let own = X32_OWN
        .iter()
        .position(|own| *own == name)
        .and_then(|n| u32::try_from(n).ok());
    X32_BIT | own.map_or(x86_64, |place| 512 + place)
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

/// The calls that x32 counts from 512 on, in order.
const X32_OWN: [&str; 36] = [
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];
