//! `seccomp(2)`.

use std::io;

/// One instruction of classic BPF.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// How far to jump if true.
    pub jt: u8,
    /// How far to jump if false.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// Puts this thread under a filter; `flags` are `SECCOMP_FILTER_FLAG_*`.
///
/// Needs CAP_SYS_ADMIN or no_new_privs.
pub fn install(program: &[Instruction], flags: u64) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = Program {
        len,
        filter: program.as_ptr(),
    };
    let set_mode_filter = 1;
    // JUSTIFICATION: neither std nor rustix offers seccomp.
    // SAFETY: `program` describes `len` instructions that outlive the call; Instruction has the layout of
    // the kernel's sock_filter.
    let code = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            set_mode_filter,
            flags,
            &raw const program,
        )
    };
    if code == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// `struct sock_fprog` of the kernel.
#[repr(C)]
struct Program {
    len: u16,
    filter: *const Instruction,
}
