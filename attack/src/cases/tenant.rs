//! Objects of others: alice has something, bob wants it.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::case::{Case, Run, Verdict};
use crate::runner::fresh;
use crate::target::{Endpoint, Who};
use crate::wire::Answer;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "tenant-list",
        title: "who else is here",
        sends: "`GET /containers/json?all=1` as bob",
        run: Run::Call(|endpoint| {
            with_alices(endpoint, |name, _| {
                let list = endpoint.ask(Who::Bob, "GET", "/containers/json?all=1", None)?;
                Ok(told(&list, name))
            })
        }),
    },
    Case {
        id: "tenant-name",
        title: "another's container by name",
        sends: "inspect, stop, remove, exec as bob",
        run: Run::Call(|endpoint| with_alices(endpoint, |name, _| reach(endpoint, name))),
    },
    Case {
        id: "tenant-id",
        title: "the same by its id",
        sends: "the same with the whole id",
        run: Run::Call(|endpoint| with_alices(endpoint, |_, id| reach(endpoint, id))),
    },
    Case {
        id: "tenant-prefix",
        title: "the same by the start of its id",
        sends: "the same with twelve digits",
        run: Run::Call(|endpoint| {
            with_alices(endpoint, |_, id| {
                reach(endpoint, id.get(..12).unwrap_or(id))
            })
        }),
    },
    Case {
        id: "tenant-exec",
        title: "an exec that another prepared",
        sends: "alice creates it, bob starts it",
        run: Run::Call(|endpoint| with_alices(endpoint, |name, _| exec(endpoint, name))),
    },
    Case {
        id: "tenant-namespace",
        title: "the network of another's container",
        sends: "create with `NetworkMode: container:NAME` as bob",
        run: Run::Call(|endpoint| {
            with_alices(endpoint, |name, _| {
                let body = format!(
                    r#"{{"Image":"busybox","HostConfig":{{"NetworkMode":"container:{name}"}}}}"#
                );
                create(endpoint, &body)
            })
        }),
    },
    Case {
        id: "tenant-volumes-from",
        title: "the volumes of another's container",
        sends: "create with `VolumesFrom` as bob",
        run: Run::Call(|endpoint| {
            with_alices(endpoint, |name, _| {
                let body = format!(
                    r#"{{"Image":"busybox","HostConfig":{{"NetworkMode":"none","VolumesFrom":["{name}"]}}}}"#
                );
                create(endpoint, &body)
            })
        }),
    },
    Case {
        id: "tenant-volume",
        title: "another's volume",
        sends: "create with alice's volume in `Binds` as bob",
        run: Run::Call(volume),
    },
    Case {
        id: "tenant-label",
        title: "a label that says whose an object is",
        sends: "create with `lockgate.owner` of alice as bob",
        run: Run::Call(|endpoint| {
            let body = r#"{"Image":"busybox","Labels":{"lockgate.owner":"cn=alice"},"HostConfig":{"NetworkMode":"none"}}"#;
            create(endpoint, body)
        }),
    },
    Case {
        id: "tenant-rename",
        title: "another's container under one's own name",
        sends: "rename as bob, by id",
        run: Run::Call(|endpoint| {
            with_alices(endpoint, |_, id| {
                let path = format!("/containers/{id}/rename?name={}", fresh());
                Ok(answered(&endpoint.ask(Who::Bob, "POST", &path, None)?))
            })
        }),
    },
    Case {
        id: "tenant-commit",
        title: "another's files as an image",
        sends: "commit as bob",
        run: Run::Call(|endpoint| {
            with_alices(endpoint, |name, _| {
                let path = format!("/commit?container={name}&repo=attack");
                Ok(answered(&endpoint.ask(
                    Who::Bob,
                    "POST",
                    &path,
                    Some("{}"),
                )?))
            })
        }),
    },
    Case {
        id: "tenant-prune",
        title: "removing what others stopped",
        sends: "prune as bob",
        run: Run::Call(|endpoint| {
            with_alices(endpoint, |name, _| {
                endpoint.ask(Who::Bob, "POST", "/containers/prune", None)?;
                Ok(if endpoint.look(name)?.is_null() {
                    Verdict::leaked("alice's container is gone")
                } else {
                    Verdict::refused("200, and alice's container is still there")
                })
            })
        }),
    },
    Case {
        id: "tenant-events",
        title: "what others do",
        sends: "`GET /events` of the last minute as bob",
        run: Run::Call(events),
    },
    Case {
        id: "tenant-usage",
        title: "what others have, in the disk usage",
        sends: "`GET /system/df` as bob",
        run: Run::Call(|endpoint| {
            with_alices(endpoint, |name, _| {
                let usage = endpoint.ask(Who::Bob, "GET", "/system/df", None)?;
                Ok(told(&usage, name))
            })
        }),
    },
];

