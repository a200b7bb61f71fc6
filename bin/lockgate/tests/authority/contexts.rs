//! `lockgate context`, side by side with docker's own client on the same folder.

use std::process::Output;

use crate::support::*;

fn bench() -> Bench {
    let bench = Bench::new();
    bench.ok("ca quick pki --no-passphrase --client alice --san h");
    bench
}

const TLS: &str = "--docker host=tcp://h:2376,ca=pki/client-alice/ca.pem,cert=pki/client-alice/cert.pem,key=pki/client-alice/key.pem";

/// docker's client with the same home.
fn docker(bench: &Bench, words: &str) -> Output {
    let command = bench.lockgate(words);
    let mut docker = std::process::Command::new("docker");
    docker.args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        docker.env(name, value.unwrap());
    }
    docker.current_dir(bench.path("")).output().unwrap()
}

/// Both clients say the same about the same folder.
fn same(bench: &Bench, words: &str) {
    let (ours, theirs) = (
        bench.lockgate(words).output().unwrap(),
        docker(bench, words),
    );
    let text = |output: &Output| {
        let text = both(output).replace("lockgate", "docker");
        (output.status.code(), text)
    };
    assert_eq!(text(&ours), text(&theirs), "{words}");
}

#[test]
fn what_one_client_writes_the_other_reads() {
    let bench = bench();
    bench.ok(&format!("context create ours --description mine {TLS}"));
    assert!(
        docker(
            &bench,
            &format!("context create theirs --description mine {TLS}")
        )
        .status
        .success()
    );
    let folder = |name: &str| {
        let hash = bench.sh(&format!("printf {name} | sha256sum | cut -c 1-64"));
        hash.trim().to_owned()
    };
    for part in ["tls", "meta"] {
        let list = |name: &str| {
            bench.sh(&format!(
                "cd .docker/contexts/{part}/{} && find . -printf '%p %m\\n' | sort && sha256sum $(find . -name '*.pem' | sort)",
                folder(name)
            ))
        };
        assert_eq!(list("ours"), list("theirs"), "{part}");
    }
    for words in [
        "context inspect ours",
        "context inspect theirs ours",
        "context ls -q",
        "context inspect nobody",
    ] {
        same(&bench, words);
    }
}

#[test]
fn archives_go_round_in_both_directions() {
    let bench = bench();
    bench.ok(&format!("context create one {TLS}"));
    bench.ok("context export one ours.tar");
    assert!(
        docker(&bench, "context export one theirs.tar")
            .status
            .success()
    );
    assert!(
        docker(&bench, "context import two ours.tar")
            .status
            .success()
    );
    bench.ok("context import three theirs.tar");
    for name in ["two", "three"] {
        let endpoint = bench.ok(&format!(
            "context inspect {name} -f {{{{.Endpoints.docker.Host}}}}"
        ));
        assert_eq!(endpoint, "tcp://h:2376\n");
        let hash = bench.sh(&format!("printf {name} | sha256sum | cut -c 1-64"));
        bench.sh(&format!(
            "for f in ca cert key; do cmp pki/client-alice/$f.pem .docker/contexts/tls/{}/docker/$f.pem; done",
            hash.trim()
        ));
    }
    let mode = bench.sh("stat -c %a ours.tar");
    assert_eq!(mode, "600\n", "it holds a key");
    let listing = "tar -tvf FILE 2>/dev/null | awk '{print $1, $NF}'";
    // GNU tar minds that docker's archive has no end; the entries are what counts.
    let list = |file: &str| bench.sh(&(listing.replace("FILE", file) + " || true"));
    assert_eq!(list("ours.tar"), list("theirs.tar"));
    assert!(
        bench
            .refused("context import four pki/server/cert.pem")
            .len()
            < 200
    );
}

#[test]
fn refusals_are_docker_s() {
    let bench = bench();
    bench.ok("context create aa --docker host=unix:///x");
    for words in [
        "context create aa --docker host=unix:///y",
        "context create default",
        "context create b/ad --docker host=unix:///y",
        "context create x",
        "context create xx --docker host=unix:///x,ca=nofile",
        "context create xx --docker bla=1",
        "context create xx --docker host=foo",
        "context create xx --from aa --docker host=unix:///y",
        "context use nobody",
        "context rm nobody",
        "context rm default",
        "context update nobody",
        "context export nobody",
        "context import default x",
        "context import xx nofile",
    ] {
        same(&bench, words);
    }
}

#[test]
fn use_changes_one_entry_of_config_json_and_rm_minds_it() {
    let bench = bench();
    bench.sh("mkdir .docker; printf '{\\n\\t\"z\": 1.0,\\n\\t\"auths\": {}\\n}\\n' > .docker/config.json");
    bench.ok("context create aa --docker host=unix:///x");
    bench.ok("context use aa");
    assert_eq!(
        bench.sh("cat .docker/config.json"),
        "{\n\t\"z\": 1.0,\n\t\"auths\": {},\n\t\"currentContext\": \"aa\"\n}\n"
    );
    same(&bench, "context show");
    same(&bench, "context rm aa");
    bench.ok("context update aa --description new --docker host=tcp://h:1");
    same(&bench, "context inspect");
    bench.ok("context rm -f aa");
    assert_eq!(
        bench.sh("cat .docker/config.json"),
        "{\n\t\"z\": 1.0,\n\t\"auths\": {}\n}\n"
    );
    bench.ok("context use default");
    same(&bench, "context show");
}
