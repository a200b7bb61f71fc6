//! The docker CLI says the same with a guard and without: `docker-cli.txt` is asked twice.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use lockgate_testkit::{busybox_archive, program, run};
use regex_lite::Regex;

use super::Guarded;

const LIST: &str = include_str!("../../../clients/docker-cli.txt");

/// Each line is a command; what it says, on which stream, and how it ends.
const EACH: &str = r#"
while IFS= read -r line; do
    printf '$ %s\n' "$line"
    sh -c "$line" > ../out 2> ../err < /dev/null
    code=$?
    cat ../out
    sed 's/^/! /' ../err
    echo "= $code"
done
"#;

/// What is of one run.
const OF_THE_RUN: [(&str, &str); 10] = [
    (r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b", "ID"),
    (r"\b[0-9a-z]{25}\b|SWMTKN-[0-9a-z-]+", "OF-SWARM"),
    (
        r"\d{4}-\d\d-\d\d[T ][0-9:.]+(Z|[+-]\d\d:\d\d| \+0000 (UTC|utc))?",
        "TIME",
    ),
    (
        r"(Less than|About) an? (second|minute|hour)|[0-9.]+ (second|minute|hour|month|year)s?",
        "AGO",
    ),
    (r"\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b", "MAC"),
    (r#""Pid": [0-9]+"#, "\"Pid\": N"),
    (r"0x[0-9a-f]+", "POINTER"),
    // How a terminal shows that its input has ended.
    (r"\^@|\x00|\r", ""),
    // Columns are as wide as what stands in them.
    (r"  +", " "),
    (r"/tmp/[^/ ]*/cli/", "HERE/"),
];

/// What the commands of a list say at this socket; `plugins` are those of the CLI.
fn transcript(list: &str, socket: &Path, plugins: &[&Path]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("cli");
    fs::create_dir_all(here.join("context")).unwrap();
    let file = |name: &str, text: &[u8]| fs::write(here.join(name), text).unwrap();
    file("busybox.tar", &busybox_archive(&["busybox:latest"]));
    file("context/text", b"copied\n");
    file("context/Failing", b"FROM busybox\nRUN exit 4\n");
    file(
        "context/Dockerfile",
        b"FROM busybox\nARG GREETING\nCOPY text /text\nRUN echo $GREETING > /said\nEXPOSE 80\n",
    );
    let folder_of_plugins = here.join("config/cli-plugins");
    fs::create_dir_all(&folder_of_plugins).unwrap();
    for plugin in plugins {
        symlink(plugin, folder_of_plugins.join(plugin.file_name().unwrap())).unwrap();
    }
    let lines = list.lines();
    let asked: Vec<&str> = lines
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect();
    let mut shell = program("sh");
    shell
        .args(["-c", EACH])
        .current_dir(&here)
        .env("DOCKER_HOST", format!("unix://{}", socket.display()))
        .env("DOCKER_CONFIG", here.join("config"))
        .env("HOME", &here);
    let ended = run(&mut shell, (asked.join("\n") + "\n").as_bytes());
    let mut said = ended.stdout.clone();
    for (pattern, instead) in OF_THE_RUN {
        let pattern = Regex::new(pattern).unwrap();
        said = pattern.replace_all(&said, instead).into_owned();
    }
    let said = said.replace(&socket.display().to_string(), "SOCKET");
    let blocks: Vec<String> = said.split("\n$ ").map(ToOwned::to_owned).collect();
    assert_eq!(blocks.len(), asked.len(), "{ended}");
    blocks
}

/// Asks twice, of which at least so many go well.
pub(super) fn says_the_same(list: &str, plugins: &[&Path], well: usize) {
    let guarded = Guarded::start();
    let [direct, door] = guarded
        .sides()
        .map(|socket| transcript(list, &socket, plugins));
    let differ = direct.iter().zip(&door).filter(|(a, b)| a != b);
    let differ: Vec<String> = differ
        .map(|(a, b)| format!("--- dockerd\n{a}\n--- guard\n{b}"))
        .collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    // What was compared is what happens when it works.
    let worked = direct.iter().filter(|said| said.ends_with("\n= 0"));
    let worked = worked.count();
    assert!(worked >= well, "{worked} worked\n{}", direct.join("\n$ "));
}

#[test]
fn the_docker_cli_says_the_same_with_a_guard() {
    says_the_same(LIST, &[], 85);
}
