//! What an exec was asked to be, for whoever judges calls on it.

use lockgate_types::{ContainerId, ExecId};

use super::{ExecError, Execs};

/// An exec, and who prepared it.
#[derive(Clone, Debug)]
pub struct AskedExec {
    /// Its id.
    pub id: ExecId,
    /// The container that it is for.
    pub container: ContainerId,
    /// Whether it has every capability.
    pub privileged: bool,
    /// Who prepared it, as whoever asked for it said.
    pub owner: Option<String>,
}

impl Execs {
    /// The exec of that id, as it was asked for.
    pub fn asked(&self, id: &str) -> Result<AskedExec, ExecError> {
        let exec = self.inner.execs.find(id)?;
        Ok(AskedExec {
            id: exec.id.clone(),
            container: exec.container.id.clone(),
            privileged: exec.config.privileged,
            owner: exec.config.owner.clone(),
        })
    }
}
