//! Output on its way to log and clients, and the end of processes.

use std::time::{Duration, Instant};

use lockgate_sys::file::{Durability, write_atomic};
use lockgate_types::Timestamp;
use rustix::process::{WaitOptions, wait};

use super::connection::{Connection, Role, TaskId};
use super::log::Stream;
use super::task::{Ended, Task};
use super::{Shim, container};
use crate::protocol::{ExitRecord, Reply, ShimEvent};

impl Shim {
    /// Carries what a process wrote to the log and to its clients.
    pub(super) fn pump(&mut self, id: TaskId, stream: Stream) {
        let Some(task) = self.tasks.get_mut(&id) else {
            return;
        };
        self.buffer.resize(CHUNK, 0);
        let Some(count) = task.streams.read(stream, &mut self.buffer) else {
            return;
        };
        let bytes = self.buffer.get(..count).unwrap_or(&[]);
        if let Some(log) = &mut task.log {
            let result = if bytes.is_empty() {
                log.finish(stream)
            } else {
                log.write(stream, bytes)
            };
            if let Err(error) = result {
                super::note(&format!("log: {error}"));
            }
        }
        if !bytes.is_empty() {
            deliver(
                self.connections.values_mut(),
                id,
                task.terminal,
                stream,
                bytes,
            );
        }
    }

    /// Notes the end of every child that has ended.
    pub(super) fn reap(&mut self) {
        drop(lockgate_sys::signal::pending(&self.signals));
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let pid = pid.as_raw_pid();
            let task = self
                .tasks
                .values_mut()
                .find(|t| t.pid == pid && t.ended.is_none());
            let Some(task) = task else { continue };
            let code = status
                .exit_status()
                .or_else(|| status.terminating_signal().map(|signal| 128 + signal))
                .unwrap_or(255);
            let patience = Instant::now()
                + if task.killed {
                    Duration::ZERO
                } else {
                    PATIENCE
                };
            task.ended = Some(Ended {
                code,
                at: Timestamp::now(),
                patience,
            });
            if task.exec.is_none()
                && let Some(container) = &self.container
            {
                container.kill_leftovers();
            }
        }
    }

    /// Lets go of processes that have ended and whose output is all read.
    pub(super) fn finish_ended(&mut self) {
        #[expect(clippy::needless_collect, reason = "the loop changes the map")]
        let ended: Vec<TaskId> = self
            .tasks
            .iter()
            .filter(|(_, t)| t.ended.is_some())
            .map(|(id, _)| *id)
            .collect();
        // Execs first (they have the higher numbers): the container's end is the last event.
        for id in ended.into_iter().rev() {
            self.drain(id);
            let others = self.tasks.keys().any(|other| *other != id);
            let Some(task) = self.tasks.get(&id) else {
                continue;
            };
            let Some(ended) = task.ended else { continue };
            let out_of_patience = Instant::now() >= ended.patience;
            let waits = !task.streams.are_drained() || (task.exec.is_none() && others);
            if waits && !out_of_patience {
                continue;
            }
            if let Some(task) = self.tasks.remove(&id) {
                self.finish(id, task, ended);
            }
        }
    }

    /// Reads what a dead process left in its pipes; there is no more than they hold, so no client is
    /// waited for.
    fn drain(&mut self, id: TaskId) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            for _ in 0..MAX_DRAIN {
                let Some(task) = self.tasks.get_mut(&id) else {
                    return;
                };
                if !has_output(task, stream) {
                    break;
                }
                self.pump(id, stream);
            }
        }
    }

    fn finish(&mut self, id: TaskId, mut task: Task, ended: Ended) {
        if let Some(mut log) = task.log.take() {
            for stream in [Stream::Stdout, Stream::Stderr] {
                if let Err(error) = log.finish(stream) {
                    super::note(&format!("log: {error}"));
                }
            }
            log.close();
        }
        let oom = self
            .container
            .as_mut()
            .is_some_and(container::Container::take_oom);
        if oom {
            self.tell(&ShimEvent::Oom);
        }
        let event = if let Some(exec) = task.exec.clone() {
            let record = ExitRecord {
                exit_code: ended.code,
                oom_killed: oom,
                finished_at: ended.at,
            };
            record_exit(&task, &record);
            ShimEvent::ExecExited {
                exec,
                exit_code: ended.code,
            }
        } else {
            let oom_killed = self.container.as_ref().is_some_and(|c| c.oom_killed);
            let record = ExitRecord {
                exit_code: ended.code,
                oom_killed,
                finished_at: ended.at,
            };
            if let Some(container) = &mut self.container {
                container.clean_up();
                container.exit = Some(record);
            }
            record_exit(&task, &record);
            ShimEvent::Exited(record)
        };
        self.tell(&event);
        for connection in self.connections.values_mut() {
            if matches!(connection.role, Role::Stream { task, .. } if task == id) {
                connection.ending = true;
            }
        }
    }

    /// The kernel has run out of memory for the container.
    pub(super) fn notice_memory(&mut self) {
        if let Some(container) = &self.container {
            container.read_memory_watch();
        }
        self.memory_alarm = Some(Instant::now() + ALARM);
        self.check_memory();
    }

    /// Tells if the kernel has killed since. It says that memory has run out before it looks for somebody
    /// to kill, so that an alarm is followed up for a while.
    pub(super) fn check_memory(&mut self) {
        let Some(end) = self.memory_alarm else { return };
        let killed = self
            .container
            .as_mut()
            .is_some_and(container::Container::take_oom);
        if killed || Instant::now() >= end {
            self.memory_alarm = None;
        }
        if killed {
            self.tell(&ShimEvent::Oom);
        }
    }

    /// Sends an event to everybody who watches.
    fn tell(&mut self, event: &ShimEvent) {
        let reply = Reply::Event(event.clone());
        for connection in self.connections.values_mut() {
            if matches!(connection.role, Role::Control { watches: true, .. }) {
                connection.reply(&reply);
            }
        }
    }
}

