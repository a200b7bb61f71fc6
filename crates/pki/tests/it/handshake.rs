//! Handshakes: rustls on both sides, curl against openssl, and docker against a small responder.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use lockgate_pki::{Authority, Issued};
use rustls::pki_types::ServerName;
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

use crate::support::*;

fn roots(authority: &Authority) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate_der().clone()).unwrap();
    Arc::new(roots)
}

pub(crate) fn server_config(trusted: &Authority, own: &Issued) -> Arc<ServerConfig> {
    let verifier = WebPkiClientVerifier::builder(roots(trusted))
        .build()
        .unwrap();
    let chain = vec![own.certificate_der().clone()];
    let config = ServerConfig::builder().with_client_cert_verifier(verifier);
    Arc::new(config.with_single_cert(chain, own.key_der()).unwrap())
}

pub(crate) fn client_config(trusted: &Authority, own: &Issued) -> Arc<ClientConfig> {
    let chain = vec![own.certificate_der().clone()];
    let config = ClientConfig::builder().with_root_certificates(roots(trusted));
    Arc::new(config.with_client_auth_cert(chain, own.key_der()).unwrap())
}

/// A handshake in memory; the first error of either side ends it.
pub(crate) fn shake(
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    host: &str,
) -> Result<(), rustls::Error> {
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut client = ClientConnection::new(client, name).unwrap();
    let mut server = ServerConnection::new(server).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn mutual_authentication_succeeds_by_every_name_of_the_server() {
    let authority = authority();
    let (server, client) = (server(&authority), client(&authority, "alice"));
    for host in ["localhost", "127.0.0.1", "::1"] {
        shake(
            client_config(&authority, &client),
            server_config(&authority, &server),
            host,
        )
        .unwrap();
    }
    let other = shake(
        client_config(&authority, &client),
        server_config(&authority, &server),
        "example.org",
    );
    assert!(
        other
            .unwrap_err()
            .to_string()
            .contains("not valid for name")
    );
}

#[test]
fn a_server_certificate_is_refused_as_a_client_and_the_other_way_round() {
    let authority = authority();
    let (server, client) = (server(&authority), client(&authority, "alice"));
    let as_client = shake(
        client_config(&authority, &server),
        server_config(&authority, &server),
        "localhost",
    );
    let as_server = shake(
        client_config(&authority, &client),
        server_config(&authority, &client),
        "localhost",
    );
    for refused in [as_client, as_server] {
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("certificate"), "{text}");
    }
}

#[test]
fn certificates_of_another_authority_are_refused_on_both_sides() {
    let (ours, theirs) = (authority(), authority());
    let good = server(&ours);
    let stranger = shake(
        client_config(&ours, &client(&theirs, "eve")),
        server_config(&ours, &good),
        "localhost",
    );
    stranger.unwrap_err();
    let fake = server(&theirs);
    let trap = shake(
        client_config(&ours, &client(&ours, "alice")),
        server_config(&ours, &fake),
        "localhost",
    );
    trap.unwrap_err();
}

/// Answers every request over mutual TLS like a daemon that knows its version and nothing else.
fn responder(config: Arc<ServerConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            // A client that is refused ends its connection; the next one is served.
            drop(answer(connection.unwrap(), Arc::clone(&config)));
        }
    });
    port
}

fn answer(connection: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<()> {
    let tls = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(tls, connection);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let body = if head.starts_with(b"HEAD") {
        ""
    } else {
        VERSION
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nApi-Version: 1.50\r\nOstype: linux\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.conn.send_close_notify();
    stream.flush()
}

const VERSION: &str =
    r#"{"Version":"9.9.9","ApiVersion":"1.50","MinAPIVersion":"1.24","Os":"linux","Arch":"amd64"}"#;

fn docker(port: u16, certificates: &Path) -> std::process::Output {
    let mut docker = Command::new("docker");
    docker.args(["-H", &format!("tcp://127.0.0.1:{port}"), "--tlsverify"]);
    for (flag, name) in [
        ("--tlscacert", "ca.pem"),
        ("--tlscert", "cert.pem"),
        ("--tlskey", "key.pem"),
    ] {
        docker.arg(flag).arg(certificates.join(name));
    }
    docker.args(["version", "--format", "{{.Server.Version}}"]);
    docker
        .env_remove("DOCKER_HOST")
        .env_remove("DOCKER_CONTEXT")
        .output()
        .unwrap()
}

#[test]
fn the_docker_cli_comes_through_with_every_key_type() {
    for key_type in lockgate_pki::KeyType::NAMES {
        let bench = Bench::new();
        let key_type = key_type.parse().unwrap();
        let authority =
            Authority::create(&new_authority(key_type, 365), lockgate_pki::Clock::System).unwrap();
        let mut request = server_request("127.0.0.1");
        request.key_type = key_type;
        let server = authority.issue_server(&request).unwrap();
        let mut request = client_request("alice");
        request.key_type = key_type;
        let client = bench.put("client", &authority.issue_client(&request).unwrap());
        let port = responder(server_config(&authority, &server));
        let output = docker(port, &client);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            text.trim(),
            "9.9.9",
            "{key_type}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn the_docker_cli_is_refused_with_a_certificate_of_another_authority() {
    let bench = Bench::new();
    let (ours, theirs) = (authority(), authority());
    let port = responder(server_config(&ours, &server(&ours)));
    let stranger = bench.put("stranger", &client(&theirs, "eve"));
    std::fs::remove_file(stranger.join("ca.pem")).unwrap();
    std::fs::write(stranger.join("ca.pem"), ours.certificate_pem()).unwrap();
    let output = docker(port, &stranger);
    assert!(!output.status.success());
}

/// `openssl s_server` that demands a client certificate; killed when dropped.
struct OpensslServer {
    child: Child,
    port: u16,
}

impl OpensslServer {
    fn start(directory: PathBuf) -> Self {
        std::fs::write(directory.join("index.txt"), "through\n").unwrap();
        let mut child = Command::new("openssl")
            .args([
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-CAfile",
                "ca.pem",
                "-cert",
                "cert.pem",
            ])
            .args([
                "-key",
                "key.pem",
                "-Verify",
                "1",
                "-verify_return_error",
                "-WWW",
            ])
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = lines
            .map(Result::unwrap)
            .find(|line| line.starts_with("ACCEPT"))
            .unwrap();
        let port = told.rsplit(':').next().unwrap().parse().unwrap();
        Self { child, port }
    }
}

impl Drop for OpensslServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn curl_comes_through_to_openssl_with_its_certificate_and_not_without() {
    let bench = Bench::new();
    let authority = authority();
    let server = OpensslServer::start(bench.put("server", &server(&authority)));
    bench.put("client", &client(&authority, "alice"));
    bench.put("stranger", &client(&self::authority(), "eve"));
    let url = format!("https://127.0.0.1:{}/index.txt", server.port);
    let curl = "curl --silent --show-error --max-time 20 --cacert server/ca.pem";
    let with = |set: &str| format!("{curl} --cert {set}/cert.pem --key {set}/key.pem {url}");
    assert_eq!(bench.ok(&with("client")), "through\n");
    assert!(
        !bench.sh(&format!("{curl} {url}")).status.success(),
        "no certificate"
    );
    assert!(
        !bench.sh(&with("server")).status.success(),
        "a server's certificate"
    );
    assert!(
        !bench.sh(&with("stranger")).status.success(),
        "a stranger's certificate"
    );
}
