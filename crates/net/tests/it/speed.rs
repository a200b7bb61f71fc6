use std::time::Instant;

use lockgate_net::Protocol::Tcp;

use crate::host::{Host, assert_none, publish, publishing, request};

/// Prints what one attach and detach cost; the bound is far above it, for busy machines.
#[test]
fn attaching_takes_milliseconds() {
    let host = Host::new();
    let start = Instant::now();
    let bridge = host.bridge();
    println!("open {:?}", start.elapsed());
    for (name, request) in [
        ("no ports", &(|| request()) as &dyn Fn() -> _),
        ("one port", &|| publishing(vec![publish(80, Tcp, 0)])),
    ] {
        let (mut attach, mut detach) = (Vec::new(), Vec::new());
        for _ in 0..30 {
            let start = Instant::now();
            let endpoint = bridge.attach(&request()).unwrap();
            attach.push(start.elapsed());
            let start = Instant::now();
            assert_none(&bridge.detach(&endpoint));
            detach.push(start.elapsed());
        }
        attach.sort();
        detach.sort();
        println!(
            "{name}: attach {:?} detach {:?} (median)",
            attach[15], detach[15]
        );
        assert!(attach[15].as_millis() < 250 && detach[15].as_millis() < 250);
    }
    let start = Instant::now();
    assert_none(&bridge.close());
    println!("close {:?}", start.elapsed());
}
