//! The container's terminal has the size of ours.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::terminal::window_size;
use crate::client::{Client, call_path};

/// What has a terminal of its own.
#[derive(Clone, Debug)]
pub(crate) enum Resizable {
    Container(String),
    Exec(String),
}

impl Resizable {
    fn path(&self) -> String {
        match self {
            Self::Container(id) => format!("/containers/{}/resize", call_path(id)),
            Self::Exec(id) => format!("/exec/{}/resize", call_path(id)),
        }
    }

    /// Sets the size; says whether that worked.
    pub(crate) async fn set(&self, client: &Client, (rows, columns): (u16, u16)) -> bool {
        let call = client.post(self.path());
        let call = call
            .query("h", rows.to_string())
            .query("w", columns.to_string());
        call.act().await.is_ok()
    }
}

/// Sets the size now, and whenever ours changes, until the guard is dropped.
pub(crate) fn follow_size(client: &Arc<Client>, what: Resizable) -> FollowedSize {
    let client = Arc::clone(client);
    let task = tokio::spawn(async move {
        let Ok(mut changes) = signal(SignalKind::window_change()) else {
            return;
        };
        // A process that has just been asked for may not have its terminal yet.
        for attempt in 0..ATTEMPTS {
            let size = window_size();
            if size == (0, 0) || what.set(&client, size).await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10) * (attempt + 1)).await;
        }
        while changes.recv().await.is_some() {
            what.set(&client, window_size()).await;
        }
    });
    FollowedSize { task }
}

const ATTEMPTS: u32 = 10;

/// Ends with the following of our size.
#[derive(Debug)]
pub(crate) struct FollowedSize {
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FollowedSize {
    fn drop(&mut self) {
        self.task.abort();
    }
}
