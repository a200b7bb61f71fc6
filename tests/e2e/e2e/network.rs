//! Network modes and published ports, seen from outside the daemon's host.

use std::process::Stdio;

use lockgate_testkit::{Daemon, DaemonOptions, NetNs, eventually, program, run, unique};

/// A client host, linked to the daemon's host by a veth pair: 192.168.77.1 and 192.168.77.2.
fn daemon_with_client() -> (Daemon, NetNs) {
    let host = NetNs::new("lgh");
    let client = NetNs::new("lgc");
    let link = unique("lv").replace('-', "");
    let peer = format!("p{link}");
    run(
        program("ip").args(["link", "add", &link, "type", "veth", "peer", "name", &peer]),
        b"",
    )
    .ok();
    for (namespace, name, address) in [
        (&host, &link, "192.168.77.1/24"),
        (&client, &peer, "192.168.77.2/24"),
    ] {
        run(
            program("ip").args(["link", "set", name, "netns", namespace.name()]),
            b"",
        )
        .ok();
        namespace.run("ip", &["address", "add", address, "dev", name]);
        namespace.run("ip", &["link", "set", name, "up"]);
    }
    client.run("ip", &["route", "add", "default", "via", "192.168.77.1"]);
    let daemon = Daemon::start_in(host, DaemonOptions::default());
    daemon.load_busybox();
    (daemon, client)
}

const SERVE: &str = "while :; do echo hello | nc -l -p 8080; done";

fn ask(command: &mut std::process::Command, address: &str, port: &str) -> Option<()> {
    let ended = run(command.args(["nc", "-w", "2", address, port]), b"");
    (ended.stdout == "hello\n").then_some(())
}

#[test]
fn publishes_a_port_to_other_hosts_and_to_itself() {
    let (daemon, client) = daemon_with_client();
    daemon
        .docker(&[
            "run",
            "-d",
            "--name",
            "cw",
            "-p",
            "18080:8080",
            "busybox",
            "sh",
            "-c",
            SERVE,
        ])
        .ok();
    assert_eq!(
        daemon.docker(&["port", "cw", "8080"]).ok().lines().next(),
        Some("0.0.0.0:18080")
    );
    eventually("an answer from another host", || {
        ask(&mut client.command("/bin/busybox"), "192.168.77.1", "18080")
    });
    eventually("an answer on the host's loopback", || {
        ask(
            &mut daemon.netns().command("/bin/busybox"),
            "127.0.0.1",
            "18080",
        )
    });
    eventually("an answer on the host's own address", || {
        ask(
            &mut daemon.netns().command("/bin/busybox"),
            "192.168.77.1",
            "18080",
        )
    });
    let taken = daemon.docker(&["run", "-d", "-p", "18080:80", "busybox", "true"]);
    taken.failed_with(
        125,
        "Bind for 0.0.0.0:18080 failed: port is already allocated",
    );
    daemon.docker(&["rm", "-f", "cw"]).ok();
    assert!(ask(&mut client.command("/bin/busybox"), "192.168.77.1", "18080").is_none());
}

#[test]
fn publishes_udp_and_random_ports_and_one_address() {
    let (daemon, client) = daemon_with_client();
    // Traffic over UDP is tested in crates/net: busybox has no program that answers it.
    daemon
        .docker(&[
            "run",
            "-d",
            "--name",
            "cu",
            "-p",
            "19000:9000/udp",
            "busybox",
            "sleep",
            "60",
        ])
        .ok();
    let published = daemon.docker(&["port", "cu"]);
    assert!(
        published.ok().contains("9000/udp -> 0.0.0.0:19000"),
        "{published}"
    );
    daemon
        .docker(&[
            "run", "-d", "--name", "cr", "-P", "--expose", "8080", "busybox", "sh", "-c", SERVE,
        ])
        .ok();
    let published = daemon.docker(&["port", "cr", "8080"]).ok().to_owned();
    let port = published
        .lines()
        .next()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap()
        .to_owned();
    eventually("an answer on the random port", || {
        ask(&mut client.command("/bin/busybox"), "192.168.77.1", &port)
    });
    daemon
        .docker(&[
            "run",
            "-d",
            "--name",
            "cl",
            "-p",
            "127.0.0.1:18081:8080",
            "busybox",
            "sh",
            "-c",
            SERVE,
        ])
        .ok();
    eventually("an answer on loopback", || {
        ask(
            &mut daemon.netns().command("/bin/busybox"),
            "127.0.0.1",
            "18081",
        )
    });
    assert!(ask(&mut client.command("/bin/busybox"), "192.168.77.1", "18081").is_none());
}

