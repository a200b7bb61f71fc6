//! Signals that we get are meant for the container.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::terminal;
use crate::client::{Client, call_path};

/// Signals that are passed on, with their numbers.
const FORWARDED: [(&str, i32); 14] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ABRT", 6),
    ("USR1", 10),
    ("USR2", 12),
    ("ALRM", 14),
    ("TERM", 15),
    ("CONT", 18),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("IO", 29),
    ("PWR", 30),
];

/// Passes signals on to a container as long as the task that is returned lives.
pub(crate) fn forward_signals(client: &Arc<Client>, container: String) -> ForwardedSignals {
    let (sender, mut received) = mpsc::unbounded_channel();
    let mut tasks = Vec::new();
    for (name, number) in FORWARDED {
        let Ok(mut stream) = signal(SignalKind::from_raw(number)) else {
            continue;
        };
        let sender = sender.clone();
        tasks.push(tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if sender.send(name).is_err() {
                    break;
                }
            }
        }));
    }
    let client = Arc::clone(client);
    tasks.push(tokio::spawn(async move {
        let mut insisted = 0;
        while let Some(name) = received.recv().await {
            insisted += usize::from(matches!(name, "INT" | "TERM"));
            if insisted >= PATIENCE {
                give_up();
            }
            let path = format!("/containers/{}/kill", call_path(&container));
            // A container that has ended meanwhile needs no signal.
            let sent = client.post(path).query("signal", name).act().await;
            drop(sent);
        }
    }));
    ForwardedSignals { tasks }
}

/// How often one may ask us to end before we leave the container alone.
const PATIENCE: usize = 3;

/// Leaves at once, with the terminal as it was.
#[expect(
    clippy::exit,
    reason = "a daemon that does not answer must not keep us"
)]
fn give_up() {
    terminal::restore();
    eprint_line("got 3 SIGTERM/SIGINTs, forcefully exiting");
    std::process::exit(1);
}

fn eprint_line(text: &str) {
    use std::io::Write as _;
    // Whoever insists on our end may have closed stderr, too.
    writeln!(std::io::stderr(), "\n{text}").unwrap_or_default();
}

/// Ends with the signals' way to the container.
#[derive(Debug)]
pub(crate) struct ForwardedSignals {
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for ForwardedSignals {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
