//! A container's log beside what the container says that it wrote.

use std::collections::BTreeMap;
use std::fs;

use lockgate_testkit::Daemon;

/// How a log is not what it should be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Differs {
    /// Lines are missing at the end.
    Behind(String),
    /// Lines are missing, twice or in another order.
    Wrong(String),
}

/// Compares the log of container `id` with its notes.
pub(super) fn compare(daemon: &Daemon, id: &str) -> Result<(), Differs> {
    // First the notes: what is written meanwhile may be in the log or not.
    let said = notes(daemon, id);
    let answer = daemon.api(
        "GET",
        &format!("/containers/{id}/logs?stdout=1&stderr=1"),
        None,
    );
    match answer.status {
        200 => judge(&text(&answer.body), &said),
        // One that was removed by a request without answer.
        404 => Ok(()),
        other => Err(Differs::Wrong(format!("{other}: {}", answer.text()))),
    }
}

/// How far each run says that it came.
fn notes(daemon: &Daemon, id: &str) -> BTreeMap<u32, u32> {
    let upper = daemon.path(&format!("data/overlay/{id}/upper"));
    let files = fs::read_dir(upper).into_iter().flatten().flatten();
    files
        .filter_map(|file| {
            let run = file
                .file_name()
                .to_str()?
                .strip_prefix("said-")?
                .parse()
                .ok()?;
            // A run that was killed while it wrote leaves an empty one.
            let said = fs::read_to_string(file.path()).ok()?.trim().parse().ok()?;
            Some((run, said))
        })
        .collect()
}

/// The text of a stream of frames.
fn text(mut frames: &[u8]) -> String {
    let mut text = Vec::new();
    while let Some((head, rest)) = frames.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        text.extend_from_slice(&rest[..length]);
        frames = &rest[length..];
    }
    assert!(frames.is_empty(), "half a frame");
    String::from_utf8(text).unwrap()
}

fn judge(log: &str, said: &BTreeMap<u32, u32>) -> Result<(), Differs> {
    let mut heard = BTreeMap::new();
    let mut last = (0, 0);
    for line in log.lines() {
        let wrong = || Differs::Wrong(format!("{line:?} comes after {last:?}"));
        let (run, number) = line.split_once(' ').ok_or_else(wrong)?;
        let next: (u32, u32) = (
            run.parse().map_err(|_run| wrong())?,
            number.parse().map_err(|_number| wrong())?,
        );
        let follows = next == (last.0, last.1 + 1) || (next.0 > last.0 && next.1 == 1);
        if !follows {
            return Err(wrong());
        }
        heard.insert(next.0, next.1);
        last = next;
    }
    for (run, said) in said {
        let heard = heard.get(run).copied().unwrap_or(0);
        if heard < *said {
            return Err(Differs::Behind(format!(
                "run {run} wrote {said} lines, its log has {heard}"
            )));
        }
    }
    Ok(())
}

#[test]
fn lines_that_are_missing_twice_or_in_another_order_are_noticed() {
    let said = BTreeMap::from([(1, 2), (3, 1)]);
    assert_eq!(judge("1 1\n1 2\n1 3\n3 1\n", &said), Ok(()));
    for wrong in [
        "1 1\n1 3\n3 1\n",
        "1 1\n1 1\n1 2\n3 1\n",
        "1 2\n1 1\n3 1\n",
        "3 1\n1 1\n1 2\n",
        "1 1\n1 2\n3 2\n",
        "1 1\n1 2\n3 1\nx\n",
    ] {
        assert!(
            matches!(judge(wrong, &said), Err(Differs::Wrong(_))),
            "{wrong}"
        );
    }
    for behind in ["1 1\n3 1\n", "1 1\n1 2\n"] {
        assert!(
            matches!(judge(behind, &said), Err(Differs::Behind(_))),
            "{behind}"
        );
    }
}
