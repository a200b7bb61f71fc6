//! Pings for the service manager, which replaces a daemon that hangs. Containers go on meanwhile.

use std::time::Duration;

use lockgate_engine::Engine;
use sd_notify::NotifyState;

/// Starts pinging if the service manager asked for it (`WATCHDOG_USEC`), three times within the time
/// after which it would act.
pub(crate) fn start(engine: Option<Engine>) {
    if let Some(limit) = sd_notify::watchdog_enabled() {
        drop(tokio::spawn(ping(engine, limit / 3)));
    }
}

async fn ping(engine: Option<Engine>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        // What `GET /info` needs takes the engine's locks: an engine that is stuck is not alive.
        // In guard mode there is none, and that tasks run is all that can be said.
        let engine = engine.clone();
        if tokio::task::spawn_blocking(move || engine.map(|engine| engine.info()))
            .await
            .is_ok()
        {
            crate::app::notify(&NotifyState::Watchdog);
        }
    }
}
