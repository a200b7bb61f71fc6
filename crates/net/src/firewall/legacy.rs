//! The same for rules that were made by iptables without nftables: the kernel keeps them apart.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use crate::FirewallError;

/// Adds the accept rules if the old `filter` table exists and its FORWARD chain drops by default.
pub(super) fn pass(bridge: &str, owner: &str) -> Result<(), FirewallError> {
    if !is_in_use() {
        return Ok(());
    }
    let forward = iptables(&["-S", FORWARD])?;
    if !forward.lines().any(|line| line == "-P FORWARD DROP") {
        return Ok(());
    }
    let user = iptables(&["-S", DOCKER_USER]);
    let (chain, rules) = user.map_or((FORWARD, forward), |rules| (DOCKER_USER, rules));
    if rules.contains(&comment(owner)) {
        return Ok(());
    }
    // A rule's number is its line's, because the first line is the chain itself.
    let count = rules.lines().filter(|line| line.starts_with("-A ")).count();
    let ends_with_return = rules.lines().last() == Some(&format!("-A {chain} -j RETURN"));
    let number = if ends_with_return { count } else { count + 1 }.to_string();
    for rule in specifications(bridge, owner) {
        let mut arguments = vec!["-I", chain, &number];
        arguments.extend(rule.iter().map(String::as_str));
        iptables(&arguments)?;
    }
    Ok(())
}

/// Removes the accept rules wherever they are.
pub(super) fn remove(bridge: &str, owner: &str) -> Result<(), FirewallError> {
    if !is_in_use() {
        return Ok(());
    }
    for chain in [DOCKER_USER, FORWARD] {
        let Ok(rules) = iptables(&["-S", chain]) else {
            continue;
        };
        if rules.contains(&comment(owner)) {
            for rule in specifications(bridge, owner) {
                let mut arguments = vec!["-D", chain];
                arguments.extend(rule.iter().map(String::as_str));
                iptables(&arguments)?;
            }
        }
    }
    Ok(())
}

fn specifications(bridge: &str, owner: &str) -> [Vec<String>; 2] {
    ["-i", "-o"].map(|direction| {
        let comment = comment(owner);
        [
            direction,
            bridge,
            "-m",
            "comment",
            "--comment",
            &comment,
            "-j",
            "ACCEPT",
        ]
        .map(str::to_owned)
        .to_vec()
    })
}

fn comment(owner: &str) -> String {
    format!("lockgate:{owner}")
}

/// Looking into a table that does not exist would make it.
fn is_in_use() -> bool {
    let tables = fs::read_to_string("/proc/thread-self/net/ip_tables_names").unwrap_or_default();
    tables.lines().any(|table| table == "filter")
}

fn iptables(arguments: &[&str]) -> Result<String, FirewallError> {
    let output = PROGRAMS
        .iter()
        .map(|program| Command::new(program).arg("--wait").args(arguments).output())
        .find(|outcome| !matches!(outcome, Err(error) if error.kind() == ErrorKind::NotFound))
        .unwrap_or_else(|| Err(ErrorKind::NotFound.into()))
        .map_err(FirewallError::SpawnIptables)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let text = String::from_utf8_lossy(&output.stderr);
        Err(FirewallError::RefusedByIptables(
            text.lines().next().unwrap_or_default().to_owned(),
        ))
    }
}

/// Where both kinds are installed the old one has this name, else it may be the only one.
const PROGRAMS: [&str; 3] = [
    "/usr/sbin/iptables-legacy",
    "/usr/sbin/iptables",
    "/sbin/iptables",
];

const FORWARD: &str = "FORWARD";
const DOCKER_USER: &str = "DOCKER-USER";
