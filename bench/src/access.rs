//! What the door costs: a decision, a record, a round trip.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use lockgate_access::{
    Access, AuditLog, Facts, JudgedBody, NoObjects, Policy, Principal, Refusal, SocketOwners,
};
use lockgate_api::route;
use lockgate_testkit::run;

use crate::engine::Engine;
use crate::tls;

/// Sizes of policies.
const RULES: [usize; 3] = [10, 1000, 10_000];
/// How often something is done for one figure.
const TIMES: u32 = 2000;
/// When it is done less often.
const LONG_ENOUGH: Duration = Duration::from_secs(5);

const BODY: &str = r#"{"Image":"registry.example/ci/app:1","User":"1000","HostConfig":{"Binds":["/srv/ci:/work"],"Memory":536870912,
  "CapAdd":["NET_ADMIN"],"PortBindings":{"80/tcp":[{"HostPort":"8080"}]}}}"#;

/// Prints one line for each figure.
pub(crate) fn print() -> Result<()> {
    let build = if cfg!(debug_assertions) {
        "unoptimised"
    } else {
        "release"
    };
    println!("| figure ({build} build) | value |\n|---|---|");
    for rules in RULES {
        let policy = Policy::parse(&policy(rules, false)).context("the policy")?;
        let each = decision(&policy)?;
        println!(
            "| decision about a create, {rules} roles and bindings, one of them the caller's | {each:.1?} |"
        );
    }
    for rules in RULES {
        let policy = Policy::parse(&policy(rules, true)).context("the policy")?;
        let each = decision(&policy)?;
        println!("| the same, all {rules} roles the caller's | {each:.1?} |");
    }
    let dir = tempfile::tempdir()?;
    let records = records(dir.path())?;
    println!(
        "| audit records per second, one thread (written each, flushed to disk every 1000) | {records:.0} |"
    );
    let floor = round_trip(UnixStream::connect(echo(dir.path())?)?)?;
    println!(
        "| round trip of a request and an answer on a unix socket, nothing between | {floor:.1?} |"
    );
    Ok(())
}

/// What a request costs beyond that, on a real daemon.
pub(crate) fn door(engine: &Engine) -> Result<[Duration; 2]> {
    let local = round_trip(UnixStream::connect(engine.socket())?)?;
    let (port, client, netns) = engine.tls().context("no TLS")?;
    let mut command = netns.command(std::env::current_exe()?);
    command.arg("--ping").arg(port.to_string());
    let told = run(command.arg("--as").arg(client), b"");
    let nanos = told.stdout.trim().parse();
    let nanos = nanos.with_context(|| format!("no round trips: {told}"))?;
    Ok([local, Duration::from_nanos(nanos)])
}

/// What the client over TLS does: prints how many nanoseconds a round trip takes.
pub(crate) fn ping(port: u16, client: &Path) -> Result<String> {
    let stream = tls::connect(port, &tls::config(client)?)?;
    Ok(round_trip(stream)?.as_nanos().to_string())
}

/// Roles with a power, a host path and limits each, and a binding each.
fn policy(rules: usize, all_hers: bool) -> String {
    let mut text = String::new();
    for number in 0..rules {
        let is_hers = all_hers || number + 1 == rules;
        let name = if is_hers {
            "ci".to_owned()
        } else {
            format!("user-{number}")
        };
        // Only the last one lets the call through.
        let path = if number + 1 == rules {
            "/srv"
        } else {
            "/elsewhere"
        };
        // A `String` takes all writes.
        write!(
            text,
            "[roles.r{number:05}]\nallow = [\"operator\"]\nhost = {{ paths = [\"{path}\"], capabilities = [\"NET_ADMIN\"] }}\n\
             only = {{ images = [\"registry.example/ci/*\"], memory = \"1g\" }}\n\
             [[bindings]]\nroles = [\"r{number:05}\"]\ncommon_name = \"{name}\"\n"
        )
        .unwrap_or_default();
    }
    text
}

fn decision(policy: &Policy) -> Result<Duration> {
    let call = route("POST", "/v1.50/containers/create")?;
    let body = JudgedBody::new(BODY.into(), Some("application/json".to_owned()));
    let facts = Facts::read(&call, body)?;
    let who = Principal::described("ci")?;
    let owners = SocketOwners::default();
    let judge = || policy.allows(&owners, &who, &call, &facts, &NoObjects);
    anyhow::ensure!(
        judge(),
        "the call is denied: {}",
        policy.explain(&owners, &who, &call, &facts, &NoObjects).why
    );
    let begun = Instant::now();
    let mut times = 0;
    while times < TIMES && begun.elapsed() < LONG_ENOUGH {
        std::hint::black_box(judge());
        times += 1;
    }
    Ok(begun.elapsed() / times)
}

/// Refusals: records that nothing else has to be done for.
fn records(dir: &Path) -> Result<f64> {
    let audit = AuditLog::open(&dir.join("audit.log"))?;
    let access = Access::new(Policy::absent(), SocketOwners::default(), audit);
    let begun = Instant::now();
    let count = TIMES * 10;
    for _ in 0..count {
        access.refused(&Refusal {
            peer: "192.0.2.7:41022",
            identity: None,
            reason: "expired_certificate",
            detail: "the client's certificate is expired",
        });
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

/// Somebody who answers at once.
fn echo(dir: &Path) -> Result<std::path::PathBuf> {
    let path = dir.join("echo.sock");
    let listener = UnixListener::bind(&path)?;
    std::thread::spawn(move || {
        let Ok((mut socket, _)) = listener.accept() else {
            return;
        };
        let mut buffer = [0; 4096];
        while socket.read(&mut buffer).is_ok_and(|count| count > 0) {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
            if socket.write_all(answer).is_err() {
                return;
            }
        }
    });
    Ok(path)
}

/// The median of pings over one connection.
fn round_trip(mut stream: impl Read + Write) -> Result<Duration> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    for _ in 0..TIMES {
        let begun = Instant::now();
        stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"OK") {
            let count = stream.read(&mut buffer)?;
            anyhow::ensure!(count > 0, "the connection was closed");
            answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
        all.push(begun.elapsed());
    }
    all.sort();
    all.get(all.len() / 2).copied().context("no round trips")
}