#[test]
fn containers_reach_each_other_and_the_world() {
    let (daemon, client) = daemon_with_client();
    daemon
        .docker(&["run", "-d", "--name", "ca", "busybox", "sh", "-c", SERVE])
        .ok();
    let address = daemon.inspect("ca", "{{.NetworkSettings.Networks.bridge.IPAddress}}");
    daemon
        .docker(&[
            "run", "--rm", "busybox", "ping", "-c", "1", "-W", "5", &address,
        ])
        .ok();
    let mut server = client
        .command("/bin/busybox")
        .args(["nc", "-l", "-p", "7000"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("masqueraded traffic", || {
        daemon
            .docker(&[
                "run",
                "--rm",
                "busybox",
                "sh",
                "-c",
                "echo out | nc -w 2 192.168.77.2 7000",
            ])
            .status
            .success()
            .then_some(())
    });
    let mut text = String::new();
    std::io::Read::read_to_string(server.stdout.as_mut().unwrap(), &mut text).unwrap();
    server.wait().unwrap();
    assert_eq!(text, "out\n");
}

#[test]
fn knows_the_modes_none_host_and_container() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let links = |mode: &str| {
        daemon
            .docker(&[
                "run",
                "--rm",
                "--network",
                mode,
                "busybox",
                "ls",
                "/sys/class/net",
            ])
            .ok()
            .replace('\n', " ")
    };
    assert_eq!(links("none"), "lo");
    assert!(links("host").contains("lockgate0"));
    assert_eq!(links("bridge"), "eth0 lo");
    daemon
        .docker(&["run", "-d", "--name", "first", "busybox", "sleep", "60"])
        .ok();
    let address = daemon.inspect("first", "{{.NetworkSettings.Networks.bridge.IPAddress}}");
    let joined = daemon.docker(&[
        "run",
        "--rm",
        "--network",
        "container:first",
        "busybox",
        "ip",
        "-4",
        "-o",
        "addr",
    ]);
    assert!(joined.ok().contains(&address), "{joined}");
}

#[test]
fn writes_hosts_hostname_and_resolv_conf() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let flags = [
        "run",
        "--rm",
        "-h",
        "web",
        "--add-host",
        "db:10.1.2.3",
        "--dns",
        "9.9.9.9",
        "--dns-search",
        "example.org",
    ];
    let script = "hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf";
    let shown = daemon
        .docker(&[&flags[..], &["busybox", "sh", "-c", script]].concat())
        .ok()
        .to_owned();
    for line in [
        "web",
        "10.1.2.3\tdb",
        "nameserver 9.9.9.9",
        "search example.org",
        "127.0.0.1\tlocalhost",
    ] {
        assert!(
            shown.lines().any(|l| l == line),
            "`{line}` is missing:\n{shown}"
        );
    }
}

#[test]
fn lists_and_inspects_the_default_networks() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let names = daemon.docker(&[
        "network",
        "ls",
        "--format",
        "{{.Name}} {{.Driver}} {{.Scope}}",
    ]);
    for line in ["bridge bridge local", "host host local", "none null local"] {
        assert!(names.ok().lines().any(|l| l == line), "{names}");
    }
    daemon
        .docker(&["run", "-d", "--name", "cn", "busybox", "sleep", "60"])
        .ok();
    let shown = daemon.api("GET", "/networks/bridge", None).json();
    let container = shown["Containers"]
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap()
        .clone();
    assert_eq!(container["Name"], "cn");
    assert_eq!(
        daemon.api("GET", "/networks/nope", None).json()["message"],
        "network nope not found"
    );
    assert_eq!(daemon.api("DELETE", "/networks/bridge", None).status, 403);
}
