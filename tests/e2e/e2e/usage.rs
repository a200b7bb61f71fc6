//! What takes room, and how it is given back.

use lockgate_testkit::Daemon;
use serde_json::json;

#[test]
fn sizes_are_those_of_the_files_a_container_wrote() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let write = "dd if=/dev/zero of=/new bs=1000 count=5 2>/dev/null; echo abc >> /etc/passwd";
    daemon
        .docker(&["run", "--name", "wrote", "busybox", "sh", "-c", write])
        .ok();
    daemon
        .docker(&["run", "--name", "idle", "busybox", "true"])
        .ok();
    let passwd = daemon.docker(&[
        "run",
        "--rm",
        "busybox",
        "sh",
        "-c",
        "cat /etc/passwd | busybox wc -c",
    ]);
    let passwd: i64 = passwd.ok().trim().parse().unwrap();
    let image = daemon.docker(&[
        "inspect",
        "--type",
        "image",
        "--format",
        "{{.Size}}",
        "busybox",
    ]);
    let image: i64 = image.ok().parse().unwrap();
    let wrote = 5000 + passwd + 4;
    let list = daemon
        .api("GET", "/v1.51/containers/json?all=1&size=1", None)
        .json();
    let size = |name: &str| {
        let all = list.as_array().unwrap().iter();
        let one = all
            .clone()
            .find(|one| one["Names"] == json!([format!("/{name}")]))
            .unwrap();
        (
            one["SizeRw"].as_i64().unwrap_or_default(),
            one["SizeRootFs"].as_i64().unwrap(),
        )
    };
    assert_eq!(size("wrote"), (wrote, image + wrote));
    assert_eq!(size("idle"), (0, image));
    let one = daemon
        .api("GET", "/v1.51/containers/wrote/json?size=1", None)
        .json();
    assert_eq!(
        (&one["SizeRw"], &one["SizeRootFs"]),
        (&json!(wrote), &json!(image + wrote))
    );
    let without = daemon
        .api("GET", "/v1.51/containers/wrote/json", None)
        .json();
    assert!(without.get("SizeRw").is_none() && without.get("SizeRootFs").is_none());
    let df = daemon.api("GET", "/v1.51/system/df", None).json();
    assert_eq!(df["LayersSize"], json!(image));
    let rw = df["Containers"].as_array().unwrap().iter();
    assert_eq!(
        rw.filter_map(|one| one["SizeRw"].as_i64()).sum::<i64>(),
        wrote
    );
    // A committed layer is counted once, and shared by who is built on it.
    daemon.docker(&["commit", "wrote", "made"]).ok();
    let df = daemon.api("GET", "/v1.51/system/df", None).json();
    assert_eq!(df["LayersSize"], json!(image + wrote));
    let images = df["Images"].as_array().unwrap();
    let made = images
        .iter()
        .find(|one| one["RepoTags"] == json!(["made:latest"]))
        .unwrap();
    assert_eq!(
        (&made["Size"], &made["SharedSize"]),
        (&json!(image + wrote), &json!(image))
    );
}

#[test]
fn prune_takes_what_its_filters_name_and_nothing_else() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    for (name, label) in [("aa", "drop=1"), ("bb", "drop=2"), ("cc", "keep=1")] {
        daemon
            .docker(&[
                "create", "--name", name, "--label", label, "busybox", "true",
            ])
            .ok();
    }
    let names = || {
        let listed = daemon.docker(&["ps", "-a", "--format", "{{.Names}}"]);
        let mut names: Vec<String> = listed.ok().lines().map(str::to_owned).collect();
        names.sort();
        names.join(" ")
    };
    let prune = |filters: &[&str]| {
        let flags = filters.iter().flat_map(|filter| ["--filter", *filter]);
        let args: Vec<&str> = ["container", "prune", "-f"]
            .into_iter()
            .chain(flags)
            .collect();
        daemon.docker(&args).ok().to_owned()
    };
    prune(&["until=1h"]);
    assert_eq!(names(), "aa bb cc", "all of them are younger");
    prune(&["label=drop=2"]);
    assert_eq!(names(), "aa cc");
    prune(&["label!=keep", "label!=drop"]);
    assert_eq!(names(), "aa cc", "both are spared");
    prune(&["label!=keep=1"]);
    assert_eq!(names(), "cc");
    let said = prune(&["label=keep"]);
    assert_eq!(names(), "", "{said}");
    let refused = daemon.api("POST", "/containers/prune?filters={\"nope\":[\"x\"]}", None);
    assert_eq!(refused.status, 400, "{}", refused.text());
    let refused = daemon.api(
        "POST",
        "/containers/prune?filters={\"until\":[\"1h\",\"2h\"]}",
        None,
    );
    assert_eq!(refused.status, 400, "{}", refused.text());
}
