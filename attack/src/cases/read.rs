//! Reads that are more than reads, by an identity that may look around and nothing else.

use anyhow::Result;

use crate::case::{Case, Run, Verdict};
use crate::target::fixture::{SECRET, VICTIM};
use crate::target::{Endpoint, Who};

const FILES: &str = "the files of a container";
const IMAGES: &str = "the content of images";
const NODE: &str = "secrets of the node";

macro_rules! get {
    ($id:literal, $title:expr, $path:literal) => {
        Case {
            id: $id,
            title: $title,
            sends: concat!("`GET ", $path, "` as viewer"),
            run: Run::Ask(Who::Viewer, "GET", $path, None),
        }
    };
}

pub(super) const CASES: &[Case] = &[
    get!(
        "read-archive",
        FILES,
        "/containers/{c}/archive?path=/etc/passwd"
    ),
    get!("read-export", FILES, "/containers/{c}/export"),
    get!("read-changes", FILES, "/containers/{c}/changes"),
    get!(
        "read-logs",
        "what a container writes",
        "/containers/{c}/logs?stdout=1"
    ),
    get!(
        "read-top",
        "the arguments of processes",
        "/containers/{c}/top"
    ),
    get!("read-image", IMAGES, "/images/busybox/get"),
    get!("read-images", IMAGES, "/images/get?names=busybox"),
    get!("read-secrets", NODE, "/secrets"),
    get!("read-configs", NODE, "/configs"),
    get!("read-unlock-key", NODE, "/swarm/unlockkey"),
    get!(
        "read-pprof",
        "the memory of the daemon",
        "/debug/pprof/heap"
    ),
    get!("read-debug-vars", "the memory of the daemon", "/debug/vars"),
    Case {
        id: "read-attach-ws",
        title: "a GET that writes into a container",
        sends: "`GET …/attach/ws?stdin=1` with a WebSocket handshake as viewer",
        run: Run::Call(attach_websocket),
    },
    Case {
        id: "read-environment",
        title: "secrets in the environment of a container",
        sends: "`GET …/json` as viewer",
        run: Run::Call(environment),
    },
    Case {
        id: "read-registry",
        title: "the daemon as a probe into its own network",
        sends: "`GET /distribution/127.0.0.1:1/x/json` as viewer",
        run: Run::Ask(Who::Viewer, "GET", "/distribution/127.0.0.1:1/x/json", None),
    },
];

fn attach_websocket(endpoint: &Endpoint) -> Result<Verdict> {
    let mut wire = endpoint.connect(Who::Viewer)?;
    wire.send(format!(
        "GET /containers/{VICTIM}/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: e\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ));
    let answer = wire.answer(false);
    Ok(if answer.status == 101 {
        Verdict::leaked("101: connected to the input of a container")
    } else {
        Verdict::refused(answer.summary())
    })
}

fn environment(endpoint: &Endpoint) -> Result<Verdict> {
    let path = format!("/containers/{VICTIM}/json");
    let answer = endpoint.ask(Who::Viewer, "GET", &path, None)?;
    Ok(if answer.text().contains(SECRET) {
        Verdict::leaked("the secret is in the answer")
    } else if answer.is_success() {
        Verdict::refused("200 without the values")
    } else {
        Verdict::refused(answer.summary())
    })
}
