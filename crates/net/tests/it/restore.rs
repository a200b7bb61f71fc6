use std::net::{Ipv4Addr, TcpListener};

use lockgate_net::Protocol::Tcp;
use lockgate_net::{Bridge, NetError, netns};

use crate::host::{self, From, Host, assert_none, can_ping, publish, publishing, request, tcp};

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

#[test]
fn a_restarted_daemon_takes_over_what_lives_and_clears_the_rest() {
    let host = Host::new();
    let config = host.config();
    let bridge = Bridge::open(config.clone()).unwrap();
    let alive = bridge
        .attach(&publishing(vec![publish(80, Tcp, 8080)]))
        .unwrap();
    let dead = bridge
        .attach(&publishing(vec![publish(80, Tcp, 8081)]))
        .unwrap();
    let foreign = config.netns_dir.join("foreign");
    std::fs::write(&foreign, "").unwrap();
    host::run(&format!(
        "ip link add others0 type veth peer name others1; ip link set others0 master {}",
        config.name
    ));
    drop(bridge);
    tcp(&alive, 80, From::Here, (LOOPBACK, 8080)).expect("containers need no daemon");

    let bridge = Bridge::open(config).unwrap();
    tcp(&alive, 80, From::Here, (LOOPBACK, 8080)).expect("elements outlive a restart");
    assert_none(&bridge.restore(std::slice::from_ref(&alive)));
    let kept = [alive.container.clone()].into();
    assert!(netns::remove_strays(&bridge.config().netns_dir, &kept).is_empty());
    tcp(&alive, 80, From::Here, (LOOPBACK, 8080)).unwrap();
    assert!(can_ping(&alive.netns, bridge.config().gateway));
    assert!(!dead.netns.exists() && foreign.exists());
    let links = host::run("ip -o link");
    assert!(
        !links.contains(&dead.host_veth) && links.contains("others0"),
        "{links}"
    );
    let elements = host::run(&format!("nft list table inet {}", bridge.config().table));
    assert!(
        elements.contains("8080") && !elements.contains("8081"),
        "{elements}"
    );

    bridge
        .attach(&publishing(vec![publish(80, Tcp, 8080)]))
        .unwrap_err();
    assert_eq!(
        bridge.attach(&request()).unwrap().ip,
        dead.ip,
        "its address is free again"
    );
    assert_none(&bridge.detach(&alive));
    assert!(!bridge.is_allocated(alive.ip));
}

#[test]
fn a_port_that_was_taken_meanwhile_is_told_and_stays_published() {
    let host = Host::new();
    let config = host.config();
    let bridge = Bridge::open(config.clone()).unwrap();
    let web = bridge
        .attach(&publishing(vec![publish(80, Tcp, 8080)]))
        .unwrap();
    drop(bridge);
    let thief = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 8080)).unwrap();
    let bridge = Bridge::open(config).unwrap();
    let failures = bridge.restore(std::slice::from_ref(&web));
    assert!(
        matches!(failures.as_slice(), [NetError::Port(_)]),
        "{failures:?}"
    );
    tcp(&web, 80, From::Here, (LOOPBACK, 8080)).unwrap();
    drop(thief);
    assert_none(&bridge.detach(&web));
}

#[test]
fn a_bridge_that_was_made_here_gets_its_new_address() {
    let host = Host::new();
    let mut config = host.config();
    drop(Bridge::open(config.clone()).unwrap());
    config.subnet = "192.168.9.0/24".parse().unwrap();
    config.gateway = "192.168.9.1".parse().unwrap();
    let bridge = Bridge::open(config).unwrap();
    let addresses = host::run(&format!("ip -o -4 addr show dev {}", bridge.config().name));
    assert!(
        addresses.contains("192.168.9.1/24") && !addresses.contains("172.30"),
        "{addresses}"
    );
    let endpoint = bridge.attach(&request()).unwrap();
    assert!(can_ping(&endpoint.netns, bridge.config().gateway));
}
