//! Paths that two routers understand differently, and doors beside the door.

use std::time::Duration;

use anyhow::Result;

use crate::case::{Case, Run, Verdict};
use crate::runner::{PRIVILEGED, fresh, privileged};
use crate::target::{Endpoint, Who};
use crate::wire::find;

const TITLE: &str = "a spelling of the path that a rule does not know";

macro_rules! spelling {
    ($id:literal, $sends:literal, $target:literal) => {
        Case {
            id: $id,
            title: TITLE,
            sends: $sends,
            run: Run::Bytes(|name| spelt(&$target.replace("NAME", name))),
        }
    };
}

pub(super) const CASES: &[Case] = &[
    spelling!(
        "path-version",
        "`/v1.41/containers/create`",
        "/v1.41/containers/create?name=NAME"
    ),
    spelling!(
        "path-none",
        "`/containers/create`",
        "/containers/create?name=NAME"
    ),
    spelling!(
        "path-dots",
        "`/v1.41/images/../containers/create`",
        "/v1.41/images/../containers/create?name=NAME"
    ),
    spelling!(
        "path-version-dots",
        "`/v../containers/create`",
        "/v../containers/create?name=NAME"
    ),
    spelling!(
        "path-slashes",
        "`//containers//create`",
        "//containers//create?name=NAME"
    ),
    spelling!(
        "path-percent-dots",
        "`/_ping/%2e%2e/containers/create`",
        "/_ping/%2e%2e/containers/create?name=NAME"
    ),
    spelling!(
        "path-percent-slash",
        "`/containers%2Fcreate`",
        "/containers%2Fcreate?name=NAME"
    ),
    spelling!(
        "path-percent-letter",
        "`/containers/creat%65`",
        "/containers/creat%65?name=NAME"
    ),
    spelling!(
        "path-trailing",
        "`/containers/create/`",
        "/containers/create/?name=NAME"
    ),
    spelling!(
        "path-case",
        "`/Containers/Create`",
        "/Containers/Create?name=NAME"
    ),
    spelling!(
        "path-absolute",
        "`http://engine/containers/create`",
        "http://engine/containers/create?name=NAME"
    ),
    spelling!(
        "path-semicolon",
        "`/containers/create;x`",
        "/containers/create;x?name=NAME"
    ),
    spelling!(
        "path-nul",
        "`/containers/create%00`",
        "/containers/create%00?name=NAME"
    ),
    spelling!(
        "path-libpod",
        "podman's own API: `/v4.0.0/libpod/containers/create`",
        "/v4.0.0/libpod/containers/create?name=NAME"
    ),
    Case {
        id: "path-libpod-spec",
        title: "podman's own API, in its own words",
        sends: "`/libpod/containers/create` with `privileged`",
        run: Run::Call(libpod),
    },
    Case {
        id: "path-name-slash",
        title: "a name with a slash that reads as another operation",
        sends: "`PUT /containers/x/json/archive?path=/`",
        run: Run::Ask(
            Who::Viewer,
            "PUT",
            "/containers/{c}/json/../archive?path=/",
            Some(""),
        ),
    },
    Case {
        id: "path-suffix",
        title: "a rule that matches the beginning of a path",
        sends: "`POST /exec/X/startXYZ`",
        run: Run::Ask(
            Who::Viewer,
            "POST",
            "/exec/0000000000000000/startXYZ",
            Some("{}"),
        ),
    },
    Case {
        id: "method-override",
        title: "a method by field",
        sends: "GET with `X-HTTP-Method-Override: DELETE` on a container",
        run: Run::Call(method_override),
    },
    Case {
        id: "build-grpc",
        title: "BuildKit's whole API by upgrade",
        sends: "`POST /grpc`, `Upgrade: h2c`",
        run: Run::Call(|endpoint| upgrade(endpoint, "/grpc")),
    },
    Case {
        id: "CVE-2024-23653",
        title: "a build session, from which containers without entitlement checks can be asked for",
        sends: "`POST /session`, `Upgrade: h2c`",
        run: Run::Call(|endpoint| upgrade(endpoint, "/session")),
    },
];

fn spelt(target: &str) -> Vec<u8> {
    crate::target::request(
        "POST",
        target,
        "application/json",
        Some(PRIVILEGED.as_bytes()),
    )
}

fn libpod(endpoint: &Endpoint) -> Result<Verdict> {
    let name = fresh();
    let body = format!(r#"{{"name":"{name}","image":"busybox","privileged":true}}"#);
    let path = "/v4.0.0/libpod/containers/create";
    let answer = endpoint.ask(Who::Operator, "POST", path, Some(&body))?;
    if answer.is_success() {
        endpoint.remove(&name)?;
        return Ok(Verdict::leaked(answer.summary()));
    }
    privileged(endpoint, &name, &answer.summary())
}

fn method_override(endpoint: &Endpoint) -> Result<Verdict> {
    let victim = crate::target::fixture::VICTIM;
    let mut wire = endpoint.connect(Who::Viewer)?;
    let path = format!("/containers/{victim}?force=1");
    wire.send(format!(
        "GET {path} HTTP/1.1\r\nHost: e\r\nX-HTTP-Method-Override: DELETE\r\nX-Method-Override: DELETE\r\n\r\n"
    ));
    let answer = wire.answer(false);
    Ok(if endpoint.look(victim)?.is_null() {
        Verdict::leaked("the container is gone")
    } else {
        Verdict::refused(answer.summary())
    })
}

fn upgrade(endpoint: &Endpoint, path: &str) -> Result<Verdict> {
    let mut wire = endpoint.connect(Who::Operator)?;
    wire.send(format!(
        "POST {path} HTTP/1.1\r\nHost: e\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    ));
    let answer = wire.answer(false);
    Ok(if answer.status == 101 {
        Verdict::leaked("101: the connection speaks HTTP/2 with the daemon")
    } else {
        Verdict::refused(answer.summary())
    })
}

/// A server's first frame is SETTINGS, which no HTTP/1.1 answer looks like.
pub(super) fn http2_preface(endpoint: &Endpoint) -> Result<Verdict> {
    let mut wire = endpoint.connect(Who::Operator)?;
    wire.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    let said = wire.rest(Duration::from_secs(2))?;
    Ok(
        if said.get(3) == Some(&4) && find(&said, b"HTTP/1.1").is_none() {
            Verdict::leaked("answered with HTTP/2 SETTINGS")
        } else {
            let said = String::from_utf8_lossy(&said).into_owned();
            let status = said.split(' ').nth(1).unwrap_or("connection closed");
            Verdict::refused(status)
        },
    )
}

pub(super) fn http2_upgrade(endpoint: &Endpoint) -> Result<Verdict> {
    let mut wire = endpoint.connect(Who::Operator)?;
    wire.send(
        "GET /containers/json HTTP/1.1\r\nHost: e\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    );
    let answer = wire.answer(false);
    Ok(if answer.status == 101 {
        Verdict::leaked("101")
    } else {
        Verdict::refused(answer.summary())
    })
}
