//! Commands of docker that this program does not have.

use serde_json::json;

use super::request::{Request, cut, each, escaped, get, post};
use crate::args::{
    BuildArgs, BuilderVerb, CheckpointVerb, ClusterVolumeVerb, DockerVerb, PushArgs,
};
use crate::client::call_path;
use crate::failure::Failure;

pub(super) fn requests(verb: &DockerVerb) -> Result<Vec<Request>, Failure> {
    Ok(match verb {
        DockerVerb::Build(args) => vec![build(args)],
        DockerVerb::Builder(group) => match &group.verb {
            BuilderVerb::Build(args) => vec![build(args)],
            BuilderVerb::Prune(_) => vec![post("/build/prune")],
        },
        DockerVerb::Checkpoint(group) => match &group.verb {
            CheckpointVerb::Create(args) => {
                each("POST", "containers", "/checkpoints", [&args.container])
            }
            CheckpointVerb::Ls(args) => {
                each("GET", "containers", "/checkpoints", [&args.container])
            }
            CheckpointVerb::Rm(args) => {
                let end = format!("/checkpoints/{}", call_path(&args.checkpoint));
                each("DELETE", "containers", &end, [&args.container])
            }
        },
        DockerVerb::Login(args) => {
            let server = args
                .server
                .as_deref()
                .unwrap_or("https://index.docker.io/v1/");
            vec![post("/auth").json(&json!({ "serveraddress": server }))?]
        }
        DockerVerb::Push(args) => vec![push(args)],
        DockerVerb::Search(args) => {
            vec![get(format!("/images/search?term={}", escaped(&args.term)))]
        }
        DockerVerb::Volume(group) => match &group.verb {
            ClusterVolumeVerb::Update(args) => {
                let mut all = each("GET", "volumes", "", [&args.volume]);
                all.extend(each("PUT", "volumes", "", [&args.volume]));
                all
            }
        },
    })
}

/// By the builder behind `POST /build`, which docker takes where it has no buildx.
fn build(args: &BuildArgs) -> Request {
    let number = |value: Option<i64>| value.unwrap_or(0).to_string();
    let text = |value: &Option<String>| escaped(value.as_deref().unwrap_or_default());
    let mut target = format!(
        "/build?networkmode={}&cgroupparent={}&isolation={}&memory={}&memswap={}&cpuquota={}&cpuperiod={}",
        escaped(&args.network),
        text(&args.cgroup_parent),
        text(&args.isolation),
        number(args.memory),
        number(args.memory_swap),
        number(args.cpu_quota),
        number(args.cpu_period),
    );
    for (key, values) in [("t", &args.tag), ("securityopt", &args.security_opt)] {
        for value in values {
            target.push_str(&format!("&{key}={}", escaped(value)));
        }
    }
    post(target)
}

fn push(args: &PushArgs) -> Request {
    let (name, tag) = cut(&args.name);
    let tag = match tag {
        _ if args.all_tags => String::new(),
        "" => "?tag=latest".to_owned(),
        tag => format!("?tag={}", escaped(tag)),
    };
    post(format!("/images/{}/push{tag}", call_path(name)))
}
