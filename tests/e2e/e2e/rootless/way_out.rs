//! The programs that lead out, and the process that holds it all: what happens without them, and when they end.

use lockgate_testkit::{eventually, program, run};

use super::lab::{Host, Kind, ROUTE};
use super::network::{fetch, serve};

/// The programs themselves, without the process above each that ends with the holder.
fn ways(host: &Host) -> Vec<i32> {
    let leashes = host.processes("leash");
    let mut all = host.processes("run/netns/lockgate");
    all.retain(|pid| !leashes.contains(pid));
    all
}

fn kill(pid: i32) {
    run(program("kill").args(["-9", &pid.to_string()]), b"").ok();
}

/// Whether a container in the user's network sees a default route.
fn leads_out(host: &Host) -> bool {
    let routes = host.docker(&["run", "--rm", "--network=host", "busybox", "ip", "route"]);
    routes.ok().contains("default")
}

#[test]
fn slirp4netns_is_as_good_as_pasta_and_one_of_them_must_be_there() {
    let host = Host::with_daemon(&Kind {
        ways: &["slirp4netns"],
        ..Kind::default()
    });
    serve(&host);
    let none = Host::new(&Kind {
        ways: &[],
        ..Kind::default()
    });
    let refused = none.refused(&[]);
    refused.failed_with(
        1,
        "pasta (Debian: passt) or slirp4netns (Debian: slirp4netns)",
    );
}

#[test]
fn where_pasta_fails_slirp4netns_leads_out_and_without_it_the_reason_is_told() {
    let host = Host::with_daemon(&Kind {
        ways: &["slirp4netns"],
        broken: &["pasta"],
        ..Kind::default()
    });
    host.load_busybox();
    assert!(leads_out(&host));
    assert!(!host.log().contains("NO NETWORK TO THE OUTSIDE"));
    let alone = Host::new(&Kind {
        ways: &[],
        broken: &["pasta"],
        ..Kind::default()
    });
    let refused = alone.refused(&[]);
    refused.failed_with(
        1,
        "no way out of the network namespace: pasta: it ended with",
    );
    assert!(alone.processes("hold").is_empty());
}

/// A laptop that is switched on before its network is there.
#[test]
fn a_host_without_a_way_out_has_containers_and_gets_one_later() {
    let host = Host::with_daemon(&Kind {
        has_route: false,
        ..Kind::default()
    });
    let log = host.log();
    assert!(log.contains("NO NETWORK TO THE OUTSIDE YET"), "{log}");
    assert!(log.contains("the host has no default route"), "{log}");
    serve(&host);
    assert!(!leads_out(&host));
    run(host.root("sh").args(["-c", ROUTE]), b"").ok();
    eventually("a way out", || leads_out(&host).then_some(()));
}

#[test]
fn the_way_out_is_opened_again_when_it_closes() {
    let host = Host::with_daemon(&Kind::default());
    host.load_busybox();
    // For a moment it is two, or what it was before it was executed.
    let one = |what: &str, other: &[i32]| {
        eventually(what, || {
            let now = ways(&host);
            (now.len() == 1 && now != other).then_some(now)
        })
    };
    let found = one("one pasta", &[]);
    kill(found[0]);
    one("another pasta", &found);
    eventually("a way out", || leads_out(&host).then_some(()));
    let new = one("only that", &found);
    assert!(leads_out(&host));
    assert_eq!(ways(&host), new, "it stays");
}

/// Whoever kills the holder takes the network from the daemon: it says so and ends, and the next one finds the
/// containers where they are.
#[test]
fn containers_outlive_the_holder_and_the_next_daemon_mends_their_network() {
    let mut host = Host::with_daemon(&Kind::default());
    serve(&host);
    for round in ["the holder alone", "with the daemon"] {
        let holder = host.processes("rootless.sock")[0];
        if round == "with the daemon" {
            host.kill();
            kill(holder);
        } else {
            kill(holder);
            host.fails();
            let log = host.log();
            assert!(log.contains("start the daemon again"), "{log}");
        }
        // One is told to end by the other.
        eventually("what led out ends with it", || {
            (host.processes("leash").is_empty() && ways(&host).is_empty()).then_some(())
        });
        host.start(&[]);
        assert!(host.log().contains("another holds those of its containers"));
        eventually("the page is served again", || {
            (fetch(&host, "127.0.0.1:8088") == "page\n").then_some(())
        });
        let page = host.docker(&["exec", "web", "cat", "/tmp/index.html"]);
        assert_eq!(page.ok(), "page", "{round}");
        let by_name = [
            "run",
            "--rm",
            "--network=net",
            "busybox",
            "wget",
            "-qO-",
            "http://web/",
        ];
        assert_eq!(host.docker(&by_name).ok(), "page", "{round}");
        assert!(leads_out(&host), "{round}");
    }
    host.docker(&["rm", "--force", "web"]).ok();
    host.stop();
    eventually("nothing is left", || {
        host.processes("lockgate-").is_empty().then_some(())
    });
}
