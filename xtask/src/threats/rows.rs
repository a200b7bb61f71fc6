//! The attacks. A row whose source has a public identifier bears it; the others have a word of ours.

/// An attack, or one with several names.
pub(super) struct Row {
    pub(super) ids: &'static [&'static str],
    pub(super) what: &'static str,
}

const fn row(ids: &'static [&'static str], what: &'static str) -> Row {
    Row { ids, what }
}

/// The chapters of the page.
pub(super) const PARTS: &[(&str, &[Row])] = &[
    ("Who is believed: TLS and certificates", TLS),
    ("Revocation lists", LISTS),
    ("Files of keys and certificates", FILES),
    ("Floods and slow clients", FLOODS),
    ("Browsers, containers and old versions", NEIGHBOURS),
    ("What is done: requests and roles", REQUESTS),
    ("Archives, images and containers", ARCHIVES),
];

const TLS: &[Row] = &[
    row(
        &["CVE-2018-12608"],
        "a client of a public or otherwise foreign authority comes in, or authorities that are not ours are named to clients",
    ),
    row(
        &["CVE-2025-68121", "CVE-2025-23419", "GHSA-gv8r-9rw9-9697"],
        "a resumed session is taken up after the certificate was revoked or the authority exchanged, at another door, or under another name (TLS 1.2 session id and ticket, TLS 1.3 PSK)",
    ),
    row(
        &["moq-dev#2863"],
        "tickets, session ids or early data are offered though the verifier does not see who resumes",
    ),
    row(
        &["swapped-authority"],
        "who came in under the old authority stays when it is exchanged",
    ),
    row(
        &["revoked-while-shaking-hands"],
        "a certificate that is revoked during a handshake, kept open for that purpose, comes in",
    ),
    row(
        &[
            "RUSTSEC-2026-0098",
            "RUSTSEC-2026-0099",
            "GHSA-965h-392x-2mh5",
            "GHSA-xgp8-3hg3-c2mh",
        ],
        "a URI or a wildcard passes name constraints that do not permit it",
    ),
    row(
        &["RUSTSEC-2024-0336"],
        "a close_notify right after the ClientHello makes the server loop",
    ),
    row(
        &["CVE-2024-11738"],
        "a ClientHello in fragments, cut off or malformed, makes the acceptor panic",
    ),
    row(
        &["infrabroker#399"],
        "a certificate for servers, without or with any purpose, or of an authority is somebody's identity",
    ),
    row(
        &["duplicate-common-name"],
        "a name from another intermediate authority gets the role of its namesake",
    ),
    row(&["empty-common-name"], "an empty name gets a role"),
    row(
        &["hostile-names"],
        "control characters, NUL, newlines or bidirectional overrides in a name write into the log or pass for another name",
    ),
    row(&["identity-headers"], "a header says who the client is"),
    row(
        &["rsa-1024"],
        "a certificate with a short RSA key is believed or used",
    ),
    row(&["sha-1"], "a SHA-1 signature is believed"),
    row(
        &["version-1-certificate"],
        "a version 1 certificate is believed",
    ),
    row(
        &["no-san"],
        "a server's certificate without alternative names goes unnoticed, or a client's is refused for their lack",
    ),
    row(&["moby#51367"], "a name that ends with a dot is issued"),
    row(
        &["serial-21-octets"],
        "a certificate whose serial number no revocation list can hold is believed",
    ),
    row(
        &["outlives-authority"],
        "a leaf outlives its authority, or is believed after its end",
    ),
    row(
        &["unknown-critical-extension"],
        "a certificate with a critical extension that nobody knows is believed",
    ),
    row(
        &["chain-depth"],
        "a long chain, or one that is a maze, is followed for ever",
    ),
    row(&["huge-certificate"], "a certificate of 100 kB is read"),
    row(
        &["key-on-the-wire"],
        "a private key leaves the machine it was made on",
    ),
];

const LISTS: &[Row] = &[
    row(
        &["RUSTSEC-2026-0049", "GHSA-pwjx-qhcg-rvj4"],
        "a list for one of several distribution points counts for all",
    ),
    row(
        &["GHSA-82j2-j2ch-gfr8", "RUSTSEC-2026-0104"],
        "a malformed list makes the reader panic, or replaces the last good one",
    ),
    row(&["crl-expired"], "a list that has ended is used for ever"),
    row(&["crl-missing"], "a list that is gone frees everybody"),
    row(&["crl-wrong-issuer"], "a list of somebody else is believed"),
    row(&["crl-future-dated"], "a list of the future is believed"),
    row(
        &["crl-intermediate-revoked"],
        "clients below a revoked intermediate come in, whether they send it along or not",
    ),
    row(
        &["crl-cost"],
        "a long list makes handshakes slow or fills the memory",
    ),
];

const FILES: &[Row] = &[
    row(&["key-permissions"], "a key that others can read is used"),
    row(
        &["half-written-pem"],
        "half a file is taken for a whole one",
    ),
    row(
        &["encrypted-pem"],
        "an encrypted key fails without a word on what to do",
    ),
    row(
        &["netpulse#783", "libgen-mcp#176"],
        "a certificate is paired with the key of another, because one was exchanged before the other",
    ),
];

