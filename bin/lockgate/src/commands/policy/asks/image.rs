//! Commands about images.

use super::request::{Request, cut, each, escaped, get, named, post};
use crate::args::{ImageVerb, Verb};
use crate::client::call_path;

/// The requests of a command; `None` for one that is not about images.
pub(super) fn requests(verb: &Verb) -> Option<Vec<Request>> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are looked for elsewhere"
    )]
    Some(match verb {
        Verb::History(args) => each("GET", "images", "/history", [&args.image]),
        Verb::Images(_) => vec![get("/images/json")],
        Verb::Inspect(args) if args.kind.as_deref() == Some("image") => {
            each("GET", "images", "/json", &args.names)
        }
        Verb::Load(_) => vec![post("/images/load")],
        Verb::Rmi(args) => each("DELETE", "images", "", &args.images),
        Verb::Save(args) => {
            let names: Vec<String> = args.images.iter().map(|name| escaped(name)).collect();
            vec![get(format!("/images/get?names={}", names.join("&names=")))]
        }
        Verb::Tag(args) => {
            let source = call_path(&args.source);
            vec![post(format!(
                "/images/{source}/tag?{}",
                named(&args.target)
            ))]
        }
        Verb::Import(args) => {
            let source = if args.source.contains("://") {
                escaped(&args.source)
            } else {
                "-".to_owned()
            };
            let name = named(args.image.as_deref().unwrap_or_default());
            vec![post(format!("/images/create?fromSrc={source}&{name}"))]
        }
        Verb::Pull(args) if args.all_tags => {
            vec![post(format!(
                "/images/create?fromImage={}",
                escaped(&args.name)
            ))]
        }
        Verb::Pull(args) => vec![pull(&args.name)],
        Verb::Image(group) => match &group.verb {
            ImageVerb::Inspect(args) => each("GET", "images", "/json", &args.names),
            ImageVerb::Prune(_) => vec![post("/images/prune")],
            _ => return None,
        },
        _ => return None,
    })
}

/// One tag, `latest` unless another is named.
pub(super) fn pull(name: &str) -> Request {
    let (name, tag) = cut(name);
    let tag = if tag.is_empty() { "latest" } else { tag };
    let (name, tag) = (escaped(name), escaped(tag));
    post(format!("/images/create?fromImage={name}&tag={tag}"))
}
