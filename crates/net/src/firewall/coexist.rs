//! A way past a FORWARD chain that drops by default.
//!
//! An accept in our table does not beat a drop in another one, so two accept rules for the bridge
//! go into the chain that drops: `DOCKER-USER` where it exists, because dockerd never changes
//! that one, else `FORWARD`. They stand behind the rules that are there, so that what the
//! administrator forbids stays forbidden, but before a final `return`. A comment marks them.

use std::io;

use super::nft;
use crate::FirewallError;
use crate::netlink::{FilterSocket, Policy};

/// The chain that needs our rules, if there is one.
pub(super) fn dropping_chain(socket: &mut FilterSocket) -> io::Result<Option<&'static str>> {
    if socket.policy(TABLE, FORWARD)? != Some(Policy::Drop) {
        return Ok(None);
    }
    let has_user_chain = socket.policy(TABLE, DOCKER_USER)?.is_some();
    Ok(Some(if has_user_chain { DOCKER_USER } else { FORWARD }))
}

/// The chains that may hold rules of ours.
pub(super) fn existing_chains(socket: &mut FilterSocket) -> io::Result<Vec<&'static str>> {
    let mut chains = Vec::new();
    for chain in [DOCKER_USER, FORWARD] {
        if socket.policy(TABLE, chain)?.is_some() {
            chains.push(chain);
        }
    }
    Ok(chains)
}

pub(super) fn add_accept_rules(
    chain: &str,
    bridge: &str,
    owner: &str,
) -> Result<(), FirewallError> {
    let rules = rules_of(chain)?;
    if rules.iter().any(|rule| rule.is_owned_by(owner)) {
        return Ok(());
    }
    let place = match rules.last() {
        Some(last) if last.is_final_return() => {
            format!("insert rule ip {TABLE} {chain} position {}", last.handle)
        }
        Some(_) | None => format!("add rule ip {TABLE} {chain}"),
    };
    let comment = comment(owner);
    nft::run(&format!(
        "{place} iifname \"{bridge}\" counter accept {comment}\n\
         {place} oifname \"{bridge}\" counter accept {comment}\n"
    ))
}

pub(super) fn remove_accept_rules(chains: &[&str], owner: &str) -> Result<(), FirewallError> {
    let mut deletions = Vec::new();
    for chain in chains {
        let owned = rules_of(chain)?
            .into_iter()
            .filter(|rule| rule.is_owned_by(owner));
        deletions.extend(
            owned.map(|rule| format!("delete rule ip {TABLE} {chain} handle {}\n", rule.handle)),
        );
    }
    if deletions.is_empty() {
        Ok(())
    } else {
        nft::run(&deletions.concat())
    }
}

/// One line of a listing.
#[derive(Debug)]
struct ListedRule {
    text: String,
    handle: u64,
}

impl ListedRule {
    /// `oifname "x" accept comment "y" # handle 7`; lines about the chain itself give nothing.
    fn parse(line: &str) -> Option<Self> {
        let (text, handle) = line.trim().rsplit_once(" # handle ")?;
        let is_block = text.ends_with('{');
        let handle = handle.parse().ok()?;
        (!is_block).then(|| Self {
            text: text.to_owned(),
            handle,
        })
    }

    fn is_owned_by(&self, owner: &str) -> bool {
        self.text.ends_with(&comment(owner))
    }

    /// `return` or `counter packets 1 bytes 2 return`, without any condition.
    fn is_final_return(&self) -> bool {
        let words: Vec<&str> = self.text.split_whitespace().collect();
        matches!(
            words.as_slice(),
            ["return"] | ["counter", "packets", _, "bytes", _, "return"]
        )
    }
}

fn rules_of(chain: &str) -> Result<Vec<ListedRule>, FirewallError> {
    let listing = nft::list(&["-a", "list", "chain", "ip", TABLE, chain])?;
    Ok(listing.lines().filter_map(ListedRule::parse).collect())
}

fn comment(owner: &str) -> String {
    format!("comment \"lockgate:{owner}\"")
}

const TABLE: &str = "filter";
const FORWARD: &str = "FORWARD";
const DOCKER_USER: &str = "DOCKER-USER";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_rules_are_told_from_the_frame_around_them() {
        let listing = "table ip filter { # handle 1\n\tchain DOCKER-USER { # handle 3\n\
            \t\tiifname \"br0\" counter packets 1 bytes 84 accept comment \"lockgate:t\" # handle 9\n\
            \t\tcounter packets 0 bytes 0 return # handle 7\n\t}\n}\n";
        let rules: Vec<_> = listing.lines().filter_map(ListedRule::parse).collect();
        assert_eq!(rules.len(), 2);
        assert!(rules[0].is_owned_by("t") && !rules[0].is_owned_by("t2"));
        assert!(rules[1].is_final_return() && !rules[0].is_final_return());
        assert_eq!(rules[1].handle, 7);
    }
}
