//! The table of docs/attacks.md.

use crate::case::{Outcome, Verdict};
use crate::cases;

type Scores = [(String, Vec<Outcome>)];

/// The whole page.
pub(crate) fn page(scores: &Scores) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## Score\n\n| target | refused | leaked | not tried | by tests |\n| --- | --- | --- | --- | --- |\n");
    for (name, outcomes) in scores {
        let [refused, leaked, skipped, tests] = counts(outcomes);
        page.push_str(&format!(
            "| {name} | {refused} | {leaked} | {skipped} | {tests} |\n"
        ));
    }
    page.push_str("\n## Cases\n\n| id | what is tried | what is sent |");
    for (name, _) in scores {
        page.push_str(&format!(" {name} |"));
    }
    page.push_str("\n| --- | --- | --- |");
    page.push_str(&" --- |".repeat(scores.len()));
    page.push('\n');
    for case in cases::all() {
        let cells: Vec<String> = scores.iter().map(|(_, all)| cell(all, case.id)).collect();
        if cells.iter().all(String::is_empty) {
            continue;
        }
        page.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            case.id,
            case.title,
            escaped(case.sends),
            cells.join(" | ")
        ));
    }
    page
}

fn cell(outcomes: &[Outcome], id: &str) -> String {
    let Some(outcome) = outcomes.iter().find(|outcome| outcome.id == id) else {
        return String::new();
    };
    match &outcome.verdict {
        Verdict::Refused(how) => match how.split(' ').next().unwrap_or_default() {
            status if status.parse::<u16>().is_ok() => format!("refused ({status})"),
            _ => "refused".to_owned(),
        },
        Verdict::Tests(names) => escaped(names),
        other @ (Verdict::Leaked(_) | Verdict::Skipped(_)) => other.word().to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn counts(outcomes: &[Outcome]) -> [usize; 4] {
    let count = |is: fn(&Verdict) -> bool| outcomes.iter().filter(|it| is(&it.verdict)).count();
    [
        count(|verdict| matches!(verdict, Verdict::Refused(_))),
        count(|verdict| matches!(verdict, Verdict::Leaked(_))),
        count(|verdict| matches!(verdict, Verdict::Skipped(_))),
        count(|verdict| matches!(verdict, Verdict::Tests(_))),
    ]
}

/// The score in a few lines.
pub(crate) fn totals(scores: &Scores) -> String {
    let line = |(name, outcomes): &(String, Vec<Outcome>)| {
        let [refused, leaked, skipped, tests] = counts(outcomes);
        format!("{name}: {refused} refused, {leaked} leaked, {skipped} not tried, {tests} by tests")
    };
    scores.iter().map(line).collect::<Vec<_>>().join("\n")
}

const HEAD: &str = "# Attacks

Known ways past a container engine's door, sent on raw sockets by `cargo xtask attack`, which also writes this page. A case counts as
refused if nothing was executed and nothing told: the administrator looks afterwards. CI runs all of them against Lockgate's own engine, and fails on any other outcome.

The limited identities are clients with valid certificates whose role gives no power over the host: an operator, a viewer, the tenants alice and bob, who may reach their own
objects only, and `kept`, who operates and builds under every condition that there is (cases `only-…`). A stock dockerd has no roles: there, every certificate is root, and that is what its column shows. It is not slighted by it; it is what the door is for. `not tried`: the target has no
such thing to attack, such as a policy. Where a case needs what cannot be had from outside, the tests that stand for it are named.

```sh
cargo xtask attack lockgate                       # start it in a network namespace of its own, attack it
cargo xtask attack guard-dockerd dockerd -- --dockerd /path/to/dockerd
lockgate-attack endpoint 192.0.2.7:2376 --certs DIR   # one that runs already; DIR: ca.pem, {admin,operator,viewer,alice,bob,kept}/{cert,key}.pem
```
";
