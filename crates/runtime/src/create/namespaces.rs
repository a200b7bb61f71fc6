//! Which namespaces are made and which are joined.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::error::{CreateError, InitError, Step as _};

/// The namespaces of a specification, with those to join already open.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    /// Flags of those that are new, except the cgroup namespace.
    pub(crate) new: u64,
    /// A new cgroup namespace is wanted; it is made after the process is in its cgroup.
    pub(crate) new_cgroup: bool,
    joined: Vec<(LinuxNamespaceType, OwnedFd)>,
}

impl Namespaces {
    pub(crate) fn open(list: &[LinuxNamespace]) -> Result<Self, CreateError> {
        let mut all = Self::default();
        for namespace in list {
            let kind = namespace.typ();
            match namespace
                .path()
                .as_deref()
                .filter(|p| !p.as_os_str().is_empty())
            {
                Some(path) => all.joined.push((kind, open(path)?)),
                None if kind == LinuxNamespaceType::Cgroup => all.new_cgroup = true,
                None => all.new |= flag(kind),
            }
        }
        Ok(all)
    }

    /// Whether a namespace of this kind is new or joined, rather than that of the host.
    pub(crate) fn separate(&self, kind: LinuxNamespaceType) -> bool {
        self.is_new(kind) || self.joined.iter().any(|(joined, _)| *joined == kind)
    }

    pub(crate) fn is_new(&self, kind: LinuxNamespaceType) -> bool {
        match kind {
            LinuxNamespaceType::Cgroup => self.new_cgroup,
            _ => self.new & flag(kind) != 0,
        }
    }

    fn to_join(&self, kind: LinuxNamespaceType) -> Option<&OwnedFd> {
        let mut joined = self.joined.iter();
        joined
            .find(|(found, _)| *found == kind)
            .map(|(_, namespace)| namespace)
    }

    pub(crate) fn joins_user(&self) -> bool {
        self.to_join(LinuxNamespaceType::User).is_some()
    }

    /// Puts the children of this process into the pid namespace to join, until the guard is dropped. Where a user
    /// namespace is joined [`Self::go_ahead`] does it.
    pub(crate) fn children_into_pid_namespace(&self) -> Result<Option<BackHome>, CreateError> {
        if self.joins_user() {
            return Ok(None);
        }
        let joined = self.to_join(LinuxNamespaceType::Pid);
        joined.map(BackHome::leave_for).transpose()
    }

    /// Called by the process between: joins what the new process must be born in.
    pub(crate) fn go_ahead(&self) -> io::Result<()> {
        for kind in [LinuxNamespaceType::Pid, LinuxNamespaceType::User] {
            if let Some(namespace) = self.to_join(kind) {
                move_into_link_name_space(namespace.as_fd(), Some(link_type(kind)))?;
            }
        }
        Ok(())
    }

    /// Called by the new process: joins all but those that it was born into.
    pub(crate) fn join(&self) -> Result<(), InitError> {
        for (kind, fd) in &self.joined {
            if !matches!(kind, LinuxNamespaceType::Pid | LinuxNamespaceType::User) {
                move_into_link_name_space(fd.as_fd(), Some(link_type(*kind)))
                    .step("joining a namespace")?;
            }
        }
        Ok(())
    }
}

/// Brings this process's children back into its own pid namespace when dropped.
#[derive(Debug)]
pub(crate) struct BackHome(OwnedFd);

impl BackHome {
    pub(crate) fn leave_for(namespace: &OwnedFd) -> Result<Self, CreateError> {
        let home = open(Path::new("/proc/self/ns/pid"))?;
        let kind = Some(LinkNameSpaceType::ProcessID);
        move_into_link_name_space(namespace.as_fd(), kind)
            .map_err(CreateError::system("joining the pid namespace"))?;
        Ok(Self(home))
    }
}

impl Drop for BackHome {
    fn drop(&mut self) {
        let kind = Some(LinkNameSpaceType::ProcessID);
        // One's own pid namespace can always be returned to.
        crate::reason::ignore(move_into_link_name_space(self.0.as_fd(), kind));
    }
}

fn open(path: &Path) -> Result<OwnedFd, CreateError> {
    let fail = |source| CreateError::Namespace {
        path: path.to_owned(),
        source,
    };
    File::open(path).map(OwnedFd::from).map_err(fail)
}

/// The `CLONE_NEW*` flag of a kind.
pub(crate) fn flag(kind: LinuxNamespaceType) -> u64 {
    match kind {
        LinuxNamespaceType::Time => 0x80,
        LinuxNamespaceType::Mount => 0x0002_0000,
        LinuxNamespaceType::Cgroup => 0x0200_0000,
        LinuxNamespaceType::Uts => 0x0400_0000,
        LinuxNamespaceType::Ipc => 0x0800_0000,
        LinuxNamespaceType::User => 0x1000_0000,
        LinuxNamespaceType::Pid => 0x2000_0000,
        LinuxNamespaceType::Network => 0x4000_0000,
    }
}

fn link_type(kind: LinuxNamespaceType) -> LinkNameSpaceType {
    match kind {
        LinuxNamespaceType::Time => LinkNameSpaceType::Time,
        LinuxNamespaceType::Mount => LinkNameSpaceType::Mount,
        LinuxNamespaceType::Cgroup => LinkNameSpaceType::ControlGroup,
        LinuxNamespaceType::Uts => LinkNameSpaceType::HostNameAndNISDomainName,
        LinuxNamespaceType::Ipc => LinkNameSpaceType::InterProcessCommunication,
        LinuxNamespaceType::User => LinkNameSpaceType::User,
        LinuxNamespaceType::Pid => LinkNameSpaceType::ProcessID,
        LinuxNamespaceType::Network => LinkNameSpaceType::Network,
    }
}
