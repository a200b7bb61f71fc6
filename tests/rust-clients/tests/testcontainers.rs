//! testcontainers for Rust: services that are started, waited for, used and stopped, by the daemon of `DOCKER_HOST`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use testcontainers::core::{ExecCommand, IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{GenericImage, ImageExt as _};

const SERVE: &str = "mkdir /www; echo hello > /www/index.html; httpd -p 8080 -h /www; echo ready; exec sleep 600";

fn get(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn services_are_started_used_and_stopped() {
    let web = GenericImage::new("busybox", "latest")
        .with_exposed_port(8080.tcp())
        .with_wait_for(WaitFor::message_on_stdout("ready"))
        .with_cmd(["sh", "-c", SERVE])
        .with_network("front")
        .with_container_name("web")
        .with_label("from", "rust")
        .with_env_var("GREETING", "hi")
        .with_copy_to("/copied.txt", b"copied".to_vec())
        .start()
        .await
        .unwrap();
    let port = web.get_host_port_ipv4(8080).await.unwrap();
    let host = web.get_host().await.unwrap();
    let answer = get(&format!("{host}:{port}"));
    assert!(answer.ends_with("\r\n\r\nhello\n"), "{answer}");
    let script = "echo $GREETING; cat /copied.txt; exit 3";
    let mut said = web
        .exec(ExecCommand::new(["sh", "-c", script]))
        .await
        .unwrap();
    assert_eq!(said.stdout_to_vec().await.unwrap(), b"hi\ncopied");
    assert_eq!(said.exit_code().await.unwrap(), Some(3));
    let client = GenericImage::new("busybox", "latest")
        .with_wait_for(WaitFor::message_on_stdout("hello"))
        .with_cmd(["wget", "-q", "-O", "-", "http://web:8080/"])
        .with_network("front")
        .start()
        .await
        .unwrap();
    let log = client.stdout_to_vec().await.unwrap();
    assert_eq!(log, b"hello\n");
    client.rm().await.unwrap();
    web.stop().await.unwrap();
    assert!(!web.is_running().await.unwrap());
    web.rm().await.unwrap();
}
