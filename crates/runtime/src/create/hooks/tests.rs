use std::path::Path;

use oci_spec::runtime::{Hook, Spec};

use super::*;

fn spec(moment: Moment, hooks: Vec<serde_json::Value>) -> Spec {
    let mut spec = Spec::default();
    let hooks: Vec<Hook> = hooks
        .into_iter()
        .map(|hook| serde_json::from_value(hook).unwrap())
        .collect();
    let mut all = oci_spec::runtime::Hooks::default();
    match moment {
        Moment::Poststop => all.set_poststop(Some(hooks)),
        _ => all.set_create_runtime(Some(hooks)),
    };
    spec.set_hooks(Some(all));
    spec
}

fn hooks(spec: &Spec) -> Hooks<'_> {
    Hooks {
        spec,
        id: "box",
        bundle: Path::new("/bundle"),
    }
}

fn shell(script: &str) -> serde_json::Value {
    serde_json::json!({ "path": "/bin/sh", "args": ["sh", "-c", script], "env": ["A=b"] })
}

#[test]
fn a_hook_reads_the_state_and_has_only_its_own_environment() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out");
    let script = format!(
        "exec > {}; read line; echo \"$line\"; echo $A$HOME",
        file.display()
    );
    let spec = spec(Moment::CreateRuntime, vec![shell(&script)]);
    hooks(&spec).run(Moment::CreateRuntime, 42).unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let (state, rest) = text.split_once('\n').unwrap();
    let state: serde_json::Value = serde_json::from_str(state).unwrap();
    assert_eq!(state["id"], "box");
    assert_eq!(state["pid"], 42);
    assert_eq!(state["status"], "creating");
    assert_eq!(state["bundle"], "/bundle");
    assert_eq!(rest, "b\n");
}

#[test]
fn the_first_failure_ends_the_row_and_says_what_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("never");
    let list = vec![
        shell("true"),
        shell("echo out; echo err >&2; exit 3"),
        shell(&format!("touch {}", file.display())),
    ];
    let spec = spec(Moment::CreateRuntime, list);
    let error = hooks(&spec).run(Moment::CreateRuntime, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error running createRuntime hook #1: exit status 3, stdout: out, stderr: err"
    );
    assert!(!file.exists());
}

#[test]
fn hooks_after_the_end_all_run() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ran");
    let list = vec![shell("exit 1"), shell(&format!("touch {}", file.display()))];
    let spec = spec(Moment::Poststop, list);
    let failures = hooks(&spec).run_all(Moment::Poststop, 0);
    assert_eq!(failures.len(), 1);
    assert!(file.exists());
}

#[test]
fn a_hook_that_takes_too_long_is_killed() {
    let mut hook = shell("exec sleep 100");
    hook["timeout"] = 1.into();
    let spec = spec(Moment::CreateRuntime, vec![hook]);
    let error = hooks(&spec).run(Moment::CreateRuntime, 1).unwrap_err();
    assert!(
        error.to_string().contains("timed out after 1 seconds"),
        "{error}"
    );
}

#[test]
fn a_hook_must_name_its_program_in_full_and_a_real_timeout() {
    let relative = serde_json::json!({ "path": "true" });
    let never = serde_json::json!({ "path": "/bin/true", "timeout": 0 });
    for (hook, part) in [(relative, "absolute"), (never, "greater than zero")] {
        let spec = spec(Moment::CreateRuntime, vec![hook]);
        let error = hooks(&spec).run(Moment::CreateRuntime, 1).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}
