//! Taking links away takes the kernel 20 ms and more, most of it spent waiting for other
//! processors without holding anything. A thread waits instead of whoever stops a container.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use lockgate_types::random_hex;

use super::link_error;
use crate::NetError;
use crate::netlink::RouteSocket;

/// The thread that deletes links. Dropping it lets it finish what it was given.
#[derive(Debug)]
pub(super) struct Reaper {
    jobs: Sender<Job>,
}

#[derive(Debug)]
enum Job {
    Delete(String),
    /// Answered when everything before it is done.
    Settle(Sender<Vec<NetError>>),
}

impl Reaper {
    /// Starts the thread; it works in the calling thread's namespace.
    pub(super) fn start() -> io::Result<Self> {
        let links = RouteSocket::open()?;
        let (jobs, received) = channel();
        let mut state = State {
            links,
            group: random_group(),
            failures: Vec::new(),
        };
        thread::Builder::new()
            .name("net-reaper".to_owned())
            .stack_size(STACK)
            .spawn(move || state.run(&received))?;
        Ok(Self { jobs })
    }

    pub(super) fn delete(&self, link: &str) {
        // The thread ends after its sender only.
        drop(self.jobs.send(Job::Delete(link.to_owned())));
    }

    /// Waits until everything so far is gone; tells what failed since the last time.
    pub(super) fn settle(&self) -> Vec<NetError> {
        let (answer, answered) = channel();
        drop(self.jobs.send(Job::Settle(answer)));
        answered.recv().unwrap_or_default()
    }
}

struct State {
    links: RouteSocket,
    group: u32,
    failures: Vec<NetError>,
}

impl State {
    fn run(&mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut names = Vec::new();
            let mut waiting = Vec::new();
            for job in std::iter::once(first).chain(jobs.try_iter()) {
                match job {
                    Job::Delete(name) => names.push(name),
                    Job::Settle(answer) => waiting.push(answer),
                }
            }
            self.delete(&names);
            for answer in waiting {
                // Who no longer waits needs no answer.
                drop(answer.send(std::mem::take(&mut self.failures)));
            }
        }
    }

    /// Several links go in one request, which waits once for all of them.
    fn delete(&mut self, names: &[String]) {
        let outcome = match names {
            [] => Ok(()),
            [name] => self.links.delete_link_named(name),
            _ => self.links.delete_links(names, self.group),
        };
        if let Err(source) = outcome {
            let names = names.join(", ");
            tracing::warn!(links = %names, error = %source, "cannot delete links");
            self.failures
                .push(link_error("cannot delete links", &names)(source));
        }
    }
}

/// A number that no administrator chose for a group of links.
fn random_group() -> u32 {
    let hex = random_hex();
    hex.get(..7)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .unwrap_or(u32::MAX / 2)
        | 1 << 28
}

const STACK: usize = 128 * 1024;
