//! Sockets: what is refused, replaced and cleaned up.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use lockgate_access::{Access, AuditLog, Policy, SocketOwners};
use lockgate_gate::{Gate, GateConfig, Host, Limits, SocketGroup};

fn bind(directory: &Path, host: &str, insecure: bool, group: SocketGroup) -> Result<Gate, String> {
    // One for each: two doors do not write to one trail.
    let trail = tempfile::tempdir_in(directory).unwrap();
    let audit = AuditLog::open(&trail.path().join("audit.log")).unwrap();
    let access = Access::new(Policy::absent(), SocketOwners::default(), audit);
    let config = GateConfig {
        hosts: vec![host.parse::<Host>().unwrap()],
        opened: Vec::new(),
        tls: None,
        insecure_loopback: insecure,
        group,
        limits: Limits::default(),
        version: String::new(),
        metrics: None,
        tracer: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // The sockets live on without the runtime, which these tests do not need.
    let _inside = runtime.enter();
    Gate::bind(config, Arc::new(access)).map_err(|error| error.to_string())
}

fn nobody() -> SocketGroup {
    SocketGroup::IfExists("no-such-group".to_owned())
}

#[test]
fn tcp_without_tls_is_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    for host in ["tcp://0.0.0.0:0", "tcp://127.0.0.1:0", "tcp://[::]:0"] {
        let error = bind(dir.path(), host, false, nobody()).unwrap_err();
        assert!(
            error.contains("--tlsverify") && error.contains("lockgate ca quick"),
            "{error}"
        );
    }
    let error = bind(dir.path(), "tcp://0.0.0.0:0", true, nobody()).unwrap_err();
    assert!(error.contains("127.0.0.1 and ::1"), "{error}");
    bind(dir.path(), "tcp://127.0.0.1:0", true, nobody()).unwrap();
}

#[test]
fn the_socket_has_its_mode_and_group_and_goes_with_the_door() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run/sock");
    let host = format!("unix://{}", path.display());
    let gate = bind(
        dir.path(),
        &host,
        false,
        SocketGroup::Named("1234".to_owned()),
    )
    .unwrap();
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o660);
    assert_eq!(std::os::unix::fs::MetadataExt::gid(&metadata), 1234);
    let busy = bind(dir.path(), &host, false, nobody()).unwrap_err();
    assert!(busy.contains("in use"), "{busy}");
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1
    );
    drop(gate);
    assert!(!path.exists());
}

#[test]
fn a_stale_socket_is_replaced_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sock");
    let host = format!("unix://{}", path.display());
    drop(UnixListener::bind(&path).unwrap());
    drop(bind(dir.path(), &host, false, nobody()).unwrap());
    std::fs::write(&path, "precious").unwrap();
    let error = bind(dir.path(), &host, false, nobody()).unwrap_err();
    assert!(error.contains("no socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn a_group_that_was_named_must_exist() {
    let dir = tempfile::tempdir().unwrap();
    let host = format!("unix://{}", dir.path().join("sock").display());
    let group = SocketGroup::Named("no-such-group".to_owned());
    let error = bind(dir.path(), &host, false, group).unwrap_err();
    assert!(error.contains("groupadd no-such-group"), "{error}");
}

#[test]
fn descriptors_that_nobody_handed_over_are_missed() {
    let dir = tempfile::tempdir().unwrap();
    let error = bind(dir.path(), "fd://", false, nobody()).unwrap_err();
    assert!(error.contains("no sockets were handed over"), "{error}");
}
