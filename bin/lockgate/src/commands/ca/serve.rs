//! `lockgate ca serve`: the authority on the network.

use std::time::Duration;

use lockgate_enroll::{Service, ServiceConfig};
use lockgate_pki::{Clock, Constraints, SubjectName};
use tokio::signal::unix::{SignalKind, signal};

use super::{directory, passphrase_of, server_names, told};
use crate::args::ServeArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Serves until it is told to stop.
pub(super) fn run(args: &ServeArgs, out: &mut Output) -> Outcome {
    let directory = directory(args.authority.directory.as_ref(), &args.authority.tree)?;
    let key = directory.path().join("ca-key.pem");
    let passphrase = passphrase_of(&key, args.authority.passphrase_file.as_deref(), out)?;
    // Opened once here, so that a wrong passphrase is told before anything listens.
    let opened = directory
        .open(passphrase.as_ref(), Clock::System)
        .map_err(told)?;
    let names = names(args, opened.issuing.constraints(), out)?;
    let advertise = args.advertise.clone().unwrap_or_else(|| {
        let host = names
            .iter()
            .find(|name| !is_loopback(name))
            .or_else(|| names.first());
        let host = host.map_or_else(|| "localhost".to_owned(), authority);
        format!("{host}:{}", args.listen.port())
    });
    let config = ServiceConfig {
        directory,
        passphrase,
        listen: args.listen,
        names,
        advertise,
        grace: Duration::from_secs(u64::from(args.grace) * 86_400),
        crl_days: args.crl_days,
    };
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(serve(config, out))
}

async fn serve(config: ServiceConfig, out: &mut Output) -> Outcome {
    let advertise = config.advertise.clone();
    let service = Service::bind(config).await.map_err(told)?;
    if let Some(address) = service.address() {
        out.line(format!("authority on {address}; tokens say {advertise}"))?;
        out.flush()?;
    }
    let mut end = [
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    ];
    let [terminate, interrupt] = &mut end;
    service
        .serve(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await;
    Ok(0)
}

/// The names of the service: what tokens say is one of them.
fn names(
    args: &ServeArgs,
    constraints: &Constraints,
    out: &mut Output,
) -> Result<Vec<SubjectName>, Failure> {
    let mut names = server_names(&args.names, constraints, out)?;
    if let Some(advertise) = &args.advertise {
        let host = advertise
            .rsplit_once(':')
            .map_or(advertise.as_str(), |(host, _)| host);
        let name: SubjectName = host.parse().map_err(told)?;
        if !names.contains(&name) {
            names.insert(0, name);
        }
    }
    Ok(names)
}

fn is_loopback(name: &SubjectName) -> bool {
    match name {
        SubjectName::Dns(name) => name == "localhost",
        SubjectName::Ip(address) => address.is_loopback(),
    }
}

fn authority(name: &SubjectName) -> String {
    match name {
        SubjectName::Ip(std::net::IpAddr::V6(v6)) => format!("[{v6}]"),
        other => other.to_string(),
    }
}
