//! Containers on the default bridge, in a network namespace of the test's own.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;

use lockgate_engine::{Engine, EventQuery};
use lockgate_net::BridgeConfig;
use lockgate_types::Timestamp;
use lockgate_types::network::PortBinding;

use crate::fixture::{Fixture, Roots, sh};

/// Runs a test of this file again inside a new network namespace.
fn inside(test: &str) {
    let status = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("LOCKGATE_TEST_NETNS", "1")
        .status()
        .unwrap();
    assert!(status.success());
}

fn is_inside() -> bool {
    std::env::var_os("LOCKGATE_TEST_NETNS").is_some()
}

async fn open() -> Fixture {
    let up = Command::new("ip")
        .args(["link", "set", "lo", "up"])
        .status()
        .unwrap();
    assert!(up.success());
    let roots = Roots::new();
    let engine = engine(&roots).await;
    Fixture { engine, roots }
}

async fn engine(roots: &Roots) -> Engine {
    let mut config = roots.config();
    config.bridge = Some(BridgeConfig {
        name: "lgtest0".to_owned(),
        subnet: "10.99.7.0/24".parse().unwrap(),
        gateway: Ipv4Addr::new(10, 99, 7, 1),
        mtu: 1500,
        icc: true,
        ip_masq: true,
        default_host_ip: Ipv4Addr::UNSPECIFIED,
        table: "lockgate_engine_test".to_owned(),
        state_dir: roots.directory.path().join("data/networks"),
        netns_dir: roots.directory.path().join("exec/netns"),
        bounds: lockgate_net::Bounds::default(),
    });
    Engine::open(config).await.unwrap()
}

fn server(port: &str) -> lockgate_engine::CreateContainer {
    let mut request = sh("while :; do nc -l -p 80 -e cat /etc/hosts; done");
    "bridge".clone_into(&mut request.host_config.network_mode);
    let binding = PortBinding {
        host_ip: String::new(),
        host_port: port.to_owned(),
    };
    request.host_config.port_bindings = Some([("80/tcp".to_owned(), Some(vec![binding]))].into());
    request
}

fn fetch(port: u16) -> String {
    lockgate_testkit::eventually("the published port answers", || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        (!text.is_empty()).then_some(text)
    })
}

#[test]
fn a_published_port_leads_to_the_container_and_outlives_the_engine() {
    if !is_inside() {
        return inside("network::a_published_port_leads_to_the_container_and_outlives_the_engine");
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let fixture = open().await;
        let id = fixture.run_with(server("8123")).await;
        let settings = fixture.inspect(&id).await.network_settings;
        assert_eq!(settings.ip_address, "10.99.7.2");
        assert_eq!(
            settings.ports["80/tcp"].as_ref().unwrap()[0].host_port,
            "8123"
        );
        let hosts = tokio::task::spawn_blocking(|| fetch(8123)).await.unwrap();
        assert!(
            hosts.contains(&format!("10.99.7.2\t{}", &id[..12])),
            "{hosts}"
        );

        let second = fixture.create(server("8123")).await;
        let error = fixture
            .containers()
            .start(&second)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("driver failed programming external connectivity on endpoint"),
            "{error}"
        );
        assert!(
            error.ends_with("Bind for 0.0.0.0:8123 failed: port is already allocated"),
            "{error}"
        );

        let Fixture {
            engine: first,
            roots,
        } = fixture;
        first.close().await;
        drop(first);
        let fixture = Fixture {
            engine: engine(&roots).await,
            roots,
        };
        assert_eq!(
            fixture.inspect(&id).await.network_settings.ip_address,
            "10.99.7.2"
        );
        tokio::task::spawn_blocking(|| fetch(8123)).await.unwrap();
        fixture.remove(&id).await;
        // The address and the port are free again.
        fixture.containers().start(&second).await.unwrap();
        fixture.remove(&second).await;
        fixture.engine.close().await;
    });
}

#[test]
fn networks_are_told_in_dockers_order() {
    if !is_inside() {
        return inside("network::networks_are_told_in_dockers_order");
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let fixture = open().await;
        let mut request = sh("exit 3");
        "bridge".clone_into(&mut request.host_config.network_mode);
        let id = fixture.run_with(request).await;
        fixture.wait(&id).await;
        fixture.remove(&id).await;
        let query = EventQuery {
            since: Some(Timestamp::ZERO),
            until: Some(Timestamp::now()),
            ..EventQuery::default()
        };
        let mut events = fixture.events().subscribe(query).unwrap();
        let mut actions = Vec::new();
        while let Some(event) = events.next().await {
            actions.push(format!("{} {}", event.kind.as_str(), event.action));
        }
        let expected = [
            "container create",
            "network connect",
            "container start",
            "network disconnect",
            "container die",
            "container destroy",
        ];
        assert_eq!(actions, expected);
        fixture.engine.close().await;
    });
}