fn record_exit(task: &Task, record: &ExitRecord) {
    let Some(path) = &task.exit_file else { return };
    let result = serde_json::to_vec(record)
        .map_err(std::io::Error::from)
        .and_then(|json| write_atomic(path, &json, Durability::Crash));
    if let Err(error) = result {
        super::note(&format!("exit file: {error}"));
    }
}

fn has_output(task: &Task, stream: Stream) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let Some(source) = &task.streams.outputs[stream as usize] else {
        return false;
    };
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut [PollFd::new(source, PollFlags::IN)], Some(&now)).is_ok_and(|count| count > 0)
}

/// Without a terminal a frame `[stream,0,0,0,length:u32be]` goes before the bytes.
fn deliver<'a>(
    connections: impl Iterator<Item = &'a mut Connection>,
    id: TaskId,
    terminal: bool,
    stream: Stream,
    bytes: &[u8],
) {
    let [a, b, c, d] = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let number = match stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    };
    let header = [number, 0, 0, 0, a, b, c, d];
    for connection in connections {
        let Role::Stream {
            task,
            stdout,
            stderr,
            ..
        } = connection.role
        else {
            continue;
        };
        let wanted = match stream {
            Stream::Stdout => stdout || (terminal && stderr),
            Stream::Stderr => stderr,
        };
        if task != id || !wanted {
            continue;
        }
        if terminal {
            connection.send(&[bytes]);
        } else {
            connection.send(&[&header, bytes]);
        }
    }
}

/// How long after an alarm a kill may come.
const ALARM: Duration = Duration::from_secs(1);
/// How much is read at once.
const CHUNK: usize = 64 << 10;
/// Reads after which a pipe that is never empty is given up: somebody alive still writes into it.
const MAX_DRAIN: usize = 64;
/// How long output is waited for that a process's descendants hold open, as in Docker.
const PATIENCE: Duration = Duration::from_secs(2);
