use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};

use lockgate_net::Protocol::{Tcp, Udp};
use lockgate_net::{PortRequest, PublishedPort};

use crate::host::{
    self, From, HOST, Host, NEIGHBOUR, assert_none, publish, publishing, request, tcp, udp,
};

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

#[test]
fn a_published_port_is_reached_from_everywhere() {
    let host = Host::new();
    let neighbour = host.add_neighbour();
    let bridge = host.bridge();
    let web = bridge
        .attach(&publishing(vec![publish(80, Tcp, 8080)]))
        .unwrap();
    let other = bridge.attach(&request()).unwrap();
    let outside = tcp(&web, 80, From::In(&neighbour), (HOST, 8080)).unwrap();
    assert_eq!(
        outside,
        IpAddr::V4(NEIGHBOUR),
        "the client's address is kept"
    );
    let local = tcp(&web, 80, From::Here, (LOOPBACK, 8080)).unwrap();
    assert_eq!(local, IpAddr::V4(bridge.config().gateway));
    tcp(&web, 80, From::Here, (HOST, 8080)).unwrap();
    tcp(&web, 80, From::Here, (bridge.config().gateway, 8080)).unwrap();
    tcp(&web, 80, From::In(&other.netns), (HOST, 8080)).unwrap();
    tcp(
        &web,
        80,
        From::In(&other.netns),
        (bridge.config().gateway, 8080),
    )
    .unwrap();
    tcp(&web, 80, From::In(&web.netns), (HOST, 8080)).expect("to itself, around the host");
    assert_none(&bridge.detach(&web));
    assert!(
        tcp(&other, 80, From::In(&neighbour), (HOST, 8080)).is_err(),
        "it is withdrawn"
    );
}

#[test]
fn datagrams_are_published_too() {
    let host = Host::new();
    let neighbour = host.add_neighbour();
    let bridge = host.bridge();
    let dns = bridge
        .attach(&publishing(vec![publish(53, Udp, 5353)]))
        .unwrap();
    udp(&dns, 53, From::In(&neighbour), (HOST, 5353)).unwrap();
    udp(&dns, 53, From::Here, (LOOPBACK, 5353)).unwrap();
    udp(&dns, 53, From::In(&dns.netns), (HOST, 5353)).unwrap();
}

#[test]
fn a_client_that_keeps_its_port_follows_the_container() {
    let host = Host::new();
    let neighbour = host.add_neighbour();
    let bridge = host.bridge();
    let client = host::at(&neighbour, || UdpSocket::bind((NEIGHBOUR, 4000)).unwrap());
    for name in ["before", "first", "second"] {
        let attached = (name != "before").then(|| {
            bridge
                .attach(&publishing(vec![publish(53, Udp, 5353)]))
                .unwrap()
        });
        let server = attached.as_ref().map(|endpoint| {
            host::at(&endpoint.netns, || {
                UdpSocket::bind((endpoint.ip, 53)).unwrap()
            })
        });
        // While nobody is there, the host answers that it has no such port.
        drop(client.send_to(name.as_bytes(), (HOST, 5353)));
        if let Some(server) = server {
            server
                .set_read_timeout(Some(std::time::Duration::from_secs(2)))
                .unwrap();
            let mut text = [0; 16];
            let length = server.recv(&mut text).unwrap();
            assert_eq!(&text[..length], name.as_bytes());
        }
        let other = bridge.attach(&request()).unwrap();
        if let Some(endpoint) = attached {
            assert_none(&bridge.detach(&endpoint));
        }
        assert!(other.ports.is_empty());
    }
}

#[test]
fn a_port_on_the_loopback_is_hidden_from_the_neighbour() {
    let host = Host::new();
    let neighbour = host.add_neighbour();
    let bridge = host.bridge();
    let local = PortRequest {
        host_ip: Some(LOOPBACK.into()),
        ..publish(80, Tcp, 8080)
    };
    let web = bridge.attach(&publishing(vec![local])).unwrap();
    tcp(&web, 80, From::Here, (LOOPBACK, 8080)).unwrap();
    tcp(&web, 80, From::In(&neighbour), (HOST, 8080)).unwrap_err();
    assert!(
        tcp(&web, 80, From::In(&neighbour), (web.ip, 80)).is_err(),
        "nor by routing"
    );
    host::inside(&neighbour, "ip addr del 127.0.0.1/8 dev lo");
    host::inside(
        &neighbour,
        &format!("ip route add 127.0.0.1 via {HOST} src {NEIGHBOUR}"),
    );
    host::inside(
        &neighbour,
        "sysctl -qw net.ipv4.conf.down0.route_localnet=1",
    );
    assert!(
        tcp(&web, 80, From::In(&neighbour), (LOOPBACK, 8080)).is_err(),
        "nor on the wire"
    );
}

