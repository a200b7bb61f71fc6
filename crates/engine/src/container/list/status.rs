//! `Up 3 minutes`, `Exited (0) 2 hours ago`: the status as people read it.

use std::time::Duration;

use lockgate_types::Timestamp;

use crate::container::health::HealthStatus;
use crate::container::state::{RunState, Status};

/// The status column of a list.
pub(super) fn text(state: &RunState, now: Timestamp) -> String {
    let up = || human(now.since(state.started_at));
    let ended = || human(now.since(state.finished_at));
    match state.status {
        Status::Running => match state.health.as_ref().map(|health| health.status) {
            None => format!("Up {}", up()),
            Some(HealthStatus::Starting) => format!("Up {} (health: starting)", up()),
            Some(status) => format!("Up {} ({})", up(), status.as_str()),
        },
        Status::Paused => format!("Up {} (Paused)", up()),
        Status::Restarting => format!("Restarting ({}) {} ago", state.exit_code, ended()),
        Status::Removing => "Removal In Progress".to_owned(),
        Status::Dead => "Dead".to_owned(),
        Status::Created => "Created".to_owned(),
        Status::Exited if state.finished_at.is_zero() => "Created".to_owned(),
        Status::Exited => format!("Exited ({}) {} ago", state.exit_code, ended()),
    }
}

/// A duration in the largest unit that fits.
fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours) = (seconds / 60, (duration.as_secs_f64() / 3600.0).round());
    // Whole hours below the square of a day's; far from the limits of the type.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "see above"
    )]
    let hours = hours as u64;
    match seconds {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60..120 => "About a minute".to_owned(),
        120..3600 => format!("{minutes} minutes"),
        _ if hours == 1 => "About an hour".to_owned(),
        _ if hours < 48 => format!("{hours} hours"),
        _ if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        _ if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        _ if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_dockers() {
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (120, "2 minutes"),
            (3600, "About an hour"),
            (7200, "2 hours"),
            (3 * 86400, "3 days"),
            (20 * 86400, "2 weeks"),
            (90 * 86400, "3 months"),
            (800 * 86400, "2 years"),
        ] {
            assert_eq!(human(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_status_tells_the_exit_code_and_when() {
        let at = |seconds: i128| Timestamp::from_unix_nanos(seconds * 1_000_000_000);
        let mut state = RunState {
            status: Status::Exited,
            exit_code: 3,
            finished_at: at(100),
            started_at: at(10),
            ..RunState::default()
        };
        assert_eq!(text(&state, at(105)), "Exited (3) 5 seconds ago");
        state.status = Status::Running;
        assert_eq!(text(&state, at(190)), "Up 3 minutes");
        state.status = Status::Paused;
        assert_eq!(text(&state, at(13)), "Up 3 seconds (Paused)");
    }
}
