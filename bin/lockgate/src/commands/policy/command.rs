//! From a docker command line to the calls that it makes.

use std::ffi::OsString;

use bytes::Bytes;
use lockgate_access::{Facts, JudgedBody};
use lockgate_api::{Call, route};
use serde_json::json;

use crate::args::{self, ContainerVerb, ExecArgs, RunArgs, Verb};
use crate::failure::Failure;
use crate::spec;

/// Method, target and body.
type Request = (&'static str, String, String);

/// The calls of `docker run …` and the like, as far as they are known before a daemon is asked.
pub(super) fn calls(line: &str) -> Result<Vec<(Call, Facts)>, Failure> {
    let mut words = words(line)?;
    if !matches!(
        words.first().map(String::as_str),
        Some("docker" | "lockgate")
    ) {
        words.insert(0, "docker".to_owned());
    }
    let requests = requests(&words)?;
    requests.into_iter().map(judged).collect()
}

fn judged((method, target, body): Request) -> Result<(Call, Facts), Failure> {
    let call = route(method, &target)
        .map_err(|error| Failure::new(format!("{method} {target}: {error}")))?;
    let body = JudgedBody::new(Bytes::from(body), Some("application/json".to_owned()));
    let facts = Facts::read(&call, body).map_err(|error| Failure::new(error.to_string()))?;
    Ok((call, facts))
}

fn requests(words: &[String]) -> Result<Vec<Request>, Failure> {
    let cli = args::parse(words.iter().map(OsString::from))?;
    match &cli.verb {
        Verb::Run(args) => Ok(vec![create(args)?, start(args.text("name"))]),
        Verb::Create(args) => Ok(vec![create(args)?]),
        Verb::Exec(args) => exec(args),
        Verb::Container(group) => match &group.verb {
            ContainerVerb::Run(args) => Ok(vec![create(args)?, start(args.text("name"))]),
            ContainerVerb::Create(args) => Ok(vec![create(args)?]),
            ContainerVerb::Exec(args) => exec(args),
            _ => simple(words),
        },
        _ => simple(words),
    }
}

fn create(args: &RunArgs) -> Result<Request, Failure> {
    let body = spec::build(args).map_err(Failure::new)?;
    let text = serde_json::to_string(&body)
        .map_err(|error| Failure::new(format!("the container cannot be described: {error}")))?;
    Ok(("POST", "/containers/create".to_owned(), text))
}

fn start(name: &str) -> Request {
    let name = if name.is_empty() { "new" } else { name };
    ("POST", format!("/containers/{name}/start"), String::new())
}

fn exec(args: &ExecArgs) -> Result<Vec<Request>, Failure> {
    let Some((container, command)) = args.words.split_first() else {
        return Err(Failure::new("exec needs a container and a command"));
    };
    let body = json!({
        "Cmd": command,
        "Privileged": args.privileged,
        "User": args.user.clone().unwrap_or_default(),
    });
    let target = format!("/containers/{container}/exec");
    let start = ("POST", "/exec/new/start".to_owned(), "{}".to_owned());
    Ok(vec![("POST", target, body.to_string()), start])
}

/// Commands whose call has no body that is judged: `NAME` stands for the last word.
const SIMPLE: [(&str, &str, &str); 40] = [
    ("attach", "POST", "/containers/NAME/attach"),
    ("commit", "POST", "/commit?container=NAME"),
    ("diff", "GET", "/containers/NAME/changes"),
    ("events", "GET", "/events"),
    ("export", "GET", "/containers/NAME/export"),
    ("history", "GET", "/images/NAME/history"),
    ("images", "GET", "/images/json"),
    ("image ls", "GET", "/images/json"),
    ("image prune", "POST", "/images/prune"),
    ("image inspect", "GET", "/images/NAME/json"),
    ("info", "GET", "/info"),
    ("inspect", "GET", "/containers/NAME/json"),
    ("kill", "POST", "/containers/NAME/kill"),
    ("load", "POST", "/images/load"),
    ("logs", "GET", "/containers/NAME/logs"),
    ("network ls", "GET", "/networks"),
    ("network inspect", "GET", "/networks/NAME"),
    ("network rm", "DELETE", "/networks/NAME"),
    ("network prune", "POST", "/networks/prune"),
    ("pause", "POST", "/containers/NAME/pause"),
    ("ps", "GET", "/containers/json"),
    ("container ls", "GET", "/containers/json"),
    ("container prune", "POST", "/containers/prune"),
    ("pull", "POST", "/images/create?fromImage=NAME"),
    ("rename", "POST", "/containers/NAME/rename"),
    ("restart", "POST", "/containers/NAME/restart"),
    ("rm", "DELETE", "/containers/NAME"),
    ("rmi", "DELETE", "/images/NAME"),
    ("save", "GET", "/images/NAME/get"),
    ("start", "POST", "/containers/NAME/start"),
    ("stats", "GET", "/containers/NAME/stats"),
    ("stop", "POST", "/containers/NAME/stop"),
    ("top", "GET", "/containers/NAME/top"),
    ("unpause", "POST", "/containers/NAME/unpause"),
    ("version", "GET", "/version"),
    ("volume ls", "GET", "/volumes"),
    ("volume inspect", "GET", "/volumes/NAME"),
    ("volume rm", "DELETE", "/volumes/NAME"),
    ("volume prune", "POST", "/volumes/prune"),
    ("wait", "POST", "/containers/NAME/wait"),
];

fn simple(words: &[String]) -> Result<Vec<Request>, Failure> {
    let verbs: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    let verbs = match verbs.as_slice() {
        ["container", rest @ ..] if !matches!(rest, ["ls" | "prune", ..]) => rest,
        all => all,
    };
    let typed = verbs.join(" ");
    let is = |(verb, _, _): &&(&str, &str, &str)| {
        typed == *verb || typed.starts_with(&format!("{verb} "))
    };
    let Some((_, method, target)) = SIMPLE.iter().find(is) else {
        let failure = Failure::new(format!("what `{typed}` asks of a daemon is not known here"));
        return Err(failure.hint("run, create, exec and commands about one object are"));
    };
    let name = verbs.last().copied().unwrap_or_default();
    let target = target.replace("NAME", name);
    Ok(vec![(method, target, String::new())])
}

/// Words as a shell would divide them, without expansions.
fn words(line: &str) -> Result<Vec<String>, Failure> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(end), letter) if letter == end => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                let next = letters.next().unwrap_or('\\');
                word.get_or_insert_default().push(next);
            }
            (None, ' ' | '\t' | '\n') => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        return Err(Failure::new("the command line ends inside quotes"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_divided_as_by_a_shell() {
        let words = words(r#"docker run -e 'A=b c' "x\"y" z\ w ''"#).unwrap();
        assert_eq!(words, ["docker", "run", "-e", "A=b c", "x\"y", "z w", ""]);
    }

    #[test]
    fn commands_become_their_calls() {
        for (line, operations) in [
            (
                "docker run -v /:/host busybox",
                vec!["ContainerCreate", "ContainerStart"],
            ),
            ("exec web sh", vec!["ContainerExec", "ExecStart"]),
            ("docker container rm web", vec!["ContainerDelete"]),
            ("docker container ls", vec!["ContainerList"]),
            ("docker volume rm data", vec!["VolumeDelete"]),
            ("docker pull busybox", vec!["ImageCreate"]),
        ] {
            let calls = calls(line).unwrap();
            let named: Vec<&str> = calls
                .iter()
                .map(|(call, _)| call.operation().name())
                .collect();
            assert_eq!(named, operations, "{line}");
        }
        let powers = calls("docker run -v /:/host busybox").unwrap()[0]
            .1
            .powers()
            .to_vec();
        assert_eq!(powers, [lockgate_access::Power::HostPath]);
    }
}
