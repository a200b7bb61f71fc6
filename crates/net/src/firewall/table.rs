//! The table, as text for `nft -f -`.

use crate::BridgeConfig;
use crate::netlink::{PORTS, PORTS_ANY};

/// Makes the table what it should be, whether it exists or not; elements of its maps stay.
pub(super) fn script(config: &BridgeConfig) -> String {
    let table = &config.table;
    let mut lines = vec![
        format!("add table inet {table}"),
        format!("add map inet {table} {PORTS} {{ type {KEY} : {TARGET} ; }}"),
        format!("add map inet {table} {PORTS_ANY} {{ type {ANY_KEY} : {TARGET} ; }}"),
    ];
    for (chain, hook) in CHAINS {
        lines.push(format!("add chain inet {table} {chain} {hook}"));
        lines.push(format!("flush chain inet {table} {chain}"));
    }
    for (chain, rule) in rules(config) {
        lines.push(format!("add rule inet {table} {chain} {rule}"));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Removes the table whether it exists or not.
pub(super) fn removal(table: &str) -> String {
    format!("add table inet {table}\ndelete table inet {table}\n")
}

fn rules(config: &BridgeConfig) -> Vec<(&'static str, String)> {
    let BridgeConfig { name, subnet, .. } = config;
    let internal = [
        (
            "forward",
            format!("iifname \"{name}\" oifname != \"{name}\" drop"),
        ),
        (
            "forward",
            format!("oifname \"{name}\" iifname != \"{name}\" drop"),
        ),
    ];
    let between = if config.icc { "accept" } else { "drop" };
    let mut rules = vec![
        // route_localnet lets replies to the host's loopback in; nothing else may use it.
        (
            "guard",
            format!("iifname \"{name}\" ip daddr 127.0.0.0/8 drop"),
        ),
        // Nobody from outside is sent to a port that is published on the loopback.
        ("prerouting", "ip daddr 127.0.0.0/8 return".to_owned()),
        ("prerouting", "fib daddr type local jump publish".to_owned()),
        ("output", "fib daddr type local jump publish".to_owned()),
        (
            "publish",
            format!("dnat ip to meta l4proto . ip daddr . th dport map @{PORTS}"),
        ),
        (
            "publish",
            format!("dnat ip to meta l4proto . th dport map @{PORTS_ANY}"),
        ),
        // From the host's loopback: the container must be able to answer.
        (
            "postrouting",
            format!("oifname \"{name}\" ip saddr 127.0.0.0/8 masquerade"),
        ),
        // Through a published port back into the same subnet: the answer must come back this way.
        (
            "postrouting",
            format!("oifname \"{name}\" ip saddr {subnet} ct status dnat masquerade"),
        ),
    ];
    if config.bounds.internal {
        rules.extend(internal);
    }
    rules.extend([
        ("forward", format!("oifname \"{name}\" jump inbound")),
        ("inbound", "ct state established,related accept".to_owned()),
        ("inbound", "ct status dnat accept".to_owned()),
        ("inbound", format!("iifname \"{name}\" {between}")),
        // Ports that are not published cannot be reached through the host, whoever routes to it.
        ("inbound", "drop".to_owned()),
    ]);
    if config.ip_masq && !config.bounds.internal {
        let rule = format!("ip saddr {subnet} oifname != \"{name}\" masquerade");
        rules.push(("postrouting", rule));
    }
    rules
}

const KEY: &str = "inet_proto . ipv4_addr . inet_service";
const ANY_KEY: &str = "inet_proto . inet_service";
const TARGET: &str = "ipv4_addr . inet_service";

/// Jumped-to chains first: a rule can only name a chain that exists.
const CHAINS: [(&str, &str); 7] = [
    ("publish", ""),
    ("inbound", ""),
    (
        "guard",
        "{ type filter hook prerouting priority -300; policy accept; }",
    ),
    (
        "prerouting",
        "{ type nat hook prerouting priority -100; policy accept; }",
    ),
    (
        "output",
        "{ type nat hook output priority -100; policy accept; }",
    ),
    (
        "postrouting",
        "{ type nat hook postrouting priority 100; policy accept; }",
    ),
    (
        "forward",
        "{ type filter hook forward priority 0; policy accept; }",
    ),
];
