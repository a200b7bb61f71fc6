//! `lockgate invite`: a token, good once and for a short time.

use lockgate_enroll::{Token, advertised};
use lockgate_pki::{AuthorityDirectory, Invited};
use lockgate_types::Timestamp;

use crate::args::{InvitationArgs, InviteArgs, InviteClientArgs, InviteServerArgs, InviteVerb};
use crate::commands::ca::{self, told};
use crate::commands::role;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Prints one line on stdout, the token; what else there is to say goes to stderr.
pub(in crate::commands) fn run(args: &InviteArgs, out: &mut Output) -> Outcome {
    match &args.verb {
        InviteVerb::Client(args) => client(args, out),
        InviteVerb::Server(args) => server(args, out),
    }
}

fn client(args: &InviteClientArgs, out: &mut Output) -> Outcome {
    let directory = directory(&args.invitation)?;
    let mut hosts = args.daemons.clone();
    if let Some(bad) = hosts.iter().find(|host| !host.starts_with("tcp://")) {
        return Err(Failure::new(format!(
            "`{bad}` is no daemon: write tcp://HOST:PORT"
        )));
    }
    if hosts.is_empty() {
        hosts = joined_daemons(&directory)?;
    }
    let role = args
        .role
        .as_deref()
        .map(|role| role::of_policy(role, &args.policy))
        .transpose()?
        .map(|role| role.to_string());
    let invited = Invited::Client {
        name: args.name.clone(),
        organization: args.organization.clone(),
        unit: args.unit.clone(),
        role,
        hosts,
    };
    let set = format!("client-{}", args.name);
    token(&directory, invited, &set, &args.invitation, out)?;
    Ok(0)
}

fn server(args: &InviteServerArgs, out: &mut Output) -> Outcome {
    let directory = directory(&args.invitation)?;
    let names = args.names.clone();
    token(
        &directory,
        Invited::Server { names },
        "server",
        &args.invitation,
        out,
    )?;
    Ok(0)
}

fn directory(args: &InvitationArgs) -> Result<AuthorityDirectory, Failure> {
    if !(SECOND..=TTL_MAX).contains(&args.ttl) {
        return Err(Failure::new(
            "an invitation is good for 1s to 168h: choose another --ttl",
        ));
    }
    ca::directory(args.directory.as_ref(), &args.tree)
}

fn token(
    directory: &AuthorityDirectory,
    invited: Invited,
    set: &str,
    args: &InvitationArgs,
    out: &mut Output,
) -> Result<(), Failure> {
    // Names that cannot be certified are told now, not to whoever joins.
    invited.profile().map_err(told)?;
    let address = args
        .address
        .clone()
        .or_else(|| advertised(directory.path()));
    let address = address.ok_or_else(|| {
        Failure::new("nobody knows yet where the authority can be reached")
            .hint("start it with `lockgate ca serve`, or give --address HOST:PORT")
    })?;
    let now = Timestamp::now();
    let root = directory.service_root(now).map_err(told)?;
    let seconds = u32::try_from(args.ttl / SECOND).unwrap_or(1);
    let identity = invited.identity().to_owned();
    let (invite, secret) = directory.invite(invited, seconds, now).map_err(told)?;
    ca::journal(directory, "invited", &identity, &invite.id)?;
    let token = Token {
        address,
        pin: unhex(&root.spki_sha256).ok_or_else(|| Failure::new("the CA's key has no hash"))?,
        set: set.to_owned(),
        id: invite.id,
        secret,
        expires: invite.expires.unix_seconds(),
    };
    out.line(token.to_string())?;
    out.note(format!(
        "for {identity}, once, until {}; there: lockgate join TOKEN",
        invite.expires
    ))?;
    Ok(())
}

/// The servers that were invited and came, at Docker's port for TLS; the newest first.
fn joined_daemons(directory: &AuthorityDirectory) -> Result<Vec<String>, Failure> {
    let mut hosts = Vec::new();
    for invite in directory.invites().map_err(told)?.into_iter().rev() {
        let Invited::Server { names } = &invite.invited else {
            continue;
        };
        if let (Some(name), Some(_used)) = (names.first(), invite.used) {
            let host = if name.contains(':') {
                format!("tcp://[{name}]:2376")
            } else {
                format!("tcp://{name}:2376")
            };
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
    }
    Ok(hosts)
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let pairs = text.as_bytes().chunks(2);
    let octets: Option<Vec<u8>> = pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    octets?.try_into().ok()
}

/// In nanoseconds, as durations are read.
const SECOND: i64 = 1_000_000_000;
const TTL_MAX: i64 = 7 * 86_400 * SECOND;
