//! The TLS port seen from outside: a scanner, other TLS libraries, and our own doctor, which looks
//! at a stock dockerd as well.

use std::path::PathBuf;

use lockgate_testkit::{Daemon, DaemonOptions, Dockerd, Ended, NetNs, binary, program, run};
use serde_json::{Value, json};

use crate::clients::venv::node_24;

/// An authority with a server's and a client's set.
struct Pki(tempfile::TempDir);

impl Pki {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let words = [
            "ca",
            "quick",
            "--no-passphrase",
            "--client",
            "me",
            "--san",
            "127.0.0.1",
        ];
        run(
            program(binary("lockgate"))
                .args(words)
                .arg(folder.path().join("p")),
            b"",
        )
        .ok();
        Self(folder)
    }

    fn file(&self, set: &str, name: &str) -> PathBuf {
        self.0.path().join("p").join(set).join(name)
    }

    fn lockgated(&self) -> Daemon {
        Daemon::start_with(DaemonOptions {
            args: vec!["--host=tcp://127.0.0.1:2376".to_owned()],
            config: Some(json!({
                "tlsverify": true,
                "tlscacert": self.file("server", "ca.pem"),
                "tlscert": self.file("server", "cert.pem"),
                "tlskey": self.file("server", "key.pem"),
            })),
        })
    }

    /// `lockgate doctor` in a network namespace, with nothing of this machine's files.
    fn doctor(&self, netns: &NetNs, host: &str, certificates: bool) -> (Value, Ended) {
        let empty = self.0.path().join("empty");
        std::fs::create_dir_all(&empty).unwrap();
        let mut command = netns.command(binary("lockgate"));
        command
            .args(["doctor", host, "--json", "--root"])
            .arg(&empty);
        command.env_remove("DOCKER_HOST").env("HOME", &empty);
        if certificates {
            command.env("DOCKER_TLS_VERIFY", "1");
            command.env("DOCKER_CERT_PATH", self.0.path().join("p/client-me"));
        }
        let ended = run(&mut command, b"");
        (serde_json::from_str(&ended.stdout).unwrap(), ended)
    }
}

/// The ids of errors and warnings.
fn bad(report: &Value) -> Vec<&str> {
    let found = report["findings"].as_array().unwrap().iter();
    let found = found.filter(|f| f["severity"] == "error" || f["severity"] == "warning");
    found.map(|f| f["id"].as_str().unwrap()).collect()
}

/// THREATS: TLS expectations (TLS 1.3 alone, no old versions), downgrade.
// T: tls-1.0, tls-1.2-only
#[test]
fn a_scanner_finds_tls_1_3_alone() {
    let pki = Pki::new();
    let daemon = pki.lockgated();
    let scan = run(
        daemon
            .netns()
            .command("sslscan")
            .args(["--no-colour", "127.0.0.1:2376"]),
        b"",
    );
    let text = scan.ok();
    for line in [
        "SSLv2     disabled",
        "SSLv3     disabled",
        "TLSv1.0   disabled",
        "TLSv1.1   disabled",
        "TLSv1.2   disabled",
        "TLSv1.3   enabled",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let accepted: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("Accepted") || line.starts_with("Preferred"))
        .collect();
    assert!(
        !accepted.is_empty() && accepted.iter().all(|line| line.contains("TLSv1.3")),
        "{text}"
    );
    assert!(text.contains("not vulnerable to heartbleed"), "{text}");
}

