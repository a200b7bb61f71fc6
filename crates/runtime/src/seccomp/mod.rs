//! Seccomp filters: the specification's rules compiled to classic BPF.

mod assemble;
mod compile;
mod numbers;

use std::io;

use lockgate_sys::seccomp::Instruction;
use lockgate_types::ErrorKind;

pub(crate) use compile::compile;

/// A filter that is ready to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    instructions: Vec<Instruction>,
    flags: u64,
}

impl Filter {
    /// Puts the calling process under it, for good.
    pub(crate) fn install(&self) -> io::Result<()> {
        lockgate_sys::seccomp::install(&self.instructions, self.flags)
    }
}

/// Why rules cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    /// An architecture whose system calls are not known here.
    #[error("seccomp architecture {0} is not supported")]
    Architecture(String),
    /// An action that needs a listener.
    #[error("seccomp action {0} is not supported")]
    Action(String),
    /// A system call has six arguments.
    #[error("seccomp rule for `{name}` compares argument {index}, 0 to 5 are allowed")]
    Argument {
        /// The system call.
        name: String,
        /// The argument.
        index: usize,
    },
    /// The kernel's limit.
    #[error("seccomp filter has {0} instructions, 4096 are allowed")]
    Length(usize),
}

impl CompileError {
    /// Whose fault.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Architecture(_) | Self::Action(_) => ErrorKind::Unsupported,
            Self::Argument { .. } | Self::Length(_) => ErrorKind::InvalidInput,
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod oracle;
#[cfg(test)]
mod tests;
