//! A role that comes with an invitation, and a root that nobody needs to have at hand.

use std::fs;

use lockgate_testkit::eventually;
use serde_json::json;

use crate::identity::{
    PASSPHRASE, daemon, daemon_with, invite, join_server, serve, serve_authority,
};
use crate::lab::Lab;

/// What a deployer may, and what not, whatever certificate it has at the moment.
fn is_a_deployer(lab: &Lab) {
    let name = "docker --context dora run -d --name box busybox sleep 600";
    lab.shell(1, &[], name).ok();
    lab.shell(1, &[], "docker --context dora ps -q").ok();
    for (refused, operation) in [
        ("exec box true", "ContainerExec"),
        ("run -v /:/host busybox true", "ContainerCreate"),
        ("image prune -f", "ImagePrune"),
    ] {
        let said = lab.shell(1, &[], &format!("docker --context dora {refused}"));
        assert_ne!(said.code(), 0, "{refused}: {said}");
        let text = format!("{}{}", said.stdout, said.stderr);
        assert!(text.contains("access denied"), "{said}");
        assert!(text.contains("dora with role deployer"), "{said}");
        assert!(text.contains(operation), "{said}");
    }
    lab.shell(1, &[], "docker --context dora rm -f box").ok();
}

#[test]
fn an_invited_deployer_deploys_and_nothing_else_also_after_a_renewal() {
    let mut lab = Lab::new();
    let _authority = serve_authority(&lab);
    join_server(&lab);
    // Without a policy file, where everybody else is admin.
    let daemon = daemon(&mut lab);
    daemon.load_busybox();
    let unknown = lab.shell(2, &[], "lockgate invite client dora --role chef --ca ca");
    unknown.failed_with(1, "there is no role `chef` in the built-in roles, only admin, builder, deployer, operator, viewer");
    let token = invite(&lab, "client dora --role deployer");
    let join = format!("lockgate join {token} --pki pki --context-name dora");
    lab.shell(1, &[], &join).ok();
    is_a_deployer(&lab);
    let old = fs::read(lab.folder(1).join("pki/client-dora/cert.pem")).unwrap();
    lab.shell(1, &[], "lockgate renew --force pki/client-dora")
        .ok();
    assert_ne!(
        old,
        fs::read(lab.folder(1).join("pki/client-dora/cert.pem")).unwrap()
    );
    is_a_deployer(&lab);
    let audit = fs::read_to_string(daemon.path("data/audit.log")).unwrap();
    assert!(
        audit.contains("\"roles\":[\"deployer\"]"),
        "the record says what was carried"
    );
    let list = lab.shell(
        2,
        &[],
        "lockgate cert list --identity dora --format json --ca ca",
    );
    assert!(
        list.ok()
            .lines()
            .all(|line| line.contains("\"role\":\"deployer\"")),
        "{list}"
    );
}

#[test]
fn a_policy_knows_the_roles_that_invitations_name_and_believes_those_it_wants_to() {
    let mut lab = Lab::new();
    let _authority = serve_authority(&lab);
    join_server(&lab);
    let policy = lab.folder(3).join("policy.toml");
    fs::write(&policy, "[roles.look]\nallow = [\"container.read\"]\n").unwrap();
    let daemon = daemon_with(&mut lab, &json!({ "policy": policy }));
    fs::copy(&policy, lab.folder(2).join("policy.toml")).unwrap();
    let token = invite(&lab, "client lea --role look --policy policy.toml");
    let join = format!("lockgate join {token} --pki pki --context-name lea");
    lab.shell(1, &[], &join).ok();
    lab.shell(1, &[], "docker --context lea ps").ok();
    let said = lab.shell(1, &[], "docker --context lea images");
    assert_ne!(said.code(), 0, "{said}");

    // `lockgate reload` after the file changed: the daemon believes no role any more.
    fs::write(&policy, "certificate_roles = []\n").unwrap();
    let pidfile = daemon.path("pid");
    let reload = format!("lockgate reload --pidfile {}", pidfile.display());
    let told = lab.shell(1, &[], &reload);
    assert!(told.ok().contains("reads its files again"), "{told}");
    eventually("the role is not believed", || {
        let said = lab.shell(1, &[], "docker --context lea ps");
        said.stderr.contains("no role that allows").then_some(())
    });
    let stopped = lab.shell(
        2,
        &[],
        "cp policy.toml p2 && echo 'certificate_roles = []' | cat - p2 > p3; \
         lockgate invite client leo --role look --policy p3 --ca ca",
    );
    stopped.failed_with(1, "certificate_roles does not name `look`");
    let gone = lab.shell(1, &[], "lockgate reload --pidfile /nonexistent");
    gone.failed_with(1, "cannot read /nonexistent");
}

#[test]
fn with_an_offline_root_daemons_and_clients_know_the_root_alone() {
    let mut lab = Lab::new();
    let init = "lockgate ca init --out ca --offline-root safe --name Lab";
    lab.shell(2, &[PASSPHRASE], init).ok();
    lab.shell(2, &[], "mv safe away").ok();
    let _authority = serve(&lab);
    join_server(&lab);
    let daemon = daemon(&mut lab);
    let join = |lab: &Lab, name: &str| {
        let token = invite(lab, &format!("client {name}"));
        let join = format!("lockgate join {token} --pki pki --context-name {name}");
        lab.shell(1, &[], &join).ok();
    };
    join(&lab, "anna");
    for client in ["docker", "lockgate"] {
        lab.shell(1, &[], &format!("{client} --context anna ps"))
            .ok();
    }
    // A new issuing authority: daemon and clients of both go on, nobody has to learn of it.
    lab.shell(
        2,
        &[PASSPHRASE],
        "lockgate ca reissue --ca ca --offline-root away",
    )
    .ok();
    eventually("the service issues with it", || {
        lab.shell(1, &[], "lockgate renew --force pki/client-anna")
            .ok();
        let issuer = "openssl x509 -in pki/client-anna/cert.pem -noout -issuer";
        lab.shell(1, &[], issuer)
            .ok()
            .contains("Issuing 2")
            .then_some(())
    });
    join(&lab, "bert");
    for name in ["anna", "bert"] {
        eventually("the daemon knows the new list", || {
            let said = lab.shell(1, &[], &format!("docker --context {name} ps"));
            (said.code() == 0).then_some(())
        });
    }
    let root = lab.shell(1, &[], "cat pki/client-bert/ca.pem | grep -c BEGIN");
    assert_eq!(root.ok(), "1");
    let revoke = "lockgate cert revoke bert --ca ca";
    lab.shell(2, &[PASSPHRASE], revoke).ok();
    eventually("bert is out", || {
        let said = lab.shell(1, &[], "docker --context bert ps");
        (said.code() != 0).then_some(())
    });
    lab.shell(1, &[], "docker --context anna ps").ok();
    // The root takes the issuing authority back, and with it everybody below.
    let serial = "openssl x509 -in ca/issuer.pem -noout -serial | cut -d= -f2";
    let serial = lab.shell(2, &[], serial).ok().to_owned();
    let revoke = format!("lockgate ca root-crl --ca ca --offline-root away --revoke {serial}");
    lab.shell(2, &[PASSPHRASE], &revoke).ok();
    eventually("nobody below is believed", || {
        let said = lab.shell(1, &[], "docker --context anna ps");
        (said.code() != 0).then_some(())
    });
    eventually("the log says why", || {
        daemon.log().contains("revoked_certificate").then_some(())
    });
}
