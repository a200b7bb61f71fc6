//! `lockgate ca quick`: an authority, a server and its clients in one go, all of it or nothing.

use std::path::{Path, PathBuf};

use lockgate_pki::{
    Authority, ClientName, ClientRequest, Constraints, Issued, KeyType, Overwrite, ServerRequest,
    SubjectName, Validity, detect_names, stage,
};

use super::{absolute, client_steps, init, place, server_steps, told};
use crate::args::{QuickArgs, ServerNameArgs};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Makes everything that a host and its first clients need.
pub(super) fn run(args: &QuickArgs, out: &mut Output) -> Outcome {
    let root = match &args.directory {
        Some(directory) => directory.clone(),
        None => place::default_tree()?,
    };
    let clients = client_names(&args.clients)?;
    let overwrite = if args.force {
        Overwrite::Replace
    } else {
        Overwrite::Refuse
    };
    let places = Places::new(&root, &clients);
    places.refuse_existing(overwrite)?;
    // Read before the passphrase is asked for: a wrong name is told at once.
    explicit_names(&args.names)?;
    let (authority, protection) = init::new_authority(&args.new, out)?;
    let names = server_names(&args.names, authority.constraints(), out)?;
    let issued = issue(&authority, names, &clients)?;
    let all: Vec<&Issued> = issued.iter().collect();
    let mut sets = vec![(
        places.authority.as_path(),
        authority.file_set(&protection, &all).map_err(told)?,
    )];
    sets.extend(
        places
            .leaves
            .iter()
            .map(PathBuf::as_path)
            .zip(issued.iter().map(Issued::file_set)),
    );
    stage(&sets, overwrite)
        .and_then(lockgate_pki::StagedSet::commit)
        .map_err(told)?;
    report(&authority, &places, &clients, &issued, out)?;
    Ok(0)
}

/// Where each set goes: the server's before those of the clients.
struct Places {
    authority: PathBuf,
    leaves: Vec<PathBuf>,
}

impl Places {
    fn new(root: &Path, clients: &[ClientName]) -> Self {
        let mut leaves = vec![root.join("server")];
        leaves.extend(
            clients
                .iter()
                .map(|name| root.join(format!("client-{name}"))),
        );
        Self {
            authority: root.join("ca"),
            leaves,
        }
    }

    fn refuse_existing(&self, overwrite: Overwrite) -> Result<(), Failure> {
        Authority::check_place(&self.authority, overwrite).map_err(told)?;
        self.leaves
            .iter()
            .try_for_each(|leaf| Issued::check_place(leaf, overwrite))
            .map_err(told)
    }
}

fn client_names(given: &[String]) -> Result<Vec<ClientName>, Failure> {
    let mut names: Vec<ClientName> = Vec::new();
    for text in given {
        let name: ClientName = text.parse().map_err(told)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names.push("admin".parse().map_err(told)?);
    }
    Ok(names)
}

/// The names that were given, then those that the host has by itself and the authority permits.
pub(crate) fn server_names(
    args: &ServerNameArgs,
    constraints: &Constraints,
    out: &mut Output,
) -> Result<Vec<SubjectName>, Failure> {
    let mut names = explicit_names(args)?;
    if args.no_detect {
        return Ok(names);
    }
    let detected = detect_names();
    for reason in detected.unusable {
        out.note(format!("note: left out of the certificate: {reason}"))?;
    }
    for name in detected.names {
        if !constraints.allow(&name) {
            out.note(format!(
                "note: {name} is left out: the authority may not certify it"
            ))?;
        } else if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The names that were given, each once.
pub(crate) fn explicit_names(args: &ServerNameArgs) -> Result<Vec<SubjectName>, Failure> {
    let mut names = Vec::new();
    for list in &args.names {
        for name in SubjectName::parse_list(list).map_err(told)? {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    Ok(names)
}

fn issue(
    authority: &Authority,
    names: Vec<SubjectName>,
    clients: &[ClientName],
) -> Result<Vec<Issued>, Failure> {
    let request = ServerRequest {
        names,
        validity: Validity::Longest,
        key_type: KeyType::default(),
    };
    let server = authority.issue_server(&request);
    let clients = clients
        .iter()
        .map(|name| authority.issue_client(&ClientRequest::new(name.clone())));
    std::iter::once(server)
        .chain(clients)
        .collect::<Result<_, _>>()
        .map_err(told)
}

fn report(
    authority: &Authority,
    places: &Places,
    clients: &[ClientName],
    issued: &[Issued],
    out: &mut Output,
) -> Result<(), Failure> {
    let info = authority.info();
    out.line(format!(
        "authority: {}",
        absolute(&places.authority).display()
    ))?;
    out.line(format!("  {}, until {}", info.subject, info.not_after))?;
    let labels = std::iter::once("server".to_owned())
        .chain(clients.iter().map(|name| format!("client {name}")));
    for ((label, leaf), issued) in labels.zip(&places.leaves).zip(issued) {
        let (names, until) = (issued.info().alternative_names(), issued.info().not_after);
        out.line(format!("{label}: {}", absolute(leaf).display()))?;
        out.line(format!("  {}, until {until}", names.join(", ")))?;
    }
    out.line(
        "\nThe key of the authority is needed only to issue certificates: keep it off the server.",
    )?;
    let host = issued
        .first()
        .and_then(|server| super::next::host(server.info()));
    if let Some((server, clients)) = places.leaves.split_first() {
        server_steps(&absolute(server), out)?;
        if let Some(client) = clients.first() {
            client_steps(&absolute(client), host.as_deref(), out)?;
        }
    }
    Ok(())
}
