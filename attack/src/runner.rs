//! Runs cases, one after the other; those that wait run beside the others.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use serde_json::Value;

use crate::case::{Case, Outcome, Run, Verdict};
use crate::cases;
use crate::target::fixture::{EVIL, KEPT, POWERFUL, STRANGE, VICTIM};
use crate::target::{Endpoint, Who, request};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A name for a container that must not come to be.
pub(crate) fn fresh() -> String {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("attack-{}-{number}", std::process::id())
}

/// Runs the cases whose id contains `which`.
pub(crate) fn run(endpoint: &Endpoint, which: &str) -> Result<Vec<Outcome>> {
    let wanted: Vec<Case> = cases::all()
        .into_iter()
        .filter(|case| case.id.contains(which))
        .collect();
    let outcomes = std::thread::scope(|scope| {
        #[expect(clippy::needless_collect, reason = "all of them begin now")]
        let waiting: Vec<_> = wanted
            .iter()
            .map(|case| match case.run {
                Run::Slow(act) => Some(scope.spawn(move || act(endpoint))),
                _ => None,
            })
            .collect();
        let quick: Vec<_> = wanted.iter().map(|case| one(endpoint, case)).collect();
        let pairs = waiting.into_iter().zip(quick).zip(&wanted);
        pairs
            .map(|((slow, quick), case)| {
                let verdict = match slow.map(std::thread::ScopedJoinHandle::join) {
                    Some(Ok(verdict)) => verdict,
                    Some(Err(_panic)) => Ok(Verdict::Leaked("the case panicked".to_owned())),
                    None => quick,
                };
                ended(case, verdict)
            })
            .collect()
    });
    endpoint.clear()?;
    Ok(outcomes)
}

/// A case that cannot be carried out is no refusal.
fn ended(case: &Case, verdict: Result<Verdict>) -> Outcome {
    let verdict =
        verdict.unwrap_or_else(|error| Verdict::Leaked(format!("the case broke off: {error:#}")));
    println!(
        "{:<28} {:<11} {}",
        case.id,
        verdict.word(),
        verdict.detail()
    );
    Outcome {
        id: case.id.to_owned(),
        verdict,
    }
}

fn one(endpoint: &Endpoint, case: &Case) -> Result<Verdict> {
    match case.run {
        Run::Create(body) => create(endpoint, Who::Operator, body),
        Run::Kept(but) => create(endpoint, Who::Kept, &altered(endpoint, but)?),
        Run::Bytes(bytes) => smuggle(endpoint, bytes),
        Run::Ask(who, method, path, body) => {
            let answer = endpoint.ask(who, method, &filled(path), body)?;
            Ok(if answer.is_success() {
                Verdict::leaked(answer.summary())
            } else {
                Verdict::refused(answer.summary())
            })
        }
        Run::Call(act) => act(endpoint),
        // Somebody else runs it.
        Run::Slow(_) => Ok(Verdict::refused("")),
        Run::Tests(names) => Ok(Verdict::Tests(names.to_owned())),
    }
}

fn filled(text: &str) -> String {
    let names = [("{c}", VICTIM), ("{p}", POWERFUL), ("{s}", STRANGE)];
    let fill = |text: String, (mark, name): (&str, &str)| text.replace(mark, name);
    names.into_iter().fold(text.to_owned(), fill)
}

/// The good body with another one laid over it.
fn altered(endpoint: &Endpoint, but: &str) -> Result<String> {
    let image = endpoint.ask(Who::Admin, "GET", &format!("/images/{EVIL}/json"), None)?;
    let image = image.json();
    let id = image["Id"].as_str().unwrap_or_default();
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    let given = endpoint.certs.join("given");
    let but = filled(but)
        .replace("{id}", digits)
        .replace("{short}", digits.get(..12).unwrap_or_default())
        .replace("{given}", &given.display().to_string());
    let mut body: Value = serde_json::from_str(KEPT)?;
    lay(&mut body, serde_json::from_str(&but)?);
    Ok(body.to_string())
}

fn lay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

fn create(endpoint: &Endpoint, who: Who, body: &str) -> Result<Verdict> {
    let name = fresh();
    let path = format!("/containers/create?name={name}");
    let answer = endpoint.ask(who, "POST", &path, Some(&filled(body)))?;
    if endpoint.look(&name)?.is_null() {
        return Ok(Verdict::refused(answer.summary()));
    }
    endpoint.remove(&name)?;
    Ok(Verdict::leaked(format!("made it: {}", answer.summary())))
}

/// Sends bytes, hears all that is answered, and looks for a privileged container.
fn smuggle(endpoint: &Endpoint, bytes: fn(&str) -> Vec<u8>) -> Result<Verdict> {
    let name = fresh();
    let mut wire = endpoint.connect(Who::Operator)?;
    wire.send(bytes(&name));
    let said = wire.answer(false);
    // Whatever else was in the bytes is served by now, or as soon as the first answer is out.
    drop(wire.rest(std::time::Duration::from_millis(300))?);
    privileged(endpoint, &name, &said.summary())
}

/// Whether the container came to be, with power.
pub(crate) fn privileged(endpoint: &Endpoint, name: &str, said: &str) -> Result<Verdict> {
    let made = endpoint.look(name)?;
    if made.is_null() {
        return Ok(Verdict::refused(said));
    }
    endpoint.remove(name)?;
    Ok(if made["HostConfig"]["Privileged"] == true {
        Verdict::leaked("made a privileged container")
    } else {
        Verdict::refused(format!("{said} made without the power"))
    })
}

/// The body that nobody but the administrator may have carried out.
pub(crate) const PRIVILEGED: &str =
    r#"{"Image":"busybox","HostConfig":{"Privileged":true,"NetworkMode":"none"}}"#;

/// The request for it.
pub(crate) fn create_request(name: &str, body: &str) -> Vec<u8> {
    let path = format!("/containers/create?name={name}");
    request("POST", &path, "application/json", Some(body.as_bytes()))
}