/// What testssl.sh says is wrong, which is nothing. In CI only versions and vulnerabilities by name;
/// `LOCKGATE_FULL_SCAN=1` for everything that it knows, which takes minutes.
// T: tls-1.0, tls-1.2-only
#[test]
fn testssl_finds_no_weakness() {
    let pki = Pki::new();
    let daemon = pki.lockgated();
    let report = pki.0.path().join("report.json");
    let full = std::env::var_os("LOCKGATE_FULL_SCAN").is_some();
    let mut scan = daemon.netns().command("testssl");
    scan.args([
        "--quiet",
        "--color",
        "0",
        "--warnings",
        "batch",
        "--nodns",
        "none",
    ])
    .args(["--connect-timeout", "60", "--openssl-timeout", "60"])
    .arg("--add-ca")
    .arg(pki.file("server", "ca.pem"))
    .arg("--jsonfile")
    .arg(&report);
    if !full {
        scan.args(["--protocols", "--vulnerable"]);
    }
    scan.arg("127.0.0.1:2376");
    // Its first connection is one that it breaks off itself; on a busy machine it then believes that nobody is there.
    let scanned = (0..3).map(|_| {
        drop(std::fs::remove_file(&report));
        run(&mut scan, b"")
    });
    let ended = scanned
        .into_iter()
        .find(|ended| !ended.stdout.contains("cannot connect to"))
        .expect("a connection of the scanner's");
    let text = std::fs::read_to_string(&report).unwrap_or_else(|_| panic!("{ended}"));
    let findings: Vec<Value> = serde_json::from_str(&text).unwrap();
    let of = |id: &str| {
        let found = findings.iter().find(|finding| finding["id"] == id);
        found.unwrap_or_else(|| panic!("{id}\n{ended}"))
    };
    for (id, told) in [
        ("SSLv2", "not offered"),
        ("SSLv3", "not offered"),
        ("TLS1", "not offered"),
        ("TLS1_1", "not offered"),
        ("TLS1_2", "not offered"),
        ("TLS1_3", "offered with final"),
    ] {
        let finding = of(id)["finding"].as_str().unwrap();
        assert!(finding.contains(told), "{id}: {finding}\n{ended}");
    }
    for id in [
        "heartbleed",
        "CCS",
        "ROBOT",
        "secure_client_renego",
        "CRIME_TLS",
        "POODLE_SSL",
        "FREAK",
        "DROWN",
        "LOGJAM",
        "BEAST",
        "LUCKY13",
        "RC4",
    ] {
        assert_eq!(of(id)["severity"], "OK", "{id}\n{ended}");
    }
    // About the scanner's own openssl; and our lists go to daemons without an address in certificates.
    let is_ours = |id: &Value| id != "engine_problem" && id != "cert_revocation";
    let bad: Vec<String> = findings
        .iter()
        .filter(|finding| is_ours(&finding["id"]))
        .filter(|finding| !["OK", "INFO", "DEBUG"].contains(&finding["severity"].as_str().unwrap()))
        .map(|finding| {
            format!(
                "{} {} {}",
                finding["id"], finding["severity"], finding["finding"]
            )
        })
        .collect();
    assert_eq!(bad, Vec::<String>::new(), "{ended}");
}

