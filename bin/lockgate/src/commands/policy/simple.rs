//! Commands about objects that are there, whose calls have no body that is judged.

use super::command::Request;
use crate::args::{ContainerVerb, ImageVerb, NetworkVerb, Verb, VolumeVerb};
use crate::client::{call_path, escape_query};

/// A name as it stands in a query.
fn escaped(name: &str) -> String {
    escape_query(name)
}

/// `container rm` is `rm`, `image ls` is `images`.
pub(super) fn plain(words: &[String]) -> Vec<String> {
    let (group, verb) = (words.get(1), words.get(2));
    let of = |word: Option<&String>| word.cloned().unwrap_or_default();
    let short = match (of(group).as_str(), of(verb).as_str()) {
        ("container" | "image", "inspect" | "prune") => None,
        ("container", "ls" | "list" | "ps") => Some("ps"),
        ("container", "remove") => Some("rm"),
        ("image", "ls" | "list") => Some("images"),
        ("image", "rm" | "remove") => Some("rmi"),
        ("container" | "image", _) => verb.map(String::as_str),
        _ => None,
    };
    let Some(short) = short else {
        return words.to_vec();
    };
    let rest = words.iter().skip(3).cloned();
    let first = words.iter().take(1).cloned();
    first.chain([short.to_owned()]).chain(rest).collect()
}

/// The calls of a command; `None` for one that is not known here.
pub(super) fn requests(verb: &Verb) -> Option<Vec<Request>> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not here is not known, and said to be"
    )]
    Some(match verb {
        Verb::Attach(args) => each("POST", "containers", "/attach", [&args.container]),
        Verb::Diff(args) => each("GET", "containers", "/changes", [&args.container]),
        Verb::Export(args) => each("GET", "containers", "/export", [&args.container]),
        Verb::Inspect(args) if args.kind.as_deref().is_none_or(|kind| kind == "container") => {
            each("GET", "containers", "/json", &args.names)
        }
        Verb::Kill(args) => each("POST", "containers", "/kill", &args.containers),
        Verb::Logs(args) => each("GET", "containers", "/logs", [&args.container]),
        Verb::Pause(args) => each("POST", "containers", "/pause", &args.containers),
        Verb::Rename(args) => each("POST", "containers", "/rename", [&args.container]),
        Verb::Restart(args) => each("POST", "containers", "/restart", &args.containers),
        Verb::Rm(args) => each("DELETE", "containers", "", &args.containers),
        Verb::Start(args) => each("POST", "containers", "/start", &args.containers),
        Verb::Stats(args) if !args.containers.is_empty() => {
            each("GET", "containers", "/stats", &args.containers)
        }
        Verb::Stop(args) => each("POST", "containers", "/stop", &args.containers),
        Verb::Top(args) => each("GET", "containers", "/top", args.words.first()),
        Verb::Unpause(args) => each("POST", "containers", "/unpause", &args.containers),
        Verb::Wait(args) => each("POST", "containers", "/wait", &args.containers),
        Verb::Ps(_) => one("GET", "/containers/json"),
        Verb::Events(_) => one("GET", "/events"),
        Verb::Info(_) => one("GET", "/info"),
        Verb::Version(_) => one("GET", "/version"),
        Verb::Container(group) => match &group.verb {
            ContainerVerb::Inspect(args) => each("GET", "containers", "/json", &args.names),
            ContainerVerb::Prune(_) => one("POST", "/containers/prune"),
            _ => return None,
        },
        Verb::Network(group) => match &group.verb {
            NetworkVerb::Inspect(args) => each("GET", "networks", "", &args.names),
            NetworkVerb::Ls(_) => one("GET", "/networks"),
            NetworkVerb::Prune(_) => one("POST", "/networks/prune"),
            NetworkVerb::Rm(args) => each("DELETE", "networks", "", &args.networks),
            _ => return None,
        },
        Verb::Volume(group) => match &group.verb {
            VolumeVerb::Inspect(args) => each("GET", "volumes", "", &args.names),
            VolumeVerb::Ls(_) => one("GET", "/volumes"),
            VolumeVerb::Prune(_) => one("POST", "/volumes/prune"),
            VolumeVerb::Rm(args) => each("DELETE", "volumes", "", &args.volumes),
            VolumeVerb::Create(_) => return None,
        },
        other => return of_images(other),
    })
}

fn of_images(verb: &Verb) -> Option<Vec<Request>> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not here is not known, and said to be"
    )]
    Some(match verb {
        Verb::History(args) => each("GET", "images", "/history", [&args.image]),
        Verb::Images(_) => one("GET", "/images/json"),
        Verb::Load(_) => one("POST", "/images/load"),
        Verb::Rmi(args) => each("DELETE", "images", "", &args.images),
        Verb::Save(args) => {
            let names: Vec<String> = args.images.iter().map(|name| escaped(name)).collect();
            one(
                "GET",
                &format!("/images/get?names={}", names.join("&names=")),
            )
        }
        Verb::Tag(args) => {
            let target = format!(
                "/images/{}/tag?{}",
                call_path(&args.source),
                named(&args.target)
            );
            one("POST", &target)
        }
        Verb::Commit(args) => {
            let name = args
                .image
                .as_deref()
                .map(|name| format!("&{}", named(name)));
            let container = escaped(&args.container);
            let name = name.unwrap_or_default();
            one("POST", &format!("/commit?container={container}{name}"))
        }
        Verb::Import(args) => {
            let source = if args.source.contains("://") {
                escaped(&args.source)
            } else {
                "-".to_owned()
            };
            let name = named(args.image.as_deref().unwrap_or_default());
            one("POST", &format!("/images/create?fromSrc={source}&{name}"))
        }
        Verb::Pull(args) if args.all_tags => one(
            "POST",
            &format!("/images/create?fromImage={}", escaped(&args.name)),
        ),
        Verb::Pull(args) => {
            let (name, tag) = cut(&args.name);
            let tag = if tag.is_empty() { "latest" } else { tag };
            let (name, tag) = (escaped(name), escaped(tag));
            one(
                "POST",
                &format!("/images/create?fromImage={name}&tag={tag}"),
            )
        }
        Verb::Image(group) => match &group.verb {
            ImageVerb::Inspect(args) => each("GET", "images", "/json", &args.names),
            ImageVerb::Prune(_) => one("POST", "/images/prune"),
            _ => return None,
        },
        _ => return None,
    })
}

fn one(method: &'static str, target: &str) -> Vec<Request> {
    vec![(method, target.to_owned(), String::new())]
}

fn each<'a>(
    method: &'static str,
    kind: &str,
    end: &str,
    names: impl IntoIterator<Item = &'a String>,
) -> Vec<Request> {
    let target = |name: &String| format!("/{kind}/{}{end}", call_path(name));
    let targets = names.into_iter().map(target);
    targets
        .map(|target| (method, target, String::new()))
        .collect()
}

/// `repo=NAME&tag=TAG`.
fn named(name: &str) -> String {
    let (name, tag) = cut(name);
    format!("repo={}&tag={}", escaped(name), escaped(tag))
}

/// A name, and the tag or digest behind it.
fn cut(name: &str) -> (&str, &str) {
    if let Some(parts) = name.split_once('@') {
        return parts;
    }
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => (before, tag),
        _ => (name, ""),
    }
}
