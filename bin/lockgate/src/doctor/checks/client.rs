//! What this user's environment, contexts and certificates say.

use std::path::PathBuf;

use lockgate_pki::{CertificateInfo, CheckedSet, Purpose};

use super::set::{self, Use};
use crate::client::{Address, Endpoint};
use crate::config::ConfigFile;
use crate::doctor::finding::Pen;
use crate::doctor::world::World;

/// Checks the variables that decide which daemon is meant, and how.
pub(crate) fn variables(world: &World, config: &ConfigFile, pen: &mut Pen<'_>) {
    let verify = world.env("DOCKER_TLS_VERIFY");
    if let Some(value @ ("0" | "false" | "no" | "off")) = verify {
        pen.warn(
            "verify-counts-as-true",
            format!("DOCKER_TLS_VERIFY={value} turns verification on: any value that is not empty counts as true"),
            "unset DOCKER_TLS_VERIFY",
        );
    }
    if world.env("DOCKER_TLS").is_some() && verify.is_none() {
        pen.warn(
            "server-not-verified",
            "DOCKER_TLS without DOCKER_TLS_VERIFY: whoever answers is taken for the daemon",
            "unset DOCKER_TLS; export DOCKER_TLS_VERIFY=1",
        );
    }
    if let Some(host) = world.env("DOCKER_HOST") {
        host_variable(world, config, host, pen);
    }
    if let Some(folder) = world.env("DOCKER_CERT_PATH")
        && !PathBuf::from(folder).is_dir()
    {
        pen.error(
            "cert-path",
            format!("DOCKER_CERT_PATH={folder} is no directory"),
            "unset DOCKER_CERT_PATH",
        );
    }
    if let Some(version) = world.env("DOCKER_API_VERSION") {
        pen.note(
            "api-version",
            format!("DOCKER_API_VERSION={version}: nothing is negotiated"),
        );
    }
}

fn host_variable(world: &World, config: &ConfigFile, host: &str, pen: &mut Pen<'_>) {
    if let Some((scheme @ ("http" | "https"), rest)) = host.split_once("://") {
        pen.warn(
            "http-scheme",
            format!("DOCKER_HOST={host}: docker takes no {scheme}:// address"),
            format!("export DOCKER_HOST=tcp://{rest}"),
        );
    }
    let context = world
        .env("DOCKER_CONTEXT")
        .or(config.current_context.as_deref());
    if let Some(context) = context.filter(|name| *name != "default") {
        pen.warn(
            "context-overridden",
            format!("DOCKER_HOST={host} wins over the context {context:?}"),
            "unset DOCKER_HOST",
        );
    }
    proxy(world, host, pen);
}

/// docker's client sends TCP through a proxy that the environment names.
fn proxy(world: &World, host: &str, pen: &mut Pen<'_>) {
    let Some(rest) = host.strip_prefix("tcp://") else {
        return;
    };
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"];
    let Some(name) = names.into_iter().find(|name| world.env(name).is_some()) else {
        return;
    };
    let host = rest.split([':', '/']).next().unwrap_or(rest);
    let excluded = world
        .env("NO_PROXY")
        .or_else(|| world.env("no_proxy"))
        .unwrap_or_default();
    let is_excluded = excluded.split(',').any(|part| {
        part == "*" || host.ends_with(part.trim().trim_start_matches('*')) && !part.is_empty()
    });
    let is_local = host == "localhost" || host.starts_with("127.");
    if !is_excluded && !is_local {
        pen.warn(
            "proxy",
            format!("{name} is set: docker's client goes through the proxy to reach {host}"),
            format!("export NO_PROXY={host}${{NO_PROXY:+,$NO_PROXY}}"),
        );
    }
}

/// Checks the endpoint that was found, and its certificates.
pub(crate) fn endpoint(world: &World, endpoint: &Endpoint, pen: &mut Pen<'_>) {
    let url = &endpoint.url;
    pen.ok(
        "endpoint",
        format!("the daemon is {url}, context {}", endpoint.context),
    );
    let Address::Tcp { port, .. } = endpoint.address else {
        return;
    };
    let Some(files) = &endpoint.tls else {
        let why = if port == 2376 {
            format!("{url} is a TLS port by custom, and TLS is not asked for")
        } else {
            format!(
                "{url} is spoken to without TLS: whoever is on the way reads and changes everything"
            )
        };
        pen.error(
            "no-tls",
            why,
            "export DOCKER_TLS_VERIFY=1   # with ca.pem, cert.pem and key.pem in ~/.docker",
        );
        return;
    };
    let (Some(ca), Some(certificate), Some(key)) = (&files.ca, &files.cert, &files.key) else {
        pen.error(
            "no-certificate",
            "there is no client certificate, which a daemon with tlsverify wants",
            "lockgate cert client NAME --out ~/.docker",
        );
        return;
    };
    let name = CertificateInfo::read(certificate)
        .ok()
        .and_then(|chain| chain.into_iter().next()?.common_name);
    let names: Vec<String> = name.into_iter().collect();
    let set = CheckedSet {
        ca: ca.clone(),
        certificate: certificate.clone(),
        key: Some(key.clone()),
        purpose: Some(Purpose::Client),
        hosts: Vec::new(),
        clock: world.clock,
    };
    let usage = Use {
        names: &names,
        other_authority_may_be_meant: true,
    };
    set::check(&set, &usage, pen);
}
