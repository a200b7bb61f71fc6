//! From a docker command line to the calls that it makes.

use std::ffi::OsString;

use bytes::Bytes;
use lockgate_access::{Facts, JudgedBody};
use lockgate_api::{Call, route};
use serde_json::json;

use super::simple;
use crate::args::{self, ExecArgs, RunArgs, Verb};
use crate::client::call_path;
use crate::failure::Failure;
use crate::spec;

/// Method, target and body.
pub(super) type Request = (&'static str, String, String);

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
    if words.get(1).is_some_and(|word| word.starts_with('-')) {
        let failure = Failure::new("options before the command say which daemon is asked");
        return Err(failure.hint("write the command without them"));
    }
    let words = simple::plain(words);
    let cli = args::parse(words.iter().map(OsString::from))?;
    match &cli.verb {
        Verb::Run(args) => Ok(vec![create(args)?, start(args.text("name"))]),
        Verb::Create(args) => Ok(vec![create(args)?]),
        Verb::Exec(args) => exec(args),
        other => simple::requests(other).ok_or_else(|| {
            let typed = words.get(1..).unwrap_or_default().join(" ");
            let failure =
                Failure::new(format!("what `{typed}` asks of a daemon is not known here"));
            failure.hint("run, create, exec and commands about objects that are there are")
        }),
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
    let name = call_path(name);
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
    let target = format!("/containers/{}/exec", call_path(container));
    let start = ("POST", "/exec/new/start".to_owned(), "{}".to_owned());
    Ok(vec![("POST", target, body.to_string()), start])
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
            ("docker rm -f web db", vec!["ContainerDelete"; 2]),
            ("docker stop web --time 5", vec!["ContainerStop"]),
            ("docker image rm a b", vec!["ImageDelete"; 2]),
            ("docker image inspect a", vec!["ImageInspect"]),
            ("docker container inspect a", vec!["ContainerInspect"]),
            ("docker network inspect a", vec!["NetworkInspect"]),
            ("docker save a b", vec!["ImageGetAll"]),
            ("docker tag a b:1", vec!["ImageTag"]),
            ("docker commit web", vec!["ImageCommit"]),
            ("docker load -i file", vec!["ImageLoad"]),
            ("docker import - a:1", vec!["ImageCreate"]),
            (
                "docker run -itv/:/host busybox",
                vec!["ContainerCreate", "ContainerStart"],
            ),
        ] {
            let calls = calls(line).unwrap();
            let named: Vec<&str> = calls
                .iter()
                .map(|(call, _)| call.operation().name())
                .collect();
            assert_eq!(named, operations, "{line}");
        }
        for line in [
            "docker run -v /:/host busybox",
            "docker run --volume=/:/host busybox",
            "docker run -itv/:/host busybox",
            "docker run -it -v=/:/host busybox",
            "docker container run --mount 'type=bind,\"source=/\",target=/host' busybox",
        ] {
            let powers = calls(line).unwrap()[0].1.powers().to_vec();
            assert_eq!(powers, [lockgate_access::Power::HostPath], "{line}");
        }
    }

    fn targets(line: &str) -> Vec<String> {
        let words = words(line).unwrap();
        let requests = requests(&words).unwrap();
        requests.into_iter().map(|(_, target, _)| target).collect()
    }

    #[test]
    fn what_a_command_names_is_in_its_calls() {
        for (line, expected) in [
            ("docker stop web --time 5", "/containers/web/stop"),
            ("docker logs web -f", "/containers/web/logs"),
            ("docker rm 'a?b'", "/containers/a%3Fb"),
            (
                "docker commit web ci/app:1",
                "/commit?container=web&repo=ci%2Fapp&tag=1",
            ),
            (
                "docker tag a r.example:5000/b:2",
                "/images/a/tag?repo=r.example%3A5000%2Fb&tag=2",
            ),
            (
                "docker pull busybox",
                "/images/create?fromImage=busybox&tag=latest",
            ),
            ("docker pull -a busybox", "/images/create?fromImage=busybox"),
            (
                "docker import - ci/app",
                "/images/create?fromSrc=-&repo=ci%2Fapp&tag=",
            ),
            (
                "docker pull 'busybox&fromSrc=x'",
                "/images/create?fromImage=busybox%26fromSrc%3Dx&tag=latest",
            ),
        ] {
            assert_eq!(targets(line), [expected], "{line}");
        }
        assert_eq!(targets("docker rm a b"), ["/containers/a", "/containers/b"]);
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_not_passed_over() {
        for line in [
            "docker run --privilegd busybox",
            "docker run -it --no-such-flag=1 busybox",
            "docker rm --no-such-flag web",
            "docker build .",
            "docker plugin install x",
            "docker service create x",
            "docker -H tcp://elsewhere rm web",
            "docker cp a:/x .",
            "docker network connect a b",
            "docker update --pids-limit 0 web",
            "docker run 'busybox",
            "docker",
            "",
        ] {
            assert!(calls(line).is_err(), "{line}");
        }
    }
}
