//! The processes of a container as `ps` shows them.

mod proc;

use std::collections::BTreeSet;

use lockgate_runtime::cgroup::Cgroup;

use super::error::{FaultError, TopError};
use super::spec::cgroup_path;
use super::state::Status;
use super::view::Top;
use super::{Containers, events};

impl Containers {
    /// The processes of a container as `ps` shows them; `ps_args` is empty for `-ef`.
    pub async fn top(&self, name: &str, ps_args: &str) -> Result<Top, TopError> {
        let container = self.inner.registry.find(name)?;
        let facts = container.facts();
        match facts.state.status {
            Status::Running | Status::Paused => {}
            Status::Restarting => return Err(TopError::Restarting(container.id.clone())),
            Status::Created | Status::Exited | Status::Dead | Status::Removing => {
                return Err(TopError::NotRunning(container.id.clone()));
            }
        }
        let path = cgroup_path(&self.inner.config, &facts.record);
        let init = facts.state.pid;
        let reading = tokio::task::spawn_blocking(move || {
            let cgroup = Cgroup::open(&path)?;
            if cgroup.is_somewhere() {
                return cgroup.procs();
            }
            Ok(proc::of_pid_namespace(init))
        });
        let pids: BTreeSet<i32> = match reading.await {
            Ok(Ok(pids)) => pids.into_iter().collect(),
            Ok(Err(error)) => return Err(FaultError::Shim(error.to_string()).into()),
            Err(_) => return Err(FaultError::Closing.into()),
        };
        let top = match ps_args.trim() {
            "" | "-ef" => proc::list(&pids),
            args => ps(args, &pids).await?,
        };
        events::container(&self.inner, &facts.record, "top", []);
        Ok(top)
    }
}

/// Runs the host's `ps`, whose columns depend on its arguments, and keeps the container's lines.
async fn ps(args: &str, pids: &BTreeSet<i32>) -> Result<Top, TopError> {
    let output = tokio::process::Command::new("ps")
        .args(args.split_whitespace())
        .env_clear()
        .env("PATH", lockgate_runtime::spec::DEFAULT_PATH)
        .output()
        .await
        .map_err(|error| TopError::Ps(error.to_string()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(TopError::Ps(
            text.lines().next().unwrap_or_default().to_owned(),
        ));
    }
    parse(&String::from_utf8_lossy(&output.stdout), pids)
}

fn parse(output: &str, pids: &BTreeSet<i32>) -> Result<Top, TopError> {
    let mut lines = output.lines();
    let titles: Vec<String> = lines
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let pid = titles
        .iter()
        .position(|title| title == "PID")
        .ok_or(TopError::NoPid)?;
    let mut processes = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_ours = words
            .get(pid)
            .and_then(|word| word.parse().ok())
            .is_some_and(|p| pids.contains(&p));
        if is_ours && words.len() >= titles.len() {
            // The last column is the command, with spaces.
            let (fixed, command) = words.split_at(titles.len() - 1);
            let mut process: Vec<String> = fixed.iter().map(|&word| word.to_owned()).collect();
            process.push(command.join(" "));
            processes.push(process);
        }
    }
    Ok(Top { processes, titles })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_containers_lines_and_the_spaces_of_commands() {
        let output = "USER PID COMMAND\nroot 1 init\nroot 7 sleep 60\nweb 8 sh -c x y\n";
        let top = parse(output, &BTreeSet::from([7, 8])).unwrap();
        assert_eq!(top.titles, ["USER", "PID", "COMMAND"]);
        assert_eq!(
            top.processes,
            [["root", "7", "sleep 60"], ["web", "8", "sh -c x y"]]
        );
    }

    #[test]
    fn without_a_pid_column_nothing_can_be_told_apart() {
        let error = parse("USER COMMAND\n", &BTreeSet::new()).unwrap_err();
        assert_eq!(error.to_string(), "Couldn't find PID field in ps output");
    }
}
