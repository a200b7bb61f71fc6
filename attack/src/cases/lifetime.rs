//! Rights that end, and policies that cannot be read.

use std::time::Duration;

use anyhow::Result;

use crate::case::{Case, Run, Verdict};
use crate::target::fixture::VICTIM;
use crate::target::{Endpoint, Who};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "lifetime-stream",
        title: "a stream that outlives the right to it",
        sends: "the role is taken away while statistics are followed",
        run: Run::Call(|endpoint| {
            with_policy(
                endpoint,
                |text| text.replace("\"viewer\"", "\"builder\""),
                stream,
            )
        }),
    },
    Case {
        id: "lifetime-request",
        title: "a kept connection that outlives the right to it",
        sends: "the role is taken away between two requests of one connection",
        run: Run::Call(|endpoint| {
            with_policy(
                endpoint,
                |text| text.replace("\"viewer\"", "\"builder\""),
                request,
            )
        }),
    },
    Case {
        id: "lifetime-elevation",
        title: "a role for a time, after its time",
        sends: "-",
        run: Run::Tests(
            "gate: a_role_is_lent_and_ends_by_itself_and_both_are_recorded, what_depends_on_a_lent_role_ends_with_it_and_nothing_else_does; e2e: a_role_is_lent_by_root_alone_seen_in_the_list_and_over_in_time",
        ),
    },
    Case {
        id: "policy-broken",
        title: "a policy that cannot be read lets everything through",
        sends: "the file replaced with garbage, then a container asked for as viewer",
        run: Run::Call(|endpoint| with_policy(endpoint, |_| "][".to_owned(), broken)),
    },
    Case {
        id: "policy-first-broken",
        title: "the same at start",
        sends: "-",
        run: Run::Tests("gate: without_a_policy_every_client_is_admin_and_a_broken_one_denies"),
    },
    Case {
        id: "response-side",
        title: "answers cut at 64 KiB before they are filtered",
        sends: "-",
        run: Run::Tests(
            "guard: lists_are_filtered_whole_and_keep_the_upstreams_words, lines_of_others_are_left_out_however_they_are_cut; and the cases read-environment and tenant-*",
        ),
    },
    Case {
        id: "audit-full",
        title: "changes that cannot be recorded",
        sends: "-",
        run: Run::Tests(
            "access: what_cannot_be_written_is_an_error_and_uses_no_number; gate: without_a_record_nothing_is_changed",
        ),
    },
];

/// Waits for what must happen soon.
const SOON: Duration = Duration::from_secs(5);

/// Runs a case beside an exchange of the policy; what was there comes back.
fn with_policy(
    endpoint: &Endpoint,
    change: fn(&str) -> String,
    act: fn(&Endpoint, &dyn Fn() -> Result<()>) -> Result<Verdict>,
) -> Result<Verdict> {
    let Some(path) = &endpoint.policy else {
        return Ok(Verdict::Skipped("there is no policy".to_owned()));
    };
    let before = std::fs::read_to_string(path)?;
    let after = change(&before);
    let verdict = act(endpoint, &|| Ok(std::fs::write(path, &after)?));
    std::fs::write(path, &before)?;
    for _ in 0..50 {
        if endpoint
            .ask(Who::Viewer, "GET", "/containers/json", None)?
            .is_success()
        {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    verdict
}

fn stream(endpoint: &Endpoint, change: &dyn Fn() -> Result<()>) -> Result<Verdict> {
    let mut wire = endpoint.connect(Who::Viewer)?;
    let path = format!("/containers/{VICTIM}/stats?stream=1");
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: e\r\n\r\n"));
    change()?;
    Ok(if wire.is_closed_within(SOON)? {
        Verdict::refused("cut off")
    } else {
        Verdict::leaked("still open after five seconds")
    })
}

fn request(endpoint: &Endpoint, change: &dyn Fn() -> Result<()>) -> Result<Verdict> {
    let mut wire = endpoint.connect(Who::Viewer)?;
    let mut list = || {
        wire.send("GET /containers/json HTTP/1.1\r\nHost: e\r\n\r\n");
        wire.answer(false)
    };
    list();
    change()?;
    let mut last = list();
    for _ in 0..50 {
        if !last.is_success() {
            return Ok(Verdict::refused(last.summary()));
        }
        std::thread::sleep(Duration::from_millis(100));
        last = list();
    }
    Ok(Verdict::leaked("still served after five seconds"))
}

/// A broken file leaves the last good one in force: the viewer stays a viewer.
fn broken(endpoint: &Endpoint, change: &dyn Fn() -> Result<()>) -> Result<Verdict> {
    change()?;
    std::thread::sleep(Duration::from_secs(1));
    let body = r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none"}}"#;
    let name = crate::runner::fresh();
    let path = format!("/containers/create?name={name}");
    let answer = endpoint.ask(Who::Viewer, "POST", &path, Some(body))?;
    if answer.is_success() {
        endpoint.remove(&name)?;
        return Ok(Verdict::leaked(answer.summary()));
    }
    Ok(Verdict::refused(answer.summary()))
}
