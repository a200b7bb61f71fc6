//! What to do next: text to copy.

use std::path::Path;

use lockgate_pki::CertificateInfo;
use serde_json::json;

use crate::failure::Failure;
use crate::output::Output;

/// The part of daemon.json that makes a server use the set in `directory`.
pub(crate) fn server_steps(directory: &Path, out: &mut Output) -> Result<(), Failure> {
    let file = |name: &str| directory.join(name).display().to_string();
    let ca = json!(file("ca.pem"));
    let (cert, key) = (json!(file("cert.pem")), json!(file("key.pem")));
    out.line(
        "\nOn the server, /etc/lockgate/daemon.json (copy the directory there, keep its modes):",
    )?;
    out.line("  {")?;
    out.line("    \"hosts\": [\"unix:///run/lockgate/lockgate.sock\", \"tcp://0.0.0.0:2376\"],")?;
    out.line("    \"tlsverify\": true,")?;
    out.line(format!("    \"tlscacert\": {ca},"))?;
    out.line(format!("    \"tlscert\": {cert},"))?;
    out.line(format!("    \"tlskey\": {key}"))?;
    out.line("  }")?;
    Ok(())
}

/// The environment that makes `docker` and `lockgate` use the set in `directory`.
pub(crate) fn client_steps(
    directory: &Path,
    host: Option<&str>,
    out: &mut Output,
) -> Result<(), Failure> {
    let host = host.unwrap_or("SERVER");
    out.line("\nOn the client (copy the directory there, keep its modes):")?;
    out.line(format!("  export DOCKER_HOST=tcp://{host}:2376"))?;
    out.line("  export DOCKER_TLS_VERIFY=1")?;
    out.line(format!("  export DOCKER_CERT_PATH={}", quoted(directory)))?;
    out.line("  docker version")?;
    Ok(())
}

/// The name that clients most likely use: the first one that is not a loopback name.
pub(super) fn host(server: &CertificateInfo) -> Option<String> {
    let name = server.dns_names.iter().find(|name| *name != "localhost");
    let address = server
        .ip_addresses
        .iter()
        .find(|address| !address.is_loopback());
    let address = address.map(|address| match address {
        std::net::IpAddr::V4(v4) => v4.to_string(),
        std::net::IpAddr::V6(v6) => format!("[{v6}]"),
    });
    name.cloned().or(address)
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
