//! Commands about containers.

use serde_json::json;

use super::image;
use super::request::{Request, each, escaped, get, named, post};
use crate::args::{
    ContainerVerb, CpArgs, ExecArgs, PsArgs, RunArgs, StartArgs, TopArgs, Verb, gather,
};
use crate::client::call_path;
use crate::commands::container::{cp, update};
use crate::failure::Failure;
use crate::spec;

/// The requests of a command; `None` for one that is not about containers.
pub(super) fn requests(verb: &Verb) -> Result<Option<Vec<Request>>, Failure> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are looked for elsewhere"
    )]
    Ok(Some(match verb {
        Verb::Run(args) => run(args)?,
        Verb::Create(args) => create(args)?,
        Verb::Exec(args) => exec(args)?,
        Verb::Start(args) => start(args),
        Verb::Update(args) => {
            let body = update::changes(args)?;
            let all = each("POST", "containers", "/update", &args.containers);
            let with_body = all.into_iter().map(|request| request.json(&body));
            with_body.collect::<Result<_, _>>()?
        }
        Verb::Cp(args) => copy(args)?,
        Verb::Attach(args) => {
            let name = [&args.container];
            let all = [("POST", "/wait"), ("GET", "/json"), ("POST", "/attach")];
            all.into_iter()
                .flat_map(|(method, end)| each(method, "containers", end, name))
                .collect()
        }
        Verb::Logs(args) => {
            let mut all = each("GET", "containers", "/json", [&args.container]);
            all.extend(each("GET", "containers", "/logs", [&args.container]));
            all
        }
        Verb::Commit(args) => {
            let name = args
                .image
                .as_deref()
                .map(|name| format!("&{}", named(name)));
            let name = name.unwrap_or_default();
            let container = escaped(&args.container);
            vec![post(format!("/commit?container={container}{name}"))]
        }
        Verb::Inspect(args) if matches!(args.kind.as_deref(), None | Some("container")) => {
            each("GET", "containers", "/json", &args.names)
        }
        Verb::Ps(args) => vec![list(args)],
        Verb::Top(args) => top(args)?,
        Verb::Stats(args) if args.containers.is_empty() => {
            // Then each that is there is asked for its own.
            vec![
                get("/containers/json"),
                get("/events"),
                get("/containers/each/stats"),
            ]
        }
        Verb::Stats(args) => each("GET", "containers", "/stats", &args.containers),
        Verb::Container(group) => match &group.verb {
            ContainerVerb::Inspect(args) => each("GET", "containers", "/json", &args.names),
            ContainerVerb::Prune(_) => vec![post("/containers/prune")],
            _ => return Ok(None),
        },
        other => return Ok(plain(other)),
    }))
}

/// Commands that are one request of each container.
fn plain(verb: &Verb) -> Option<Vec<Request>> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are looked for elsewhere"
    )]
    let (method, end, names) = match verb {
        Verb::Diff(args) => ("GET", "/changes", vec![&args.container]),
        Verb::Export(args) => ("GET", "/export", vec![&args.container]),
        Verb::Port(args) => ("GET", "/json", vec![&args.container]),
        Verb::Rename(args) => ("POST", "/rename", vec![&args.container]),
        Verb::Kill(args) => ("POST", "/kill", args.containers.iter().collect()),
        Verb::Pause(args) => ("POST", "/pause", args.containers.iter().collect()),
        Verb::Restart(args) => ("POST", "/restart", args.containers.iter().collect()),
        Verb::Rm(args) => ("DELETE", "", args.containers.iter().collect()),
        Verb::Stop(args) => ("POST", "/stop", args.containers.iter().collect()),
        Verb::Unpause(args) => ("POST", "/unpause", args.containers.iter().collect()),
        Verb::Wait(args) => ("POST", "/wait", args.containers.iter().collect()),
        _ => return None,
    };
    Some(each(method, "containers", end, names))
}

fn create(args: &RunArgs) -> Result<Vec<Request>, Failure> {
    let body = spec::build(args).map_err(Failure::new)?;
    let pulled = args.text("pull") == "always";
    let mut all: Vec<Request> = pulled
        .then(|| image::pull(args.image()))
        .into_iter()
        .collect();
    if !args.list("device").is_empty() {
        // How a device is written depends on the daemon's system.
        all.push(Request::new("HEAD", "/_ping"));
    }
    all.push(post("/containers/create").json(&body)?);
    Ok(all)
}

/// Who looks on is attached before the start, and told of the end.
fn run(args: &RunArgs) -> Result<Vec<Request>, Failure> {
    let mut all = create(args)?;
    let name = match args.text("name") {
        "" => "new",
        name => name,
    };
    let name = call_path(name);
    if !args.is("detach") {
        all.push(post(format!("/containers/{name}/attach")));
        all.push(post(format!("/containers/{name}/wait")));
    }
    all.push(post(format!("/containers/{name}/start")));
    Ok(all)
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
    let container = call_path(container);
    let mut all = vec![
        get(format!("/containers/{container}/json")),
        post(format!("/containers/{container}/exec")).json(&body)?,
        post("/exec/new/start").json(&json!({}))?,
    ];
    if !args.detach {
        all.push(get("/exec/new/json"));
    }
    Ok(all)
}

fn start(args: &StartArgs) -> Vec<Request> {
    if !args.attach && !args.interactive {
        return each("POST", "containers", "/start", &args.containers);
    }
    let all = [
        ("GET", "/json"),
        ("POST", "/attach"),
        ("POST", "/wait"),
        ("POST", "/start"),
    ];
    all.into_iter()
        .flat_map(|(method, end)| each(method, "containers", end, &args.containers))
        .collect()
}

/// docker looks at the place first, and goes on whatever it is told.
fn copy(args: &CpArgs) -> Result<Vec<Request>, Failure> {
    let (source, target) = (cp::split(&args.source), cp::split(&args.destination));
    let (container, path, method) = match (source, target) {
        ((Some(container), path), (None, _)) => (container, path, "GET"),
        ((None, _), (Some(container), path)) => (container, path, "PUT"),
        _ => {
            return Err(Failure::new(
                "one side of a copy is in a container, the other is not",
            ));
        }
    };
    let (container, path) = (call_path(container), escaped(path));
    let target = format!("/containers/{container}/archive?path={path}");
    Ok(vec![Request::new(method, target)])
}

fn list(args: &PsArgs) -> Request {
    let filters = gather(&args.filter);
    if filters.is_empty() {
        return get("/containers/json");
    }
    get(format!(
        "/containers/json?filters={}",
        escaped(&json!(filters).to_string())
    ))
}

/// Options of `ps` may show what the operation alone does not.
fn top(args: &TopArgs) -> Result<Vec<Request>, Failure> {
    let Some((container, options)) = args.words.split_first() else {
        return Err(Failure::new("top needs a container"));
    };
    let container = call_path(container);
    let options = escaped(&options.join(" "));
    Ok(vec![get(format!(
        "/containers/{container}/top?ps_args={options}"
    ))])
}
