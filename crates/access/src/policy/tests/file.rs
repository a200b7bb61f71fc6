//! Files that mean nothing.

use super::*;

fn refused(text: &str) -> String {
    let error = Policy::parse(text).unwrap_err();
    let cause = std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default();
    format!("{error} {cause}")
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_place() {
    let unknown = refused("[[bindings]]\nroles = [\"admin\"]\ncommon-name = \"alice\"\n");
    assert!(
        unknown.contains("line 3") && unknown.contains("common-name"),
        "{unknown}"
    );
    for (text, expected) in [
        ("[[binding]]\n", "binding"),
        ("[roles.admin]\nallow = [\"*\"]\n", "built in"),
        (
            "[roles.x]\nallow = [\"ContainerCreat\"]\n",
            "ContainerCreat",
        ),
        ("[[bindings]]\nroles = [\"nope\"]\nuid = 1\n", "`nope`"),
        (
            "[[bindings]]\nroles = [\"admin\"]\n",
            "at least one condition",
        ),
        ("[[bindings]]\nuid = 1\n", "at least one condition"),
        (
            "[[bindings]]\nroles = [\"admin\"]\ncommon_name = \" \"\n",
            "common_name",
        ),
        (
            "[[bindings]]\nroles = [\"admin\"]\nserial = \"xyz\"\n",
            "serial",
        ),
        (
            "[[bindings]]\nroles = [\"admin\"]\nloopback = false\n",
            "loopback",
        ),
        ("[[bindings]]\nroles = [\"admin\"]\nuid = -1\n", "uid"),
        ("[roles.x]\nallow = \"*\"\n", "allow"),
        ("nonsense", "invalid"),
    ] {
        let error = refused(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_mistake_is_named_with_line_and_column() {
    for (text, place) in [
        (
            "[roles.x]\nallow = [\"container.read\", \"nope\"]\n",
            "line 2, column 28",
        ),
        (
            "[[bindings]]\nuid = 1\nroles = [\"nope\"]\n",
            "line 3, column 10",
        ),
        (
            "[roles.x.host]\npaths = [\"relative\"]\n",
            "line 2, column 10",
        ),
        (
            "[roles.x.host]\npaths = [\"/a/../b\"]\n",
            "line 2, column 10",
        ),
        (
            "[roles.x.only]\npublished_ports = [\"x\"]\n",
            "line 2, column 20",
        ),
        ("[roles.x.only]\nmemory = \"much\"\n", "line 2, column 10"),
        ("[roles.x]\nalow = []\n", "line 2, column 1"),
        ("[roles.x.limits]\nstreams = -1\n", "line 2, column 11"),
        (
            "[[tests]]\nwho = { uid = 1 }\ndoes = \"ps\"\nexpect = \"maybe\"\n",
            "line 4, column 10",
        ),
    ] {
        let error = refused(text);
        assert!(error.contains(place), "{text}: {error}");
    }
}

/// THREATS, Policy failure: a file that is lost while the daemon runs opens no door.
#[test]
fn a_file_is_believed_from_its_own_place_and_never_lost() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.toml");
    let told = |error: PolicyError| error.to_string();
    assert!(Policy::load(&path).unwrap().is_absent());
    symlink(dir.path().join("nowhere"), &path).unwrap();
    assert!(matches!(Policy::load(&path), Err(PolicyError::Read(_))));
    fs::remove_file(&path).unwrap();

    fs::write(&path, "\n").unwrap();
    assert!(told(Policy::load(&path).unwrap_err()).contains("`bindings = []`"));
    fs::write(&path, "bindings = []\n").unwrap();
    let policy = Policy::load(&path).unwrap();
    assert!(!policy.is_absent());
    fs::set_permissions(&path, Permissions::from_mode(0o646)).unwrap();
    assert!(told(Policy::load(&path).unwrap_err()).contains("chmod o-w"));

    fs::remove_file(&path).unwrap();
    assert!(matches!(policy.load_again(&path), Err(PolicyError::Gone)));
    let broken = Policy::broken("unreadable");
    assert!(matches!(broken.load_again(&path), Err(PolicyError::Gone)));
    assert!(Policy::absent().load_again(&path).unwrap().is_absent());
}
