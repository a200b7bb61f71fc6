//! A new root while everybody goes on working.

use lockgate_pki::{Clock, Invited, Protection, Revocations};
use lockgate_types::Timestamp;

use crate::support::{Lab, eventually, pem, root};

#[tokio::test(flavor = "multi_thread")]
async fn clients_move_first_servers_follow_and_the_old_root_goes_last() {
    let lab = Lab::new().await;
    let server = || Invited::Server {
        names: vec!["daemon".to_owned()],
    };
    let (alice, daemon) = (
        lab.member(Lab::client("alice")).await,
        lab.member(server()).await,
    );
    let old = lab.opened();
    lab.directory
        .rotate(
            &root("Lab CA 2"),
            &Protection::Plain,
            &old.issuing,
            Clock::System,
        )
        .unwrap();
    let is_of = |member: &crate::support::Member, name: &str| member.info().issuer.contains(name);

    // Served by a state that knows both: whoever renews is told to trust both.
    let mut moved = lab.renew(&alice).await.unwrap();
    for _ in 0..200 {
        if pem(&moved.granted.ca).len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        moved = lab.renew(&alice).await.unwrap();
    }
    assert!(is_of(&moved, "Lab CA 2"));
    assert_eq!(pem(&moved.granted.ca).len(), 2);
    let lists = Revocations::parse(
        moved.granted.crl.as_bytes(),
        "both".as_ref(),
        &pem(&moved.granted.ca),
        0,
        Timestamp::now(),
    );
    assert_eq!(lists.unwrap().lists().len(), 2, "a list of each root");

    // The daemon may follow now: no client is left that knows the old root alone.
    let state = lab.directory.rotation(Timestamp::now()).unwrap().unwrap();
    assert!(state.clients.is_empty(), "{state:?}");
    assert!(state.servers.iter().any(|line| line.identity() == "daemon"));
    let daemon = lab.renew(&daemon).await.unwrap();
    assert!(is_of(&daemon, "Lab CA 2"));

    // The service's own certificate moves by itself.
    eventually("nobody on the old root", || {
        let state = lab.directory.rotation(Timestamp::now()).unwrap();
        state.unwrap().is_done()
    })
    .await;
    lab.directory.retire(Timestamp::now()).unwrap();
    assert_eq!(lab.directory.rotation(Timestamp::now()).unwrap(), None);
    let key = lab.directory.path().join("previous");
    assert!(!key.exists(), "the old key is gone");

    // Whoever did not move is out, whoever moved is not.
    let start = std::time::Instant::now();
    let refused = loop {
        match lab.renew(&alice).await {
            Err(error) => break error.to_string(),
            Ok(_still_served) => assert!(start.elapsed().as_secs() < 20),
        }
    };
    assert!(
        refused.contains("no CA that we trust") || refused.contains("another authority"),
        "{refused}"
    );
    while pem(&lab.renew(&moved).await.unwrap().granted.ca).len() != 1 {
        assert!(
            start.elapsed().as_secs() < 20,
            "the old root is still handed out"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_client_knows_the_old_root_alone_servers_stay_on_it() {
    let lab = Lab::new().await;
    let _alice = lab.member(Lab::client("alice")).await;
    let old = lab.opened();
    lab.directory
        .rotate(
            &root("Lab CA 2"),
            &Protection::Plain,
            &old.issuing,
            Clock::System,
        )
        .unwrap();
    let names = vec!["daemon".to_owned()];
    let daemon = lab.member(Invited::Server { names }).await;
    assert!(
        !daemon.info().issuer.contains("Lab CA 2"),
        "{}",
        daemon.info().issuer
    );
    let second = lab
        .directory
        .rotate(
            &root("Lab CA 3"),
            &Protection::Plain,
            &old.issuing,
            Clock::System,
        )
        .unwrap_err();
    assert!(second.to_string().contains("under way"), "{second}");
}