#[test]
fn the_hosts_loopback_is_hidden_from_containers() {
    let host = Host::new();
    let bridge = host.bridge();
    let attacker = bridge.attach(&request()).unwrap();
    let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    host::inside(&attacker.netns, "ip addr del 127.0.0.1/8 dev lo");
    host::inside(&attacker.netns, "ip route add 127.0.0.1 via 172.30.0.1");
    host::inside(
        &attacker.netns,
        "sysctl -qw net.ipv4.conf.eth0.route_localnet=1",
    );
    let to = (LOOPBACK, port).into();
    let outcome = host::at(&attacker.netns, || {
        std::net::TcpStream::connect_timeout(&to, std::time::Duration::from_millis(500))
    });
    outcome.unwrap_err();
    assert_none(&bridge.detach(&attacker));
    assert_none(&bridge.close());
    assert!(host.directory.path().exists());
}

#[test]
fn a_host_address_publishes_on_that_address_alone() {
    let host = Host::new();
    let neighbour = host.add_neighbour();
    host::run("ip addr add 10.99.0.5/24 dev up0");
    let bridge = host.bridge();
    let at = |ip: Ipv4Addr| PortRequest {
        host_ip: Some(ip.into()),
        ..publish(80, Tcp, 8080)
    };
    let second = Ipv4Addr::new(10, 99, 0, 5);
    let a = bridge.attach(&publishing(vec![at(HOST)])).unwrap();
    let b = bridge.attach(&publishing(vec![at(second)])).unwrap();
    tcp(&a, 80, From::In(&neighbour), (HOST, 8080)).unwrap();
    tcp(&b, 80, From::In(&neighbour), (second, 8080)).unwrap();
    tcp(&a, 80, From::Here, (LOOPBACK, 8080)).unwrap_err();
    let everywhere = bridge
        .attach(&publishing(vec![publish(80, Tcp, 8080)]))
        .unwrap_err();
    let text = "Bind for 0.0.0.0:8080 failed: port is already allocated";
    assert_eq!(everywhere.to_string(), text);
}

#[test]
fn a_taken_port_is_refused_and_nothing_is_left() {
    let host = Host::new();
    let bridge = host.bridge();
    let web = bridge
        .attach(&publishing(vec![publish(80, Tcp, 8080)]))
        .unwrap();
    let before = host::settled();
    let both = vec![publish(81, Tcp, 8081), publish(80, Tcp, 8080)];
    let error = bridge.attach(&publishing(both)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Bind for 0.0.0.0:8080 failed: port is already allocated"
    );
    assert_eq!(host::dump(), before);
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 9090)).unwrap();
    bridge
        .attach(&publishing(vec![publish(80, Tcp, 9090)]))
        .unwrap_err();
    drop(listener);
    assert!(
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, 8080)).is_err(),
        "it is held"
    );
    assert_none(&bridge.detach(&web));
    let again = bridge
        .attach(&publishing(vec![publish(80, Tcp, 8080)]))
        .unwrap();
    let published = PublishedPort {
        container_port: 80,
        proto: Tcp,
        host_ip: Ipv4Addr::UNSPECIFIED,
        host_port: 8080,
    };
    assert_eq!(again.ports, [published]);
}

#[test]
fn three_hundred_ports_are_published_at_once() {
    let host = Host::new();
    let bridge = host.bridge();
    let ports = (1..=300)
        .map(|port| publish(port, Tcp, 20_000 + port))
        .collect();
    let start = std::time::Instant::now();
    let web = bridge.attach(&publishing(ports)).unwrap();
    let took = start.elapsed();
    tcp(&web, 300, From::Here, (LOOPBACK, 20_300)).unwrap();
    assert_none(&bridge.detach(&web));
    let elements = host::run(&format!(
        "nft list map inet {} ports_any",
        bridge.config().table
    ));
    assert!(!elements.contains("elements"), "{elements}");
    assert!(took.as_millis() < 200, "{took:?}");
}
