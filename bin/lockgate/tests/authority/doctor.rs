//! `lockgate doctor` on files: every mistake of the usual tutorials, by its id.

use serde_json::Value;

use crate::support::*;

/// A machine of files: dockerd behind TLS, and nothing wrong with it.
pub(crate) struct Machine(pub(crate) Bench);

pub(crate) const UNIT: &str = "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n";

impl Machine {
    pub(crate) fn new() -> Self {
        let machine = Self(Bench::new());
        let bench = &machine.0;
        bench.ok(
            "ca quick pki --no-passphrase --client alice --san build.example.org --san 10.1.2.3",
        );
        bench.sh("mkdir -p m/etc/docker m/lib/systemd/system m/run .docker
                  cp -p pki/server/*.pem m/etc/docker; cp -p pki/client-alice/*.pem .docker");
        machine.write(
            "lib/systemd/system/docker.service",
            "[Service]\nExecStart=/usr/bin/dockerd\n",
        );
        machine.hosts(r#""fd://", "tcp://10.1.2.3:2376""#);
        machine.write(
            "lib/systemd/system/docker.socket",
            "[Socket]\nSocketMode=0660\n",
        );
        machine
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.0.path("m").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// `daemon.json` with these hosts and all of TLS.
    fn hosts(&self, hosts: &str) {
        let json = format!(
            r#"{{"hosts": [{hosts}], "tlsverify": true, "tlscacert": "/etc/docker/ca.pem",
                "tlscert": "/etc/docker/cert.pem", "tlskey": "/etc/docker/key.pem"}}"#
        );
        self.write("etc/docker/daemon.json", &json);
    }

    /// What the doctor says, with variables of the environment; and its exit status.
    fn look(&self, environment: &[(&str, &str)]) -> (Value, i32) {
        let output = self
            .0
            .lockgate("doctor --files-only --json --root m")
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let report: Option<Value> = serde_json::from_slice(&output.stdout).ok();
        assert!(report.is_some(), "{}", both(&output));
        (report.unwrap(), output.status.code().unwrap())
    }

    /// The one finding with this id, an error or warning: its cause and its fix.
    fn finds(&self, id: &str, environment: &[(&str, &str)]) -> String {
        let (report, status) = self.look(environment);
        let found: Vec<&Value> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|found| found["id"] == id)
            .collect();
        assert_eq!(found.len(), 1, "{id}: {report:#}");
        let found = found[0];
        let wanted = if found["severity"] == "error" { 1 } else { 2 };
        assert!(status <= wanted && status > 0, "{status} {report:#}");
        format!(
            "{}\n{}",
            found["cause"].as_str().unwrap(),
            found["fix"].as_str().unwrap()
        )
    }
}

const CLIENT: &[(&str, &str)] = &[
    ("DOCKER_HOST", "tcp://10.1.2.3:2376"),
    ("DOCKER_TLS_VERIFY", "1"),
];

#[test]
fn a_healthy_machine_has_status_0() {
    let machine = Machine::new();
    let (report, status) = machine.look(CLIENT);
    assert_eq!(status, 0, "{report:#}");
    assert_eq!(
        (&report["errors"], &report["warnings"]),
        (&0.into(), &0.into())
    );
    let text = machine.0.ok("doctor --files-only --root m");
    assert!(text.ends_with("0 errors, 0 warnings\n"), "{text}");
}

#[test]
fn hosts_in_the_unit_and_in_the_file() {
    let machine = Machine::new();
    machine.write("lib/systemd/system/docker.service", UNIT);
    let told = machine.finds("daemon.flag-and-file", CLIENT);
    assert!(told.contains("dockerd does not start"), "{told}");
    assert!(told.contains("lockgate dockerd configure"), "{told}");
    // A drop-in that forgets to empty the list first makes it worse.
    machine.write(
        "etc/systemd/system/docker.service.d/override.conf",
        "[Service]\nExecStart=/usr/bin/dockerd\n",
    );
    assert!(
        machine
            .finds("daemon.two-starts", CLIENT)
            .contains("override.conf")
    );
}

#[test]
fn a_certificate_with_a_common_name_alone() {
    let machine = Machine::new();
    machine.0.sh("cd m/etc/docker && openssl req -new -key key.pem -subj /CN=build.example.org |
        openssl x509 -req -CA ../../../pki/ca/ca.pem -CAkey ../../../pki/ca/ca-key.pem -CAcreateserial -days 30 \
          -extfile /dev/fd/3 -out c 3<<X
extendedKeyUsage=serverAuth
X
        mv c cert.pem");
    let told = machine.finds("daemon.cn-only", CLIENT);
    assert!(
        told.contains("lockgate cert server --san 10.1.2.3"),
        "{told}"
    );
}

#[test]
fn an_address_that_the_certificate_lacks() {
    let machine = Machine::new();
    machine.hosts(r#""tcp://10.9.9.9:2376""#);
    let told = machine.finds("daemon.missing-san", CLIENT);
    assert!(
        told.contains("10.9.9.9") && told.contains("--san 10.9.9.9"),
        "{told}"
    );
}

#[test]
fn a_client_certificate_on_the_server_and_the_other_way_round() {
    let machine = Machine::new();
    machine
        .0
        .sh("cp -fp pki/client-alice/*.pem m/etc/docker; cp -fp pki/server/*.pem .docker");
    assert!(
        machine
            .finds("daemon.wrong-eku", CLIENT)
            .contains("serverAuth")
    );
    assert!(
        machine
            .finds("client.wrong-eku", CLIENT)
            .contains("cert client")
    );
}

#[test]
fn swapped_files() {
    let machine = Machine::new();
    machine.0.sh("cd m/etc/docker; mv key.pem x; mv cert.pem key.pem; mv x cert.pem; chmod 400 cert.pem key.pem");
    let told = machine.finds("daemon.swapped-files", CLIENT);
    let command = told.lines().nth(1).unwrap();
    machine.0.sh(command);
    assert_eq!(machine.look(CLIENT).1, 0, "the fix mends it: {command}");
}

#[test]
fn an_expired_authority() {
    let machine = Machine::new();
    // openssl 3.0 cannot date a certificate back.
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let old = params
        .self_signed(&rcgen::KeyPair::generate().unwrap())
        .unwrap();
    machine.0.sh("rm m/etc/docker/ca.pem");
    machine.write("etc/docker/ca.pem", &old.pem());
    let told = machine.finds("daemon.ca-expired", CLIENT);
    assert!(told.contains("expired at 2020"), "{told}");
}

#[test]
fn a_key_that_others_can_read() {
    let machine = Machine::new();
    machine
        .0
        .sh("chmod 0644 m/etc/docker/key.pem .docker/key.pem");
    for id in [
        "daemon.key-readable-by-others",
        "client.key-readable-by-others",
    ] {
        let told = machine.finds(id, CLIENT);
        machine.0.sh(told.lines().nth(1).unwrap());
    }
    assert_eq!(machine.look(CLIENT).1, 0);
}

#[test]
fn a_certificate_of_another_authority_and_another_key() {
    let machine = Machine::new();
    machine
        .0
        .ok("ca quick other --no-passphrase --client bob --san x");
    machine.0.sh("cp -f other/ca/ca.pem m/etc/docker/ca.pem; cp -fp other/client-bob/key.pem .docker/key.pem");
    machine.finds("daemon.wrong-ca", CLIENT);
    assert!(
        machine
            .finds("client.key-mismatch", CLIENT)
            .contains("cert client alice")
    );
}

#[test]
fn sockets_and_files_that_others_can_write() {
    let machine = Machine::new();
    machine.write("run/docker.sock", "");
    machine
        .0
        .sh("chmod 0666 m/run/docker.sock; chmod 0666 m/etc/docker/daemon.json");
    let told = machine.finds("daemon.socket-world-writable", CLIENT);
    machine.0.sh(told.lines().nth(1).unwrap());
    let told = machine.finds("daemon.config-writable-by-others", CLIENT);
    machine.0.sh(told.lines().nth(1).unwrap());
    assert_eq!(machine.look(CLIENT).1, 0);
    machine.write(
        "lib/systemd/system/docker.socket",
        "[Socket]\nSocketMode=0666\n",
    );
    machine.finds("daemon.socket-unit-world-writable", CLIENT);
}

#[test]
fn tcp_without_tls_and_tls_without_a_client_certificate() {
    let machine = Machine::new();
    machine.write(
        "etc/docker/daemon.json",
        r#"{"hosts": ["tcp://0.0.0.0:2375"]}"#,
    );
    let told = machine.finds("daemon.tcp-without-tls", CLIENT);
    assert!(
        told.contains("is root") && told.contains("0.0.0.0:2376"),
        "{told}"
    );
    machine.write(
        "etc/docker/daemon.json",
        r#"{"hosts": ["tcp://0.0.0.0:2376"], "tls": true}"#,
    );
    machine.finds("daemon.no-client-certificate", CLIENT);
    let plain = [("DOCKER_HOST", "tcp://10.1.2.3:2376")];
    assert!(
        machine
            .finds("client.no-tls", &plain)
            .contains("DOCKER_TLS_VERIFY=1")
    );
}

#[test]
fn keys_that_dockerd_does_not_start_with() {
    let machine = Machine::new();
    for (json, id, wanted) in [
        ("{\"hosts\": [", "daemon.config-syntax", "--validate"),
        (
            "{\"insecure-registry\": []}",
            "daemon.unknown-key",
            "insecure-registries",
        ),
        (
            "{\"hosts\": \"fd://\"}",
            "daemon.wrong-type",
            "a list of texts",
        ),
    ] {
        machine.write("etc/docker/daemon.json", json);
        let told = machine.finds(id, CLIENT);
        assert!(told.contains(wanted), "{told}");
    }
}

#[test]
fn variables_that_do_not_mean_what_they_say() {
    let machine = Machine::new();
    let with = |more: &[(&'static str, &'static str)]| {
        let mut all = CLIENT.to_vec();
        all.extend(more);
        all
    };
    for (variables, id) in [
        (
            with(&[("DOCKER_TLS_VERIFY", "0")]),
            "client.verify-counts-as-true",
        ),
        (
            with(&[("DOCKER_CERT_PATH", "/nonexistent")]),
            "client.cert-path",
        ),
        (
            with(&[("DOCKER_CONTEXT", "prod")]),
            "client.context-overridden",
        ),
        (
            with(&[("HTTPS_PROXY", "http://proxy:3128")]),
            "client.proxy",
        ),
        (
            with(&[("DOCKER_HOST", "https://10.1.2.3:2376")]),
            "client.http-scheme",
        ),
        (
            vec![("DOCKER_HOST", "tcp://10.1.2.3:2376"), ("DOCKER_TLS", "1")],
            "client.server-not-verified",
        ),
        (vec![("DOCKER_CONTEXT", "prod")], "client.no-endpoint"),
    ] {
        machine.finds(id, &variables);
    }
}

#[test]
fn a_file_that_is_newer_than_the_process() {
    let machine = Machine::new();
    machine.write("run/docker.pid", "77");
    machine.write("proc/77/cmdline", "/usr/bin/dockerd\0");
    machine.0.sh("touch -d '1 hour ago' m/run/docker.pid");
    let told = machine.look(CLIENT).0.to_string();
    assert!(told.contains("daemon.restart-needed") && told.contains("systemctl restart docker"));
}

#[test]
fn the_benchmark_s_items_follow_owners_and_modes() {
    let machine = Machine::new();
    machine
        .0
        .sh("chmod 0755 m/etc/docker; chmod 0644 m/etc/docker/daemon.json m/lib/systemd/system/*");
    let items = |machine: &Machine| -> Vec<(String, String, String)> {
        let output = machine
            .0
            .lockgate("doctor --cis --json --root m")
            .output()
            .unwrap();
        let items: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = items.as_array().unwrap().iter();
        all.map(|i| (text(&i["id"]), text(&i["verdict"]), text(&i["fix"])))
            .collect()
    };
    let verdict = |machine: &Machine, id: &str| {
        items(machine)
            .into_iter()
            .find(|item| item.0 == id)
            .unwrap()
    };
    for id in [
        "2.7", "3.1", "3.2", "3.4", "3.6", "3.9", "3.10", "3.12", "3.13", "3.14", "3.17", "3.18",
    ] {
        assert_eq!(verdict(&machine, id).1, "pass", "{id}");
    }
    assert_eq!(verdict(&machine, "3.16").1, "absent");
    machine.0.sh("chmod 0600 m/etc/docker/key.pem; chown 7 m/etc/docker/ca.pem; chmod 0664 m/etc/docker/daemon.json");
    for id in ["3.14", "3.9", "3.18"] {
        let (_, found, fix) = verdict(&machine, id);
        assert_eq!(found, "fail", "{id}");
        machine.0.sh(&fix);
        assert_eq!(verdict(&machine, id).1, "pass", "{id}: {fix}");
    }
}
