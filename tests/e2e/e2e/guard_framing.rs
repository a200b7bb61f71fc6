//! A guard before something whose answers have two ends, or none.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use lockgate_testkit::eventually;

use crate::guard_hostile::{Hostile, OK};

/// The first answer to each list is this; all others, and those on later connections, are good ones. How many
/// connections there were is counted by the number of the call on its own connection.
fn first(bad: &'static str) -> Hostile {
    let turn = AtomicUsize::new(0);
    Hostile::that(move |_, stream| {
        let answer = match turn.fetch_add(1, Ordering::SeqCst) {
            0 => bad.to_owned(),
            _ => good(),
        };
        stream.write_all(answer.as_bytes()).is_ok()
    })
}

fn good() -> String {
    format!("{OK}Content-Length: 4\r\n\r\nGOOD")
}

/// The answer is refused, its connection is closed, and the next call has its own answer.
fn refused(bad: &'static str, why: &str) {
    let hostile = first(bad);
    let answer = hostile.list();
    assert_eq!(answer.status, 502, "{bad:?}: {}", answer.text());
    let text = answer.text();
    assert!(
        text.contains("the daemon behind this door") && text.contains(why),
        "{text}"
    );
    closed(&hostile);
    assert_eq!(hostile.list().text(), "GOOD", "after {bad:?}");
}

/// Nobody waits for what else comes on the connection.
fn closed(hostile: &Hostile) {
    eventually("the connection is closed", || {
        (hostile.open.load(Ordering::SeqCst) == 0).then_some(())
    });
}

// T: response-smuggling
#[test]
fn an_answer_with_two_lengths_is_refused() {
    refused(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL",
        "two lengths",
    );
    refused(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n4\r\nEVIL\r\n0\r\n\r\n",
        "two lengths",
    );
}

// T: response-smuggling
#[test]
fn an_answer_in_a_coding_that_nobody_asked_for_is_refused() {
    refused(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "chunked",
    );
    refused(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nEVIL",
        "chunked",
    );
    refused(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "chunked",
    );
}

// T: response-smuggling
#[test]
fn a_switch_of_protocol_that_nobody_asked_for_is_refused() {
    refused("HTTP/1.1 101 Switching Protocols\r\n\r\nEVIL", "");
    refused(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\n",
        "",
    );
}

// T: response-smuggling
#[test]
fn what_comes_behind_an_answer_is_nobodys_answer() {
    const EVIL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
    for (answer, method) in [
        (format!("{OK}Content-Length: 4\r\n\r\nGOOD{EVIL}"), "GET"),
        (
            format!("{OK}Transfer-Encoding: chunked\r\n\r\n4\r\nGOOD\r\n0\r\n\r\n{EVIL}"),
            "GET",
        ),
        (format!("HTTP/1.1 204 No Content\r\n\r\n{EVIL}"), "GET"),
        (
            format!("HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nBODY{EVIL}"),
            "GET",
        ),
        // A body where there is none.
        (
            format!("{OK}Content-Length: {}\r\n\r\n{EVIL}", EVIL.len()),
            "HEAD",
        ),
    ] {
        let (turn, text) = (AtomicUsize::new(0), answer.clone());
        let hostile = Hostile::that(move |_, stream| {
            let turn = turn.fetch_add(1, Ordering::SeqCst);
            let answer = if turn == 0 { text.clone() } else { good() };
            stream.write_all(answer.as_bytes()).is_ok()
        });
        hostile.door.api(method, "/_ping", None);
        for _ in 0..2 {
            assert_eq!(hostile.list().text(), "GOOD", "after {method} {answer:?}");
        }
    }
}

// T: response-smuggling
#[test]
fn what_comes_later_on_a_kept_connection_ends_it() {
    let (turn, late) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let said = Arc::clone(&late);
    let hostile = Hostile::that(move |_, stream| {
        let sent = stream.write_all(good().as_bytes()).is_ok();
        if turn.fetch_add(1, Ordering::SeqCst) == 0 {
            // The door has kept the connection by then.
            thread::sleep(Duration::from_millis(200));
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"));
            said.store(1, Ordering::SeqCst);
        }
        sent
    });
    assert_eq!(hostile.list().text(), "GOOD");
    eventually("the late answer is there", || {
        (late.load(Ordering::SeqCst) == 1).then_some(())
    });
    for _ in 0..2 {
        assert_eq!(hostile.list().text(), "GOOD");
    }
}

