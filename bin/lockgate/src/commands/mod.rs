//! What the commands do: one file per verb, one public function each.

mod audit;
mod ca;
mod cert;
mod container;
mod context;
mod contexts;
mod dockerd;
mod doctor;
mod each;
mod elevate;
mod enroll;
mod image;
mod inspect;
mod network;
mod policy;
mod role;
mod system;
mod view;
mod volume;

use context::Context;

use crate::args::{
    Cli, ContainerVerb, ImageVerb, NetworkVerb, PolicyArgs, PolicyVerb, SystemVerb, Verb,
    VolumeVerb,
};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// The commit this was built from, if the build was told.
pub(crate) const BUILD: &str = match option_env!("LOCKGATE_BUILD") {
    Some(build) => build,
    None => "unknown",
};

/// Runs the command that was typed.
pub(crate) fn run(cli: &Cli, out: &mut Output) -> Outcome {
    let status = match &cli.verb {
        Verb::Audit(args) => audit::run(args, out)?,
        Verb::Ca(args) => ca::run(args, out)?,
        Verb::Cert(args) => cert::run(args, out)?,
        Verb::Completion(args) => system::completion::run(args, out)?,
        Verb::Invite(args) => enroll::invite(args, out)?,
        Verb::Join(args) => enroll::join(args, &cli.globals, out)?,
        Verb::Reload(args) => enroll::reload(args, out)?,
        Verb::Renew(args) => enroll::renew(args, &cli.globals, out)?,
        Verb::Manual(args) => system::manual::run(args)?,
        Verb::Policy(PolicyArgs {
            verb: PolicyVerb::Learn(args),
        }) => runtime()?.block_on(policy::learn(&Context::new(&cli.globals)?, args, out))?,
        Verb::Policy(args) => policy::run(args, out)?,
        Verb::Coverage => system::coverage::run(out)?,
        Verb::Context(group) => contexts::run(&cli.globals, &group.verb, out)?,
        Verb::Dockerd(group) => dockerd::run(&group.verb, out)?,
        Verb::Doctor(args) => runtime()?.block_on(doctor::run(&cli.globals, args, out))?,
        verb => {
            let runtime = runtime()?;
            let context = Context::new(&cli.globals)?;
            let status = runtime.block_on(with_daemon(&context, verb, out));
            // A thread may still be waiting for stdin; nobody waits for it.
            runtime.shutdown_background();
            status?
        }
    };
    out.flush()?;
    Ok(status)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// The commands that speak with a daemon.
async fn with_daemon(context: &Context, verb: &Verb, out: &mut Output) -> Outcome {
    match verb {
        Verb::Container(group) => of_container(context, &group.verb, out).await,
        Verb::Image(group) => of_image(context, &group.verb, out).await,
        Verb::Network(group) => of_network(context, &group.verb, out).await,
        Verb::System(group) => of_system(context, &group.verb, out).await,
        Verb::Volume(group) => of_volume(context, &group.verb, out).await,
        Verb::Elevate(args) => elevate::run(context, args, out).await,
        Verb::Events(args) => system::events::run(context, args, out).await,
        Verb::Info(args) => system::info::run(context, args, out).await,
        Verb::Inspect(args) => inspect::run(context, args, out).await,
        Verb::Version(args) => system::version::run(context, args, out).await,
        other => match image_verb(context, other, out).await {
            Some(outcome) => outcome,
            None => container_verb(context, other, out).await,
        },
    }
}

/// Image commands without `image` before them.
async fn image_verb(context: &Context, verb: &Verb, out: &mut Output) -> Option<Outcome> {
    Some(match verb {
        Verb::History(args) => image::history::run(context, args, out).await,
        Verb::Images(args) => image::ls::run(context, args, out).await,
        Verb::Import(args) => image::import::run(context, args, out).await,
        Verb::Load(args) => image::load::run(context, args, out).await,
        Verb::Pull(args) => image::pull::run(context, args, out).await,
        Verb::Rmi(args) => image::rm::run(context, args, out).await,
        Verb::Save(args) => image::save::run(context, args, out).await,
        Verb::Tag(args) => image::tag::run(context, args).await,
        _ => return None,
    })
}

/// Container commands without `container` before them.
async fn container_verb(context: &Context, verb: &Verb, out: &mut Output) -> Outcome {
    match verb {
        Verb::Attach(args) => container::attach::run(context, args, out).await,
        Verb::Commit(args) => container::commit::run(context, args, out).await,
        Verb::Create(args) => container::create::run(context, args, out).await,
        Verb::Cp(args) => container::cp::run(context, args, out).await,
        Verb::Diff(args) => container::diff::run(context, args, out).await,
        Verb::Exec(args) => container::exec::run(context, args, out).await,
        Verb::Export(args) => container::export::run(context, args, out).await,
        Verb::Kill(args) => container::kill::run(context, args, out).await,
        Verb::Logs(args) => container::logs::run(context, args, out).await,
        Verb::Pause(args) => container::pause::run(context, args, "pause", out).await,
        Verb::Port(args) => container::port::run(context, args, out).await,
        Verb::Ps(args) => container::ls::run(context, args, out).await,
        Verb::Rename(args) => container::rename::run(context, args).await,
        Verb::Restart(args) => container::stop::run(context, args, "restart", out).await,
        Verb::Rm(args) => container::rm::run(context, args, out).await,
        Verb::Run(args) => container::run::run(context, args, out).await,
        Verb::Start(args) => container::start::run(context, args, out).await,
        Verb::Stats(args) => container::stats::run(context, args, out).await,
        Verb::Stop(args) => container::stop::run(context, args, "stop", out).await,
        Verb::Top(args) => container::top::run(context, args, out).await,
        Verb::Unpause(args) => container::pause::run(context, args, "unpause", out).await,
        Verb::Update(args) => container::update::run(context, args, out).await,
        Verb::Wait(args) => container::wait::run(context, args, out).await,
        _ => Err(Failure::new(
            "this command has no implementation; please report it",
        )),
    }
}

async fn of_container(context: &Context, verb: &ContainerVerb, out: &mut Output) -> Outcome {
    use ContainerVerb as V;
    match verb {
        V::Attach(args) => container::attach::run(context, args, out).await,
        V::Commit(args) => container::commit::run(context, args, out).await,
        V::Create(args) => container::create::run(context, args, out).await,
        V::Cp(args) => container::cp::run(context, args, out).await,
        V::Diff(args) => container::diff::run(context, args, out).await,
        V::Exec(args) => container::exec::run(context, args, out).await,
        V::Export(args) => container::export::run(context, args, out).await,
        V::Inspect(args) => inspect::containers(context, args, out).await,
        V::Kill(args) => container::kill::run(context, args, out).await,
        V::Logs(args) => container::logs::run(context, args, out).await,
        V::Ls(args) => container::ls::run(context, args, out).await,
        V::Pause(args) => container::pause::run(context, args, "pause", out).await,
        V::Port(args) => container::port::run(context, args, out).await,
        V::Prune(args) => container::prune::run(context, args, out).await,
        V::Rename(args) => container::rename::run(context, args).await,
        V::Restart(args) => container::stop::run(context, args, "restart", out).await,
        V::Rm(args) => container::rm::run(context, args, out).await,
        V::Run(args) => container::run::run(context, args, out).await,
        V::Start(args) => container::start::run(context, args, out).await,
        V::Stats(args) => container::stats::run(context, args, out).await,
        V::Stop(args) => container::stop::run(context, args, "stop", out).await,
        V::Top(args) => container::top::run(context, args, out).await,
        V::Unpause(args) => container::pause::run(context, args, "unpause", out).await,
        V::Update(args) => container::update::run(context, args, out).await,
        V::Wait(args) => container::wait::run(context, args, out).await,
    }
}

async fn of_image(context: &Context, verb: &ImageVerb, out: &mut Output) -> Outcome {
    match verb {
        ImageVerb::History(args) => image::history::run(context, args, out).await,
        ImageVerb::Import(args) => image::import::run(context, args, out).await,
        ImageVerb::Inspect(args) => inspect::images(context, args, out).await,
        ImageVerb::Load(args) => image::load::run(context, args, out).await,
        ImageVerb::Ls(args) => image::ls::run(context, args, out).await,
        ImageVerb::Prune(args) => image::prune::run(context, args, out).await,
        ImageVerb::Pull(args) => image::pull::run(context, args, out).await,
        ImageVerb::Rm(args) => image::rm::run(context, args, out).await,
        ImageVerb::Save(args) => image::save::run(context, args, out).await,
        ImageVerb::Tag(args) => image::tag::run(context, args).await,
    }
}

async fn of_network(context: &Context, verb: &NetworkVerb, out: &mut Output) -> Outcome {
    match verb {
        NetworkVerb::Connect(args) => network::connect::run(context, args).await,
        NetworkVerb::Create(args) => network::create::run(context, args, out).await,
        NetworkVerb::Disconnect(args) => network::disconnect::run(context, args).await,
        NetworkVerb::Inspect(args) => inspect::networks(context, args, out).await,
        NetworkVerb::Ls(args) => network::ls::run(context, args, out).await,
        NetworkVerb::Prune(args) => network::prune::run(context, args, out).await,
        NetworkVerb::Rm(args) => network::rm::run(context, args, out).await,
    }
}

async fn of_system(context: &Context, verb: &SystemVerb, out: &mut Output) -> Outcome {
    match verb {
        SystemVerb::Df(args) => system::df::run(context, args, out).await,
        SystemVerb::DialStdio => system::dial_stdio::run(context).await,
        SystemVerb::Events(args) => system::events::run(context, args, out).await,
        SystemVerb::Info(args) => system::info::run(context, args, out).await,
        SystemVerb::Prune(args) => system::prune::run(context, args, out).await,
    }
}

async fn of_volume(context: &Context, verb: &VolumeVerb, out: &mut Output) -> Outcome {
    match verb {
        VolumeVerb::Create(args) => volume::create::run(context, args, out).await,
        VolumeVerb::Inspect(args) => inspect::volumes(context, args, out).await,
        VolumeVerb::Ls(args) => volume::ls::run(context, args, out).await,
        VolumeVerb::Prune(args) => volume::prune::run(context, args, out).await,
        VolumeVerb::Rm(args) => volume::rm::run(context, args, out).await,
    }
}