/// Runs a case while alice has a container, with its name and id.
pub(super) fn with_alices(
    endpoint: &Endpoint,
    act: impl FnOnce(&str, &str) -> Result<Verdict>,
) -> Result<Verdict> {
    let name = fresh();
    let path = format!("/containers/create?name={name}");
    let body = r#"{"Image":"busybox","Cmd":["sleep","6000"],"HostConfig":{"NetworkMode":"none"}}"#;
    let made = endpoint.ask(Who::Alice, "POST", &path, Some(body))?;
    let Some(id) = made.json()["Id"].as_str().map(str::to_owned) else {
        bail!("alice cannot make a container: {}", made.summary());
    };
    let verdict = act(&name, &id);
    endpoint.remove(&id)?;
    verdict
}

pub(super) fn answered(answer: &Answer) -> Verdict {
    if answer.is_success() {
        Verdict::leaked(answer.summary())
    } else {
        Verdict::refused(answer.summary())
    }
}

pub(super) fn told(answer: &Answer, secret: &str) -> Verdict {
    if answer.text().contains(secret) {
        Verdict::leaked("alice's container is in the answer")
    } else {
        Verdict::refused(format!("{} without it", answer.status))
    }
}

fn reach(endpoint: &Endpoint, name: &str) -> Result<Verdict> {
    for (method, path, body) in [
        ("GET", format!("/containers/{name}/json"), None),
        ("GET", format!("/containers/{name}/logs?stdout=1"), None),
        ("GET", format!("/containers/{name}/archive?path=/etc"), None),
        ("GET", format!("/containers/{name}/changes"), None),
        ("GET", format!("/containers/{name}/stats?stream=0"), None),
        ("POST", format!("/containers/{name}/stop"), None),
        ("POST", format!("/containers/{name}/restart"), None),
        ("POST", format!("/containers/{name}/update"), Some("{}")),
        (
            "POST",
            format!("/containers/{name}/attach?stream=1&stdin=1"),
            None,
        ),
        (
            "POST",
            format!("/containers/{name}/exec"),
            Some(r#"{"Cmd":["id"]}"#),
        ),
        ("DELETE", format!("/containers/{name}?force=1"), None),
    ] {
        let answer = endpoint.ask(Who::Bob, method, &path, body)?;
        if answer.is_success() || answer.status == 304 {
            return Ok(Verdict::leaked(format!("{method} {}", answer.summary())));
        }
    }
    Ok(Verdict::refused("404 to all of them"))
}

pub(super) fn create(endpoint: &Endpoint, body: &str) -> Result<Verdict> {
    let name = fresh();
    let path = format!("/containers/create?name={name}");
    let answer = endpoint.ask(Who::Bob, "POST", &path, Some(body))?;
    endpoint.remove(&name)?;
    Ok(answered(&answer))
}

pub(super) fn start(endpoint: &Endpoint, who: Who, name: &str) -> Result<Answer> {
    endpoint.ask(who, "POST", &format!("/containers/{name}/start"), None)
}

/// Starts alice's container, and prepares an exec in it for her.
pub(super) fn alices_exec(endpoint: &Endpoint, name: &str) -> Result<String> {
    start(endpoint, Who::Alice, name)?;
    let path = format!("/containers/{name}/exec");
    let made = endpoint.ask(Who::Alice, "POST", &path, Some(r#"{"Cmd":["id"]}"#))?;
    let made: Value = made.json();
    match made["Id"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None => bail!("alice cannot prepare an exec: {made}"),
    }
}

fn exec(endpoint: &Endpoint, name: &str) -> Result<Verdict> {
    let id = alices_exec(endpoint, name)?;
    let start = format!("/exec/{id}/start");
    let answer = endpoint.ask(Who::Bob, "POST", &start, Some(r#"{"Detach":true}"#))?;
    Ok(answered(&answer))
}

fn volume(endpoint: &Endpoint) -> Result<Verdict> {
    let volume = fresh();
    let body = format!(r#"{{"Name":"{volume}"}}"#);
    let made = endpoint.ask(Who::Alice, "POST", "/volumes/create", Some(&body))?;
    if !made.is_success() {
        bail!("alice cannot make a volume: {}", made.summary());
    }
    let body = format!(
        r#"{{"Image":"busybox","HostConfig":{{"NetworkMode":"none","Binds":["{volume}:/d"]}}}}"#
    );
    let verdict = create(endpoint, &body);
    let path = format!("/volumes/{volume}?force=1");
    endpoint.ask(Who::Admin, "DELETE", &path, None)?;
    verdict
}

fn events(endpoint: &Endpoint) -> Result<Verdict> {
    with_alices(endpoint, |name, _| {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let path = format!("/events?since={}&until={}", now - 60, now + 1);
        Ok(told(&endpoint.ask(Who::Bob, "GET", &path, None)?, name))
    })
}