#[test]
fn chunks_that_break_off_or_are_none_have_no_end() {
    for body in [
        "4\r\nhalf\r\n",
        "8\r\nhalf",
        "4\r\nhalf\r\n0\r\n",
        "4\r\nhalf\r\nXYZ\r\n",
        "4\r\nhalfmore\r\n0\r\n\r\n",
        "4\r\nhalf\r\nfffffffffffffffff\r\n",
        "4\r\nhalf\r\n-1\r\n\r\n",
    ] {
        let turn = AtomicUsize::new(0);
        let hostile = Hostile::that(move |_, stream| {
            if turn.fetch_add(1, Ordering::SeqCst) > 0 {
                return stream.write_all(good().as_bytes()).is_ok();
            }
            let answer = format!("{OK}Transfer-Encoding: chunked\r\n\r\n{body}");
            drop(stream.write_all(answer.as_bytes()));
            false
        });
        let answer = hostile.raw("/containers/x/logs?stdout=1");
        assert!(answer.starts_with("HTTP/1.1 200"), "{body:?}: {answer}");
        assert!(!answer.ends_with("\r\n0\r\n\r\n"), "{body:?}: {answer}");
        closed(&hostile);
        assert_eq!(hostile.list().text(), "GOOD", "after {body:?}");
    }
}

#[test]
fn answers_before_the_answer_are_left_out_and_have_a_bound() {
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    let hostile = Hostile::that(move |_, stream| {
        stream.write_all(early.repeat(3).as_bytes()).unwrap();
        stream.write_all(good().as_bytes()).is_ok()
    });
    for _ in 0..2 {
        let answer = hostile.raw("/containers/json");
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nGOOD"),
            "{answer}"
        );
    }
    assert_eq!(
        hostile.open.load(Ordering::SeqCst),
        1,
        "the connection is kept"
    );
}

#[test]
fn a_head_that_is_too_long_is_refused_and_a_long_one_is_not() {
    let field = |length: usize| {
        let value = "x".repeat(length);
        format!("{OK}X-Long: {value}\r\nContent-Length: 4\r\n\r\nGOOD")
    };
    let turn = AtomicUsize::new(0);
    let hostile = Hostile::that(move |_, stream| {
        let answer = match turn.fetch_add(1, Ordering::SeqCst) {
            0 => field(60_000),
            1 => field(4 << 20),
            _ => good(),
        };
        stream.write_all(answer.as_bytes()).is_ok()
    });
    let long = hostile.list();
    assert_eq!((long.status, long.headers["x-long"].len()), (200, 60_000));
    let longer = hostile.list();
    assert_eq!(longer.status, 502, "{}", longer.text());
    assert_eq!(hostile.list().text(), "GOOD");
}

#[test]
fn a_head_that_stops_is_waited_for_as_long_as_its_client_waits() {
    let asked = Arc::new(AtomicUsize::new(0));
    let turn = Arc::clone(&asked);
    let hostile = Hostile::that(move |_, stream| {
        let answer = match turn.fetch_add(1, Ordering::SeqCst) {
            0 => format!("{OK}Content-Len"),
            _ => good(),
        };
        stream.write_all(answer.as_bytes()).is_ok()
    });
    let client = hostile.send("GET /containers/json HTTP/1.1\r\nHost: d\r\n\r\n");
    eventually("the daemon is asked", || {
        (asked.load(Ordering::SeqCst) == 1).then_some(())
    });
    // Nobody else waits with it.
    assert_eq!(hostile.list().text(), "GOOD");
    assert_eq!(hostile.open.load(Ordering::SeqCst), 2);
    drop(client);
    eventually("the connection is given up", || {
        (hostile.open.load(Ordering::SeqCst) == 1).then_some(())
    });
    assert_eq!(hostile.list().text(), "GOOD");
}
