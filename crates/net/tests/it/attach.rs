use lockgate_net::{AttachRequest, NetError, netns};
use std::net::Ipv4Addr;

use crate::host::{self, Host, assert_none, can_ping, inside, request};

#[test]
fn two_containers_reach_each_other_the_host_and_its_neighbour() {
    let host = Host::new();
    let neighbour = host.add_neighbour();
    let bridge = host.bridge();
    let (a, b) = (
        bridge.attach(&request()).unwrap(),
        bridge.attach(&request()).unwrap(),
    );
    assert_eq!(
        (a.ip, b.ip),
        (Ipv4Addr::new(172, 30, 0, 2), Ipv4Addr::new(172, 30, 0, 3))
    );
    assert!(can_ping(&a.netns, b.ip), "{}", host::dump());
    assert!(can_ping(&b.netns, a.ip));
    assert!(can_ping(&a.netns, bridge.config().gateway));
    assert!(can_ping(&a.netns, host::NEIGHBOUR), "masqueraded");
    assert!(
        !can_ping(&neighbour, a.ip),
        "nothing comes in that was not published"
    );
    assert_none(&bridge.detach(&a));
    assert_none(&bridge.detach(&b));
    assert_none(&bridge.close());
}

#[test]
fn a_container_finds_one_link_with_address_route_and_no_ipv6() {
    let host = Host::new();
    let bridge = host.bridge();
    let mac = "02:42:00:00:00:99".parse().unwrap();
    let ip = Some(Ipv4Addr::new(172, 30, 7, 7));
    let endpoint = bridge
        .attach(&AttachRequest {
            ip,
            mac: Some(mac),
            ..request()
        })
        .unwrap();
    let links = inside(&endpoint.netns, "ip -o link");
    assert_eq!(links.lines().count(), 2, "{links}");
    assert!(
        links.contains("eth0@") && links.contains("02:42:00:00:00:99"),
        "{links}"
    );
    assert_eq!(endpoint.mac, "02:42:00:00:00:99");
    let addresses = inside(&endpoint.netns, "ip -o addr show dev eth0");
    assert_eq!(addresses.lines().count(), 1, "{addresses}");
    assert!(
        addresses.contains("172.30.7.7/16 brd 172.30.255.255 scope global"),
        "{addresses}"
    );
    let routes = inside(&endpoint.netns, "ip route");
    assert!(
        routes.contains("default via 172.30.0.1 dev eth0"),
        "{routes}"
    );
    assert!(can_ping(&endpoint.netns, Ipv4Addr::LOCALHOST));
    assert_none(&bridge.detach(&endpoint));
}

#[test]
fn containers_are_kept_apart_without_icc() {
    let host = Host::new();
    let mut config = host.config();
    config.icc = false;
    let bridge = lockgate_net::Bridge::open(config).unwrap();
    let (a, b) = (
        bridge.attach(&request()).unwrap(),
        bridge.attach(&request()).unwrap(),
    );
    for filtered in ["0", "1"] {
        // Whether the bridge shows its packets to the rules depends on a module.
        drop(host::try_run(&format!(
            "sysctl -w net.bridge.bridge-nf-call-iptables={filtered}"
        )));
        assert!(!can_ping(&a.netns, b.ip), "{filtered}");
        assert!(can_ping(&a.netns, bridge.config().gateway));
    }
}

#[test]
fn a_failed_attach_leaves_nothing() {
    let host = Host::new();
    let bridge = host.bridge();
    let first = bridge.attach(&request()).unwrap();
    let before = host::settled();
    let taken = bridge.attach(&AttachRequest {
        ip: Some(first.ip),
        ..request()
    });
    assert!(matches!(taken, Err(NetError::Ipam(_))), "{taken:?}");
    let twice = bridge.attach(&AttachRequest {
        container: first.container,
        ..request()
    });
    assert!(matches!(twice, Err(NetError::Attached(_))), "{twice:?}");
    let blocked = AttachRequest { ..request() };
    std::fs::create_dir(bridge.config().netns_dir.join(blocked.container.as_str())).unwrap();
    let failed = bridge.attach(&blocked);
    assert!(
        matches!(failed, Err(NetError::Namespace { .. })),
        "{failed:?}"
    );
    assert_none(&bridge.settle());
    assert_eq!(host::dump(), before);
    assert_eq!(
        bridge.attach(&request()).unwrap().ip,
        Ipv4Addr::new(172, 30, 0, 3)
    );
}

#[test]
fn the_hosts_end_has_no_address_at_all() {
    let host = Host::new();
    let bridge = host.bridge();
    let endpoint = bridge.attach(&request()).unwrap();
    let addresses = host::run(&format!("ip -o addr show dev {}", endpoint.host_veth));
    assert_eq!(addresses, "");
    assert!(can_ping(&endpoint.netns, bridge.config().gateway));
}

#[test]
fn many_containers_come_and_go_at_once() {
    let host = Host::new();
    let before = host::settled();
    let bridge = host.bridge();
    let taken = std::sync::Mutex::new(std::collections::BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..6 {
                    let ports = vec![host::publish(80, lockgate_net::Protocol::Tcp, 0)];
                    let endpoint = bridge.attach(&host::publishing(ports)).unwrap();
                    assert!(taken.lock().unwrap().insert(endpoint.ip), "given twice");
                    assert!(can_ping(&endpoint.netns, bridge.config().gateway));
                    taken.lock().unwrap().remove(&endpoint.ip);
                    assert_none(&bridge.detach(&endpoint));
                }
            });
        }
    });
    assert_none(&bridge.close());
    assert_eq!(host::dump(), before);
}

#[test]
fn a_link_that_is_no_bridge_is_refused() {
    let host = Host::new();
    let config = host.config();
    host::run(&format!(
        "ip link add {} type veth peer name peer0",
        config.name
    ));
    let refused = lockgate_net::Bridge::open(config);
    assert!(
        matches!(refused, Err(NetError::NotABridge(_))),
        "{refused:?}"
    );
}

#[test]
fn closing_leaves_links_and_rules_as_they_were() {
    let host = Host::new();
    let neighbour = host.add_neighbour();
    assert!(neighbour.exists());
    host::run(
        "nft add table inet others; nft add chain inet others input '{ type filter hook input priority 0; }'",
    );
    let before = host::settled();
    let bridge = host.bridge();
    let endpoints: Vec<_> = (0..3).map(|_| bridge.attach(&request()).unwrap()).collect();
    assert_none(&bridge.detach(&endpoints[0]));
    assert_none(&bridge.detach(&endpoints[0]));
    assert_none(&bridge.close());
    assert_eq!(host::dump(), before);
    let strays = netns::remove_strays(
        &bridge.config().netns_dir,
        &std::collections::BTreeSet::new(),
    );
    assert!(strays.is_empty() && !endpoints[1].netns.exists());
}

#[test]
fn a_bridge_of_the_administrator_stays() {
    let host = Host::new();
    let config = host.config();
    host::run(&format!("ip link add {} type bridge", config.name));
    host::run(&format!("ip addr add 192.168.7.1/24 dev {}", config.name));
    let name = config.name.clone();
    let bridge = lockgate_net::Bridge::open(config).unwrap();
    assert_none(&bridge.close());
    let addresses = host::run(&format!("ip -o addr show dev {name}"));
    assert!(addresses.contains("192.168.7.1/24"), "{addresses}");
}