/// Each library makes a connection with its certificate, none without one, and none with one of a
/// namesake of our authority.
#[test]
fn other_tls_libraries_come_in_with_a_certificate_and_not_without() {
    let pki = Pki::new();
    let daemon = pki.lockgated();
    let node_program = node_24();
    let stranger = Pki::new();
    let files = |pki: &Pki| {
        ["ca.pem", "cert.pem", "key.pem"]
            .map(|name| pki.file("client-me", name).display().to_string())
    };
    let ([ca, cert, key], [other_ca, other_cert, other_key]) = (files(&pki), files(&stranger));
    let python = "import http.client, ssl, sys\n\
        c = ssl.create_default_context(cafile=sys.argv[1])\n\
        if len(sys.argv) > 2: c.load_cert_chain(sys.argv[2], sys.argv[3])\n\
        h = http.client.HTTPSConnection('127.0.0.1', 2376, context=c)\n\
        h.request('GET', '/_ping'); print(h.getresponse().read().decode())\n";
    let openssl = "exec openssl s_client -quiet -verify_return_error -verify_ip 127.0.0.1 \
        -connect 127.0.0.1:2376 -CAfile $1 ${2:+-cert $2 -key $3}";
    let curl = "exec curl -sS --cacert $1 ${2:+--cert $2 --key $3} https://127.0.0.1:2376/_ping";
    let node = "const [ca, cert, key] = process.argv.slice(1).map((f) => require('fs').readFileSync(f));\n\
        require('https').get({ host: '127.0.0.1', port: 2376, path: '/_ping', ca, cert, key },\n\
          (r) => r.on('data', (d) => console.log(d.toString())));\n";
    let docker = "exec docker -H tcp://127.0.0.1:2376 --tlsverify --tlscacert $1 ${2:+--tlscert $2 --tlskey $3} \
        version --format '{{.Server.Version}} is OK'";
    let request = b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for (name, words, stdin) in [
        ("curl", vec!["sh", "-c", curl, "sh"], &b""[..]),
        ("openssl", vec!["sh", "-c", openssl, "sh"], &request[..]),
        ("python", vec!["python3", "-c", python], &b""[..]),
        (
            "node",
            vec![node_program.to_str().unwrap(), "-e", node],
            &b""[..],
        ),
        ("Go", vec!["sh", "-c", docker, "sh"], &b""[..]),
    ] {
        let with = |files: &[&String]| {
            let mut command = daemon.netns().command(words[0]);
            command
                .args(&words[1..])
                .args(files)
                .env_remove("SSL_CERT_FILE");
            run(&mut command, stdin)
        };
        let known = with(&[&ca, &cert, &key]);
        assert!(known.stdout.contains("OK"), "{name}: {known}");
        for wrong in [
            &[&ca][..],
            // We refuse this one, and it would refuse us.
            &[&ca, &other_cert, &other_key],
            &[&other_ca, &cert, &key],
        ] {
            let refused = with(wrong);
            assert!(!refused.stdout.contains("OK"), "{name}: {refused}");
        }
    }
}

#[test]
fn the_doctor_finds_nothing_wrong_with_lockgated_and_says_what_a_client_lacks() {
    let pki = Pki::new();
    let daemon = pki.lockgated();
    let (report, ended) = pki.doctor(daemon.netns(), "tcp://127.0.0.1:2376", true);
    assert_eq!((bad(&report), ended.code()), (vec![], 0), "{report:#}");
    let (report, ended) = pki.doctor(daemon.netns(), "tcp://127.0.0.1:2376", false);
    assert_eq!(ended.code(), 1);
    assert!(
        bad(&report).contains(&"peer.http-on-tls-port"),
        "{report:#}"
    );
}

#[test]
fn the_doctor_knows_a_stock_dockerd_behind_tls() {
    let pki = Pki::new();
    let file = |name: &str| pki.file("server", name).display().to_string();
    let tls = [
        "--tlsverify".to_owned(),
        format!("--tlscacert={}", file("ca.pem")),
        format!("--tlscert={}", file("cert.pem")),
        format!("--tlskey={}", file("key.pem")),
        "--host=tcp://127.0.0.1:2376".to_owned(),
    ];
    let netns = NetNs::new("doctor");
    let path = format!("--net={}", netns.path().display());
    let args: Vec<&str> = tls.iter().map(String::as_str).collect();
    let dockerd = Dockerd::start_in(netns, &args);
    let inside = |certificates| {
        let mut command = program("nsenter");
        command.args([&path, "--"]).arg(binary("lockgate"));
        command
            .args(["doctor", "tcp://127.0.0.1:2376", "--json", "--root"])
            .arg(pki.0.path());
        command.env_remove("DOCKER_HOST").env("HOME", pki.0.path());
        if certificates {
            command.env("DOCKER_TLS_VERIFY", "1");
            command.env("DOCKER_CERT_PATH", pki.0.path().join("p/client-me"));
        }
        run(&mut command, b"")
    };
    let ended = inside(true);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (bad(&report), ended.code()),
        (vec![], 0),
        "{report:#}\n{}",
        dockerd.log()
    );
    let ended = inside(false);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(
        bad(&report).contains(&"peer.http-on-tls-port"),
        "{report:#}"
    );
}
