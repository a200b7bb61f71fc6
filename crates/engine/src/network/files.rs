//! The files of a running container follow where it is. They are written in place: the container
//! has them mounted.

use std::fs;
use std::io;
use std::path::Path;

use lockgate_net::Endpoint;

use super::resolver::{resolv_conf, uses_embedded};
use crate::container::record::Record;
use crate::container::state::NetworkState;
use crate::engine::Inner;

/// Brings `hosts` and `resolv.conf` up to date; failures are for the log.
pub(crate) fn files_after(
    engine: &Inner,
    record: &Record,
    directory: &Path,
    before: &NetworkState,
    after: &NetworkState,
) {
    let outcome = hosts(record, &directory.join("hosts"), before, after).and_then(|()| {
        resolver(
            engine,
            record,
            &directory.join("resolv.conf"),
            before,
            after,
        )
    });
    if let Err(error) = outcome {
        tracing::warn!(container = %record.id, %error, "cannot bring its files up to date");
    }
}

fn hosts(
    record: &Record,
    path: &Path,
    before: &NetworkState,
    after: &NetworkState,
) -> io::Result<()> {
    let line = |endpoint: &Endpoint| super::resolver::own_line(record, endpoint.ip);
    let mut text = fs::read_to_string(path)?;
    for gone in endpoints(before).filter(|old| endpoints(after).all(|new| new.ip != old.ip)) {
        text = text.replace(&line(gone), "");
    }
    for new in endpoints(after).filter(|new| endpoints(before).all(|old| new.ip != old.ip)) {
        text.push_str(&line(new));
    }
    fs::write(path, text)
}

/// What the container itself changed stays as it is.
fn resolver(
    engine: &Inner,
    record: &Record,
    path: &Path,
    before: &NetworkState,
    after: &NetworkState,
) -> io::Result<()> {
    let host = lockgate_net::host_resolv_conf();
    let text = |network: &NetworkState| {
        let embedded = uses_embedded(engine, network);
        resolv_conf(record, &engine.config, &host, false, embedded)
    };
    if fs::read_to_string(path)? == text(before) {
        fs::write(path, text(after))?;
    }
    Ok(())
}

fn endpoints(network: &NetworkState) -> impl Iterator<Item = &Endpoint> {
    network
        .endpoints
        .iter()
        .filter_map(|joined| joined.endpoint.as_ref())
}
