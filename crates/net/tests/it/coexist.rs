use lockgate_net::Protocol::Tcp;

use crate::host::{self, From, HOST, Host, assert_none, can_ping, publish, publishing, tcp};

/// What an engine with iptables leaves behind: a dropping FORWARD chain and one for the user.
const DOCKER: [&str; 6] = [
    "iptables -N DOCKER-USER",
    "iptables -A DOCKER-USER -s 203.0.113.0/24 -j DROP",
    "iptables -A DOCKER-USER -j RETURN",
    "iptables -A FORWARD -j DOCKER-USER",
    "iptables -A FORWARD -i docker0 -j ACCEPT",
    "iptables -P FORWARD DROP",
];

fn works(host: &Host) -> String {
    let neighbour = host.directory.path().join("neighbour");
    let bridge = host.bridge();
    let web = bridge
        .attach(&publishing(vec![publish(80, Tcp, 8080)]))
        .unwrap();
    assert!(can_ping(&web.netns, host::NEIGHBOUR), "{}", host::dump());
    tcp(&web, 80, From::In(&neighbour), (HOST, 8080)).unwrap();
    let rules = host::run("iptables -S");
    assert_none(&bridge.detach(&web));
    assert_none(&bridge.close());
    rules
}

#[test]
fn packets_pass_a_forward_chain_that_drops() {
    let host = Host::new();
    host.add_neighbour();
    host::run("iptables -P FORWARD DROP");
    let before = host::settled();
    works(&host);
    assert_eq!(host::dump(), before);
}

#[test]
fn rules_go_into_the_users_chain_behind_the_users_own() {
    let host = Host::new();
    host.add_neighbour();
    host::run(&DOCKER.join(" && "));
    let before = host::settled();
    let rules = works(&host);
    assert_eq!(host::dump(), before);
    let user: Vec<_> = rules
        .lines()
        .filter(|line| line.starts_with("-A DOCKER-USER"))
        .collect();
    assert_eq!(user.len(), 4, "{rules}");
    assert!(
        user[0].contains("203.0.113.0/24") && user[3].ends_with("RETURN"),
        "{rules}"
    );
    assert!(
        user[1].ends_with("ACCEPT") && user[2].ends_with("ACCEPT"),
        "{rules}"
    );
}

#[test]
fn packets_pass_old_iptables_too() {
    let host = Host::new();
    host.add_neighbour();
    host::run("iptables-legacy -P FORWARD DROP");
    works(&host);
    host::run(&DOCKER.join(" && ").replace("iptables", "iptables-legacy"));
    let before = host::run("iptables-legacy -S");
    works(&host);
    assert_eq!(host::run("iptables-legacy -S"), before);
}

#[test]
fn an_engine_that_starts_later_does_not_cut_the_next_container_off() {
    let host = Host::new();
    host.add_neighbour();
    let bridge = host.bridge();
    host::run(&DOCKER.join(" && "));
    let late = bridge.attach(&host::request()).unwrap();
    assert!(can_ping(&late.netns, host::NEIGHBOUR), "{}", host::dump());
    host::run("iptables -F DOCKER-USER");
    assert!(!can_ping(&late.netns, host::NEIGHBOUR));
    bridge.recheck_firewall().unwrap();
    assert!(can_ping(&late.netns, host::NEIGHBOUR));
    bridge.recheck_firewall().unwrap();
    let ours = host::run("iptables -S")
        .lines()
        .filter(|line| line.contains(&bridge.config().name))
        .count();
    assert_eq!(ours, 2, "they are added once");
}

#[test]
fn two_daemons_share_a_host() {
    let host = Host::new();
    let first = host.bridge();
    let mut config = host.config();
    config.subnet = "172.31.0.0/16".parse().unwrap();
    config.gateway = "172.31.0.1".parse().unwrap();
    config.state_dir = host.directory.path().join("state2");
    config.netns_dir = host.directory.path().join("netns2");
    let second = lockgate_net::Bridge::open(config).unwrap();
    let web = first
        .attach(&publishing(vec![publish(80, Tcp, 8080)]))
        .unwrap();
    second
        .attach(&publishing(vec![publish(80, Tcp, 8080)]))
        .unwrap_err();
    assert_none(&second.close());
    tcp(&web, 80, From::Here, (std::net::Ipv4Addr::LOCALHOST, 8080)).unwrap();
}
