//! From a docker command line to what it asks of a daemon: the requests that docker sends, in its order, as far
//! as a refusal of one is the end of the command.
//!
//! What depends on answers is taken to go well: the image is there (unless `--pull always`), and so are the
//! objects that the command names.

mod container;
mod foreign;
mod image;
mod node;
mod object;
mod request;
#[cfg(test)]
mod tests;
mod words;

use std::ffi::OsString;

use bytes::Bytes;
use lockgate_access::{Facts, JudgedBody};
use lockgate_api::{Call, route};

use crate::args::{self, Verb};
use crate::failure::Failure;
use request::Request;

/// The calls of `docker run …` and the like, as far as they are known before a daemon is asked.
pub(super) fn calls(line: &str) -> Result<Vec<(Call, Facts)>, Failure> {
    let mut words = words::words(line)?;
    if !matches!(
        words.first().map(String::as_str),
        Some("docker" | "lockgate")
    ) {
        words.insert(0, "docker".to_owned());
    }
    let requests = requests(&words)?;
    requests.into_iter().map(judged).collect()
}

/// As the door reads it.
fn judged(request: Request) -> Result<(Call, Facts), Failure> {
    let Request {
        method,
        target,
        body,
    } = request;
    let call = route(method, &target)
        .map_err(|error| Failure::new(format!("{method} {target}: {error}")))?;
    let body = JudgedBody::new(Bytes::from(body), Some("application/json".to_owned()));
    let facts = Facts::read(&call, body).map_err(|error| Failure::new(error.to_string()))?;
    Ok((call, facts))
}

fn requests(words: &[String]) -> Result<Vec<Request>, Failure> {
    if words.get(1).is_some_and(|word| word.starts_with('-')) {
        let failure = Failure::new("options before the command say which daemon is asked");
        return Err(failure.hint("write the command without them"));
    }
    let words = words::plain(words);
    if let Some(requests) = node::requests(&words)? {
        return Ok(requests);
    }
    let typed: Vec<OsString> = words.iter().map(OsString::from).collect();
    if let Some(verb) = args::parse_foreign(&typed) {
        return foreign::requests(&verb?);
    }
    let cli = args::parse(typed.into_iter())?;
    of(&cli.verb)?.ok_or_else(|| {
        let typed = words.get(1..).unwrap_or_default().join(" ");
        Failure::new(format!("`{typed}` asks nothing of a daemon like docker's"))
    })
}

fn of(verb: &Verb) -> Result<Option<Vec<Request>>, Failure> {
    let found = match container::requests(verb)? {
        Some(found) => Some(found),
        None => image::requests(verb),
    };
    match found {
        Some(found) => Ok(Some(found)),
        None => object::requests(verb),
    }
}
