//! `bpf(2)`, as far as the device controller of cgroup v2 needs it.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// One instruction of eBPF.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u8,
    /// Destination register (low four bits) and source register (high four bits).
    pub registers: u8,
    /// Offset.
    pub offset: i16,
    /// Operand.
    pub immediate: i32,
}

/// Loads a program of type `BPF_PROG_TYPE_CGROUP_DEVICE`.
pub fn load_device_program(program: &[Instruction]) -> io::Result<OwnedFd> {
    let license = c"Apache-2.0";
    let mut attr = Attr::default();
    attr.words[0] = u64::from(PROG_TYPE_CGROUP_DEVICE)
        | (u64::try_from(program.len()).unwrap_or(u64::MAX) << 32);
    attr.words[1] = program.as_ptr() as u64;
    attr.words[2] = license.as_ptr() as u64;
    let fd = call(PROG_LOAD, &attr)?;
    let fd = i32::try_from(fd).map_err(io::Error::other)?;
    // JUSTIFICATION: the descriptor comes as an integer.
    // SAFETY: new and owned by nobody.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Attaches a device program to a cgroup directory, besides those that are there already.
pub fn attach_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let mut attr = Attr::default();
    attr.words[0] = low_high(cgroup.as_raw_fd(), program.as_raw_fd());
    attr.words[1] = CGROUP_DEVICE | (ALLOW_MULTI << 32);
    call(PROG_ATTACH, &attr).map(drop)
}

fn low_high(low: i32, high: i32) -> u64 {
    u64::from(low.cast_unsigned()) | (u64::from(high.cast_unsigned()) << 32)
}

fn call(command: libc::c_int, attr: &Attr) -> io::Result<i64> {
    // JUSTIFICATION: neither std nor rustix offers bpf.
    // SAFETY: `attr` is at least as long as the kernel's union for these commands and its rest is zero;
    // the pointers in it are to objects that the callers keep alive.
    let code = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_ref(attr),
            size_of::<Attr>(),
        )
    };
    if code == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(code)
    }
}

/// `union bpf_attr`, long enough for loading and attaching. Fields of 32 bits come in pairs.
#[repr(C, align(8))]
#[derive(Default)]
struct Attr {
    words: [u64; 16],
}

const PROG_LOAD: libc::c_int = 5;
const PROG_ATTACH: libc::c_int = 8;
const PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const CGROUP_DEVICE: u64 = 6;
const ALLOW_MULTI: u64 = 2;