const FLOODS: &[Row] = &[
    row(
        &["slowloris"],
        "a head or a body that drips holds a connection for ever",
    ),
    row(
        &["slow-handshake", "idle-before-handshake"],
        "a handshake that does not move holds a place for ever",
    ),
    row(
        &["half-open-handshakes"],
        "ten thousand half-open connections lock everybody out or fill memory and disk",
    ),
    row(
        &["certificate-verify-flood"],
        "strangers' signatures to verify keep clients out",
    ),
    row(
        &["caps-per-client"],
        "one address or one identity takes all places",
    ),
    row(
        &["huge-head"],
        "a head of any size, or of any number of fields, is read",
    ),
    row(
        &["RUSTSEC-2024-0332", "CVE-2023-44487"],
        "HTTP/2 is spoken, and with it floods of CONTINUATION or of resets",
    ),
];

const NEIGHBOURS: &[Row] = &[
    row(
        &["moby#36357"],
        "a web page reaches the API over a name that resolves to loopback, or with the user's certificate",
    ),
    row(
        &["CVE-2025-9074"],
        "a container reaches an API without a certificate",
    ),
    row(
        &["plain-http"],
        "plain HTTP at the TLS port reaches a route, or is not explained",
    ),
    row(&["tls-1.0"], "TLS 1.0 or 1.1 is spoken"),
    row(&["tls-1.2-only"], "TLS 1.2 is spoken unasked"),
    row(
        &["h2-only"],
        "a client that wants HTTP/2 alone gets something unclear",
    ),
];

const REQUESTS: &[Row] = &[
    row(
        &["CVE-2024-41110", "GHSA-v23v-6jw2-98fq"],
        "a body is hidden from the judge by a length of nothing",
    ),
    row(
        &["CVE-2026-34040", "GHSA-x744-4wpc-v9h2"],
        "a body beyond a limit is passed on without being judged",
    ),
    row(
        &["response-smuggling"],
        "an answer of the daemon behind the guard has two ends, or hides a second answer",
    ),
    row(
        &["moby#41452"],
        "a chunked body is not judged, or a length and chunks are taken together",
    ),
    row(
        &["CVE-2025-22871", "CVE-2025-55315"],
        "bare line feeds, chunk extensions or second lengths end a request elsewhere for the next reader",
    ),
    row(
        &["grpc-over-h2c"],
        "HTTP/2 or gRPC is passed on to a daemon behind us",
    ),
    row(
        &["nextcloud-aio#8458"],
        "keys in another case, twice, escaped, or a second document mean something else to the daemon than to the judge",
    ),
    row(
        &["content-type"],
        "a body of another type is acted upon and not judged",
    ),
    row(
        &["path-spelling"],
        "another spelling of a path gets around a role",
    ),
    row(
        &["engine-dialects"],
        "another engine's dialect of a path is let through",
    ),
    row(
        &["Tecnativa#182"],
        "a role that may only look reads files, secrets or environments, or writes over a websocket",
    ),
    row(
        &["body-escalation"],
        "a body asks for power over the host that the role has not",
    ),
    row(
        &["symlink-bind"],
        "a bind below an allowed path leads to another one",
    ),
    row(
        &["indirect-object"],
        "what one prepared is started by another, or a name stands for another object",
    ),
    row(
        &["CVE-2026-33997"],
        "a plugin, which runs with the daemon's rights, is installed or changed by who has less",
    ),
    row(
        &["CVE-2024-23653", "CVE-2026-33747", "CVE-2026-33748"],
        "the builder's own protocol, whose calls nobody judges, is spoken by who has less than full power to build",
    ),
    row(
        &["response-side"],
        "an answer is passed on before it is filtered, or filtered in part: lists, events, disk usage, environments",
    ),
    row(&["hijack-lifetime"], "a stream outlives the right to it"),
    row(
        &["policy-failure"],
        "a policy that cannot be read, or an audit that cannot be written, allows everything",
    ),
    row(
        &["audit-tampering"],
        "records are removed, edited, put in, reordered or cut off, or the whole trail is made anew, and nobody notices, a restart in between or not",
    ),
    row(
        &["audit-files"],
        "a link, a pipe, a device or a second writer in place of the audit log's files stops the daemon, overwrites another file, or shows the key",
    ),
    row(
        &["audit-flood"],
        "who is refused all the time, or names what has no end, pushes older records out",
    ),
    row(
        &["limits-leak"],
        "a stream that ends in an unusual way keeps its place among the limits for ever",
    ),
];

const ARCHIVES: &[Row] = &[
    row(
        &["CVE-2018-15664"],
        "a link that is swapped during a copy leads out of the container",
    ),
    row(
        &["CVE-2019-14271"],
        "a library of the container's is loaded to copy for it",
    ),
    row(
        &["CVE-2026-41567", "GHSA-x86f-5xw2-fm2r"],
        "a program of the container's is run on the host to unpack for it",
    ),
    row(
        &["CVE-2026-41568", "GHSA-vp62-88p7-qqf5"],
        "a copy follows a link that appears meanwhile",
    ),
    row(
        &["CVE-2026-42306", "GHSA-rg2x-37c3-w2rh"],
        "a copy goes through a mount point that moves meanwhile",
    ),
    row(
        &["archive-paths"],
        "a member of an archive, a link or a lying digest leads out of its folder",
    ),
    row(
        &["CVE-2026-31431"],
        "a container reaches the kernel's ciphers",
    ),
];
