//! A host for one test: a network namespace that the test's thread lives in, a bridge in it, and
//! a neighbour beyond a link.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lockgate_net::{
    AttachRequest, Bounds, Bridge, BridgeConfig, Endpoint, Place, PortRequest, Protocol,
};
use lockgate_sys::netns;
use lockgate_types::ContainerId;

/// The test's own host. Dropping it takes the namespaces' names away; with them and the thread
/// goes everything else.
pub(crate) struct Host {
    pub(crate) directory: tempfile::TempDir,
}

/// The host's address on the link to its neighbour, and the neighbour's own.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
pub(crate) const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);

impl Host {
    pub(crate) fn new() -> Self {
        netns::unshare_current_thread().unwrap();
        let host = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        run("ip link set lo up");
        host
    }

    /// Another machine, reached over a link of its own; it routes everything to this host.
    pub(crate) fn add_neighbour(&self) -> PathBuf {
        let path = self.directory.path().join("neighbour");
        netns::create_empty(&path).unwrap();
        let file = path.display();
        run(&format!(
            "ip link add up0 type veth peer name down0 netns {file}"
        ));
        run(&format!("ip addr add {HOST}/24 dev up0"));
        run("ip link set up0 up");
        inside(&path, &format!("ip addr add {NEIGHBOUR}/24 dev down0"));
        inside(&path, "ip link set down0 up");
        inside(&path, "ip link set lo up");
        inside(&path, &format!("ip route add default via {HOST}"));
        path
    }

    pub(crate) fn config(&self) -> BridgeConfig {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        BridgeConfig {
            name: format!("t{}x{number}", std::process::id()),
            subnet: "172.30.0.0/16".parse().unwrap(),
            gateway: Ipv4Addr::new(172, 30, 0, 1),
            mtu: 1500,
            icc: true,
            ip_masq: true,
            default_host_ip: Ipv4Addr::UNSPECIFIED,
            table: format!("t{}x{number}", std::process::id()),
            state_dir: self.directory.path().join("state"),
            netns_dir: self.directory.path().join("netns"),
            bounds: Bounds::default(),
        }
    }

    pub(crate) fn bridge(&self) -> Bridge {
        Bridge::open(self.config()).unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let namespaces = std::fs::read_dir(self.directory.path().join("netns"));
        for entry in namespaces.into_iter().flatten().flatten() {
            drop(netns::remove(&entry.path()));
        }
        drop(netns::remove(&self.directory.path().join("neighbour")));
    }
}

/// Everything that the kernel knows about the network of this test's host.
pub(crate) fn dump() -> String {
    [
        "nft -s list ruleset",
        "ip -o link",
        "ip -o addr",
        "ip route",
    ]
    .map(run)
    .join("\n")
}

/// The same, once the kernel has nothing left to change by itself: carriers, addresses that it tries first.
pub(crate) fn settled() -> String {
    eventually(|| {
        let found = dump();
        (!found.contains("state DOWN") && !found.contains("tentative")).then_some(found)
    })
}

pub(crate) fn request() -> AttachRequest {
    AttachRequest {
        container: ContainerId::random(),
        ip: None,
        mac: None,
        ports: Vec::new(),
        place: Place::default(),
    }
}

pub(crate) fn publish(container_port: u16, proto: Protocol, host_port: u16) -> PortRequest {
    let host_port = (host_port != 0).then_some(host_port..=host_port);
    PortRequest {
        container_port,
        proto,
        host_ip: None,
        host_port,
    }
}

pub(crate) fn publishing(ports: Vec<PortRequest>) -> AttachRequest {
    AttachRequest { ports, ..request() }
}

/// Runs a command on the test's host.
pub(crate) fn run(command: &str) -> String {
    try_run(command).unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// Runs a command in a namespace.
pub(crate) fn inside(namespace: &Path, command: &str) -> String {
    run(&format!("nsenter --net={} {command}", namespace.display()))
}

pub(crate) fn try_inside(namespace: &Path, command: &str) -> Result<String, String> {
    try_run(&format!("nsenter --net={} {command}", namespace.display()))
}

pub(crate) fn try_run(command: &str) -> Result<String, String> {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

pub(crate) fn can_ping(namespace: &Path, ip: Ipv4Addr) -> bool {
    try_inside(namespace, &format!("busybox ping -c 1 -W 2 {ip}")).is_ok()
}

/// Enters a namespace for one call; sockets made there stay there.
pub(crate) fn at<T: Send>(namespace: &Path, work: impl FnOnce() -> T + Send) -> T {
    netns::run_in(netns::open(namespace).unwrap().as_fd(), work).unwrap()
}

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) enum From<'a> {
    Here,
    In(&'a Path),
}

/// Listens in a container, connects from somewhere, and tells who the container saw.
pub(crate) fn tcp(
    endpoint: &Endpoint,
    port: u16,
    from: From<'_>,
    to: (Ipv4Addr, u16),
) -> io::Result<IpAddr> {
    let listener = at(&endpoint.netns, || TcpListener::bind((endpoint.ip, port))).unwrap();
    let to = SocketAddr::from(to);
    let connect = || TcpStream::connect_timeout(&to, PATIENCE);
    let mut client = match from {
        From::Here => connect(),
        From::In(namespace) => at(namespace, connect),
    }?;
    listener.set_nonblocking(true).unwrap();
    let (mut server, seen) = eventually(|| listener.accept().ok());
    server.set_nonblocking(false).unwrap();
    client.write_all(b"ping").unwrap();
    let mut answer = [0; 4];
    server.read_exact(&mut answer).unwrap();
    server.write_all(&answer).unwrap();
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"ping");
    Ok(seen.ip())
}

/// The same over UDP.
pub(crate) fn udp(
    endpoint: &Endpoint,
    port: u16,
    from: From<'_>,
    to: (Ipv4Addr, u16),
) -> io::Result<IpAddr> {
    let server = at(&endpoint.netns, || UdpSocket::bind((endpoint.ip, port))).unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let bind = || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
    let client = match from {
        From::Here => bind(),
        From::In(namespace) => at(namespace, bind),
    }?;
    client.connect(to)?;
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.send(b"ping")?;
    let mut answer = [0; 4];
    let (_, seen) = server.recv_from(&mut answer)?;
    server.send_to(b"pong", seen).unwrap();
    client.recv(&mut answer)?;
    assert_eq!(&answer, b"pong");
    Ok(seen.ip())
}

pub(crate) fn assert_none<E: std::fmt::Debug>(failures: &[E]) {
    assert!(failures.is_empty(), "{failures:?}");
}

fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    for _ in 0..2000 {
        if let Some(value) = attempt() {
            return value;
        }
        std::thread::yield_now();
    }
    panic!("it never came")
}

/// How long a packet that is dropped is waited for. The kernel sends the first one of TCP again after a second.
const PATIENCE: Duration = Duration::from_millis(1700);
