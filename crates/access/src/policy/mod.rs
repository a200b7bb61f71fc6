//! The policy file: which identity has which role, and what the roles allow.

mod binding;
mod carried;
mod eval;
mod explain;
mod file;
mod group;
mod host;
mod judge;
mod only;
mod operation;
mod parse;
mod pattern;
mod question;
mod role;
mod roots;
mod scope;
#[cfg(test)]
mod tests;

use std::path::Path;

use lockgate_types::ErrorKind;

use binding::Bindings;
use carried::Believed;
pub use explain::Explanation;
pub use group::{Group, group_of};
pub(crate) use judge::entered;
pub use parse::PolicyCase;
pub(crate) use parse::bytes;
pub(crate) use pattern::{is_id, is_of_registry};
pub(crate) use question::{Grant, Question};
use role::Role;
pub use roots::Root;
pub use scope::{HostRoot, Scope, View};

/// Whom the unix socket belongs to: user 0 and these groups are `admin` there, with any policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketOwners {
    /// The groups of the unix sockets.
    pub groups: Vec<u32>,
}

/// What applies to calls.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Rules,
}

#[derive(Clone, Debug)]
enum Rules {
    /// There is no file: every valid identity is `admin`, but for certificates that carry a role.
    Absent(Box<File>),
    /// There is a file, and it never was readable: everything is denied.
    Broken {
        reason: String,
    },
    File(Box<File>),
}

/// What a file says.
#[derive(Clone, Debug, Default)]
struct File {
    roles: Vec<Role>,
    bindings: Bindings,
    /// Which roles of certificates count.
    believed: Believed,
    /// Labels that make objects somebody's: nobody else may set them.
    controlled: std::collections::BTreeSet<String>,
    cases: Vec<PolicyCase>,
}

/// Why a policy file does not load.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Something at a place of the file.
    #[error("line {line}, column {column}: {cause}")]
    At {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
        /// What.
        cause: Box<Self>,
    },
    /// A value that means nothing.
    #[error("role `{role}`: `{value}` is no {expected}")]
    BadValue {
        /// In which role.
        role: String,
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Anybody can change the file.
    #[error("the policy file can be changed by everybody; run `chmod o-w` on it")]
    Changeable,
    /// The file holds nothing: it is being written, or was lost.
    #[error("the policy file is empty; to let nobody in, write `bindings = []`")]
    Empty,
    /// There was a file, and now there is none.
    #[error(
        "the policy file is gone; without one everybody would be admin, which only a restart makes true"
    )]
    Gone,
    /// The file is there and cannot be read.
    #[error("cannot read the policy file")]
    Read(#[source] std::io::Error),
    /// The file is no TOML, or holds a key that does not exist; the text shows line and column.
    #[error("the policy file is invalid")]
    Syntax(#[source] Box<toml::de::Error>),
    /// A binding names a role that does not exist.
    #[error("binding {binding} names the role `{role}`, which does not exist")]
    UnknownRole {
        /// Which binding, from 1.
        binding: usize,
        /// The name.
        role: String,
    },
    /// `certificate_roles` names a role that does not exist.
    #[error("certificate_roles names the role `{role}`, which does not exist")]
    UnknownCarried {
        /// The name.
        role: String,
    },
    /// A role uses a name that is neither an operation, a family, a role nor a set.
    #[error("role `{role}` names `{name}`, which is no operation, family, role or set")]
    UnknownOperation {
        /// In which role.
        role: String,
        /// The name.
        name: String,
    },
    /// A role has the name of a built-in one.
    #[error("the role `{role}` is built in and cannot be redefined")]
    BuiltInRole {
        /// The name.
        role: String,
    },
    /// A binding without conditions or roles would mean everybody or nothing.
    #[error("binding {binding} needs at least one condition and one role")]
    EmptyBinding {
        /// Which binding, from 1.
        binding: usize,
    },
    /// A condition that nothing sensible can match.
    #[error("binding {binding} has an empty or malformed `{key}`")]
    BadCondition {
        /// Which binding, from 1.
        binding: usize,
        /// The key.
        key: &'static str,
    },
}

impl PolicyError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::At { cause, .. } => cause.kind(),
            Self::Gone | Self::Read(_) => ErrorKind::Unavailable,
            Self::BadValue { .. }
            | Self::Changeable
            | Self::Empty
            | Self::Syntax(_)
            | Self::UnknownCarried { .. }
            | Self::UnknownRole { .. }
            | Self::UnknownOperation { .. }
            | Self::BuiltInRole { .. }
            | Self::EmptyBinding { .. }
            | Self::BadCondition { .. } => ErrorKind::InvalidInput,
        }
    }
}

impl Policy {
    /// Every valid identity is `admin`, which is what having no file means; a certificate that carries a
    /// role has that one.
    pub fn absent() -> Self {
        Self {
            rules: Rules::Absent(Box::new(File::built_in())),
        }
    }

    /// Everything is denied because the file cannot be used; `reason` is shown to the client.
    pub fn broken(reason: impl Into<String>) -> Self {
        Self {
            rules: Rules::Broken {
                reason: reason.into(),
            },
        }
    }

    /// Reads the file at `path`; a missing one is [`Policy::absent`].
    pub fn load(path: &Path) -> Result<Self, PolicyError> {
        match file::read(path)? {
            Some(text) => Self::parse(&text),
            None => Ok(Self::absent()),
        }
    }

    /// Reads the file at `path` in the place of this policy. One that is gone is an error: having no file
    /// opens the door, and nobody does that by losing one.
    pub fn load_again(&self, path: &Path) -> Result<Self, PolicyError> {
        match Self::load(path)? {
            fresh if fresh.is_absent() && !self.is_absent() => Err(PolicyError::Gone),
            fresh => Ok(fresh),
        }
    }

    /// Reads the text of a policy file.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Ok(Self {
            rules: Rules::File(Box::new(parse::parse(text)?)),
        })
    }

    /// The cases that the file has for itself.
    pub fn cases(&self) -> &[PolicyCase] {
        match &self.rules {
            Rules::File(file) => &file.cases,
            Rules::Absent(_) | Rules::Broken { .. } => &[],
        }
    }

    /// The names of the roles, if there is a file that says which there are.
    pub fn role_names(&self) -> Option<Vec<&str>> {
        match &self.rules {
            Rules::File(file) => Some(file.roles.iter().map(|role| role.name.as_str()).collect()),
            Rules::Absent(_) | Rules::Broken { .. } => None,
        }
    }

    /// Whether there is no policy file, which is worth a loud line in the log.
    pub fn is_absent(&self) -> bool {
        matches!(self.rules, Rules::Absent(_))
    }
}
