//! Objects of others that are no containers, or are reached through one's own: alice has something, bob wants it.

use anyhow::{Result, bail};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, SanType};

use super::tenant::{alices_exec, answered, create, start, told, with_alices};
use crate::case::{Case, Run, Verdict};
use crate::runner::fresh;
use crate::target::{Endpoint, Who, request};
use crate::wire::Wire;

macro_rules! case {
    ($id:literal, $title:literal, $sends:literal, $run:expr) => {
        Case {
            id: $id,
            title: $title,
            sends: $sends,
            run: Run::Call($run),
        }
    };
}

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    case!("tenant-processes", "the processes of another's container", "create with `PidMode: container:NAME` as bob", |e| with_alices(e, |name, _| mode(e, "PidMode", name))),
    case!("tenant-memory", "the shared memory of another's container", "create with `IpcMode: container:ID` as bob", |e| with_alices(e, |_, id| mode(e, "IpcMode", id))),
    case!("tenant-namespace-prefix", "the network of another's container by the start of its id", "create with `NetworkMode: container:` and twelve digits as bob", |e| with_alices(e, |_, id| mode(e, "NetworkMode", id.get(..12).unwrap_or(id)))),
    case!("tenant-link", "the address of another's container", "create with `Links` as bob", |e| with_alices(e, |name, _| link(e, name))),
    case!("tenant-name-reused", "a name that became another's after it was judged", "start of a container whose `container:NAME` alice has made since", name_reused),
    case!("tenant-exec-look", "what another executes", "`GET /exec/ID/json` and resize as bob", |e| with_alices(e, |name, _| exec(e, name))),
    case!("tenant-network", "another's network by name", "inspect, connect, remove as bob", |e| with_network(e, |name, _| network(e, name))),
    case!("tenant-network-id", "the same by its id", "the same with the whole id", |e| with_network(e, |_, id| network(e, id))),
    case!("tenant-network-prefix", "the same by the start of its id", "the same with twelve digits", |e| with_network(e, |_, id| network(e, id.get(..12).unwrap_or(id)))),
    case!("tenant-network-list", "what networks others have", "`GET /networks` as bob", |e| with_network(e, |name, _| Ok(told(&e.ask(Who::Bob, "GET", "/networks", None)?, name)))),
    case!("tenant-network-prune", "removing the networks of others", "`POST /networks/prune` as bob", |e| with_network(e, |name, _| prune(e, "networks", name))),
    case!("tenant-volume-look", "another's volume by name", "inspect and remove as bob", |e| with_volume(e, |name| volume(e, name))),
    case!("tenant-volume-list", "what volumes others have", "`GET /volumes` as bob", |e| with_volume(e, |name| Ok(told(&e.ask(Who::Bob, "GET", "/volumes", None)?, name)))),
    case!("tenant-volume-prune", "removing the volumes of others", "`POST /volumes/prune` with `all` as bob", |e| with_volume(e, |name| prune(e, "volumes", name))),
    case!("tenant-volume-claim", "another's volume by making it again", "`POST /volumes/create` with its name, then a container with it as bob", |e| with_volume(e, |name| claim(e, name))),
    case!("tenant-volume-list-mount", "another's volume behind a comma", "create with a mount's `Target` of `/x,src=NAME` as bob", |e| with_volume(e, |name| behind_comma(e, name))),
    case!("tenant-volume-anonymous", "another's volume without a name", "inspect and mount by its generated name as bob", anonymous),
    case!("tenant-label-volume", "a label that says whose a volume is", "`POST /volumes/create` with `lockgate.owner` of alice as bob", |e| forged(e, "/volumes/create")),
    case!("tenant-label-network", "a label that says whose a network is", "`POST /networks/create` with the same as bob", |e| forged(e, "/networks/create")),
    case!("tenant-label-mount", "a label that says whose a volume is, in a mount", "create with `VolumeOptions.Labels` of alice's as bob", |e| create(e, r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none","Mounts":[{"Type":"volume","Source":"attack-forged","Target":"/d","VolumeOptions":{"Labels":{"lockgate.owner":"cn=alice"}}}]}}"#)),
    case!("tenant-swarm", "what has no owner", "services, tasks, secrets, nodes and plugins as bob", swarm),
    case!("certificate-role", "a role in a certificate that the policy does not believe", "CN=carol with the role `admin` in an alternative name", carried),
];

fn mode(endpoint: &Endpoint, key: &str, name: &str) -> Result<Verdict> {
    start(endpoint, Who::Alice, name)?;
    let body = format!(r#"{{"Image":"busybox","HostConfig":{{"{key}":"container:{name}"}}}}"#);
    create(endpoint, &body)
}

fn link(endpoint: &Endpoint, name: &str) -> Result<Verdict> {
    let body = format!(r#"{{"Image":"busybox","HostConfig":{{"Links":["{name}:it"]}}}}"#);
    create(endpoint, &body)
}

/// Bob's own container first has the name, then alice's.
fn name_reused(endpoint: &Endpoint) -> Result<Verdict> {
    let (name, joined) = (fresh(), fresh());
    let plain = r#"{"Image":"busybox","Cmd":["sleep","6000"],"HostConfig":{"NetworkMode":"none"}}"#;
    let make = |who, name: &str, body: &str| {
        let path = format!("/containers/create?name={name}");
        endpoint.ask(who, "POST", &path, Some(body))
    };
    make(Who::Bob, &name, plain)?;
    let body = format!(
        r#"{{"Image":"busybox","Cmd":["sleep","6000"],"HostConfig":{{"NetworkMode":"container:{name}"}}}}"#
    );
    let made = make(Who::Bob, &joined, &body)?;
    endpoint.remove(&name)?;
    let taken = make(Who::Alice, &name, plain)?;
    start(endpoint, Who::Alice, &name)?;
    let started = start(endpoint, Who::Bob, &joined)?;
    endpoint.remove(&joined)?;
    endpoint.remove(&name)?;
    if !made.is_success() {
        bail!("bob cannot join a container of his own: {}", made.summary());
    }
    if !taken.is_success() {
        return Ok(Verdict::refused(format!(
            "{} the name is bob's as long as it is joined",
            taken.status
        )));
    }
    Ok(answered(&started))
}

fn exec(endpoint: &Endpoint, name: &str) -> Result<Verdict> {
    let id = alices_exec(endpoint, name)?;
    all(
        endpoint,
        &[
            ("GET", format!("/exec/{id}/json"), None),
            ("POST", format!("/exec/{id}/resize?h=1&w=1"), None),
        ],
    )
}

/// Refused if bob gets none of these.
fn all(endpoint: &Endpoint, calls: &[(&str, String, Option<String>)]) -> Result<Verdict> {
    let mut last = String::new();
    for (method, path, body) in calls {
        let answer = endpoint.ask(Who::Bob, method, path, body.as_deref())?;
        if answer.is_success() {
            return Ok(Verdict::leaked(format!("{method} {}", answer.summary())));
        }
        last = answer.summary();
    }
    Ok(Verdict::refused(last))
}

fn with_network(
    endpoint: &Endpoint,
    act: impl FnOnce(&str, &str) -> Result<Verdict>,
) -> Result<Verdict> {
    let name = fresh();
    let body = format!(r#"{{"Name":"{name}"}}"#);
    let made = endpoint.ask(Who::Alice, "POST", "/networks/create", Some(&body))?;
    let said = made.summary();
    let made = made.json();
    let Some(id) = made["Id"].as_str() else {
        bail!("alice cannot make a network: {said}");
    };
    let verdict = act(&name, id);
    endpoint.ask(Who::Admin, "DELETE", &format!("/networks/{id}"), None)?;
    verdict
}

fn network(endpoint: &Endpoint, name: &str) -> Result<Verdict> {
    let own = fresh();
    let path = format!("/containers/create?name={own}");
    let body = r#"{"Image":"busybox","Cmd":["sleep","6000"]}"#;
    let made = endpoint.ask(Who::Bob, "POST", &path, Some(body))?;
    let joined = fresh();
    let create = format!("/containers/create?name={joined}");
    let with = |text: String| Some(text);
    let verdict = all(
        endpoint,
        &[
            ("GET", format!("/networks/{name}"), None),
            (
                "POST",
                format!("/networks/{name}/connect"),
                with(format!(r#"{{"Container":"{own}"}}"#)),
            ),
            (
                "POST",
                create.clone(),
                with(format!(
                    r#"{{"Image":"busybox","HostConfig":{{"NetworkMode":"{name}"}}}}"#
                )),
            ),
            (
                "POST",
                create,
                with(format!(
                    r#"{{"Image":"busybox","NetworkingConfig":{{"EndpointsConfig":{{"bridge":{{"NetworkID":"{name}"}}}}}}}}"#
                )),
            ),
            ("DELETE", format!("/networks/{name}"), None),
        ],
    );
    endpoint.remove(&own)?;
    endpoint.remove(&joined)?;
    if !made.is_success() {
        bail!("bob cannot make a container: {}", made.summary());
    }
    verdict
}

fn prune(endpoint: &Endpoint, kind: &str, name: &str) -> Result<Verdict> {
    let path = format!("/{kind}/prune?filters=%7B%22all%22%3A%5B%22true%22%5D%7D");
    let path = if kind == "volumes" {
        path
    } else {
        format!("/{kind}/prune")
    };
    endpoint.ask(Who::Bob, "POST", &path, None)?;
    let there = endpoint.ask(Who::Admin, "GET", &format!("/{kind}/{name}"), None)?;
    Ok(if there.is_success() {
        Verdict::refused("200, and alice's is still there")
    } else {
        Verdict::leaked("alice's is gone")
    })
}

fn with_volume(endpoint: &Endpoint, act: impl FnOnce(&str) -> Result<Verdict>) -> Result<Verdict> {
    let name = fresh();
    let body = format!(r#"{{"Name":"{name}"}}"#);
    let made = endpoint.ask(Who::Alice, "POST", "/volumes/create", Some(&body))?;
    if !made.is_success() {
        bail!("alice cannot make a volume: {}", made.summary());
    }
    let verdict = act(&name);
    endpoint.ask(
        Who::Admin,
        "DELETE",
        &format!("/volumes/{name}?force=1"),
        None,
    )?;
    verdict
}

fn volume(endpoint: &Endpoint, name: &str) -> Result<Verdict> {
    let mount = format!(
        r#"{{"Image":"busybox","HostConfig":{{"NetworkMode":"none","Mounts":[{{"Type":"volume","Source":"{name}","Target":"/d"}}]}}}}"#
    );
    if let Verdict::Leaked(how) = create(endpoint, &mount)? {
        return Ok(Verdict::leaked(how));
    }
    all(
        endpoint,
        &[
            ("GET", format!("/volumes/{name}"), None),
            ("DELETE", format!("/volumes/{name}"), None),
        ],
    )
}

fn claim(endpoint: &Endpoint, name: &str) -> Result<Verdict> {
    let body = format!(r#"{{"Name":"{name}"}}"#);
    endpoint.ask(Who::Bob, "POST", "/volumes/create", Some(&body))?;
    volume(endpoint, name)
}

fn behind_comma(endpoint: &Endpoint, name: &str) -> Result<Verdict> {
    let body = format!(
        r#"{{"Image":"busybox","HostConfig":{{"NetworkMode":"none","Mounts":[{{"Type":"volume","Target":"/x,src={name}"}}]}}}}"#
    );
    create(endpoint, &body)
}

/// The volume that the container of alice's got by itself.
fn anonymous(endpoint: &Endpoint) -> Result<Verdict> {
    let name = fresh();
    let path = format!("/containers/create?name={name}");
    let body = r#"{"Image":"busybox","Volumes":{"/d":{}},"HostConfig":{"NetworkMode":"none"}}"#;
    let made = endpoint.ask(Who::Alice, "POST", &path, Some(body))?;
    let seen = endpoint.look(&name)?;
    let Some(own) = seen["Mounts"][0]["Name"].as_str() else {
        bail!("alice's container has no volume: {}", made.summary());
    };
    let verdict = volume(endpoint, own);
    endpoint.remove(&name)?;
    verdict
}

fn forged(endpoint: &Endpoint, path: &str) -> Result<Verdict> {
    let name = fresh();
    let body = format!(r#"{{"Name":"{name}","Labels":{{"lockgate.owner":"cn=alice"}}}}"#);
    let answer = endpoint.ask(Who::Bob, "POST", path, Some(&body))?;
    let kind = path.split('/').nth(1).unwrap_or_default();
    endpoint.ask(Who::Admin, "DELETE", &format!("/{kind}/{name}"), None)?;
    Ok(answered(&answer))
}

/// A node that is no swarm says 503 to who may ask: that is no refusal at the door.
fn swarm(endpoint: &Endpoint) -> Result<Verdict> {
    let mut last = String::new();
    for path in [
        "/services",
        "/tasks",
        "/secrets",
        "/configs",
        "/nodes",
        "/swarm",
        "/swarm/unlockkey",
        "/plugins/x/json",
    ] {
        let answer = endpoint.ask(Who::Bob, "GET", path, None)?;
        if answer.status != 403 {
            return Ok(Verdict::leaked(format!("{path}: {}", answer.summary())));
        }
        last = answer.summary();
    }
    Ok(Verdict::refused(last))
}

fn carried(endpoint: &Endpoint) -> Result<Verdict> {
    let Some(authority) = &endpoint.authority else {
        return Ok(Verdict::Skipped("there is no key to forge with".to_owned()));
    };
    let pair = authority.sign("carol", |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let role = "https://lockgate.invalid/role/admin".try_into();
        params.subject_alt_names.extend(role.map(SanType::URI));
    })?;
    let config = endpoint.with(&pair, rustls::ALL_VERSIONS)?;
    let mut wire = Wire::tls(endpoint.address, std::sync::Arc::new(config))?;
    wire.send(request("GET", "/containers/json", "application/json", None));
    Ok(answered(&wire.answer(false)))
}
