//! Tables, templates and filters of lists.

use crate::client::lockgate;
use crate::fake::{Fake, ID, Reply, ping};

fn containers() -> Fake {
    let created = 1_136_214_245;
    let list = serde_json::json!([{
        "Id": ID, "Names": ["/web"], "Image": "busybox", "ImageID": "sha256:1",
        "Command": "sh -c 'a rather long command'", "Created": created, "State": "running",
        "Status": "Up 2 hours", "Labels": {"team": "a", "x": ""}, "SizeRw": 1000,
        "SizeRootFs": 1_984_162,
        "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}],
        "Mounts": [{"Type": "volume", "Name": "data", "Driver": "local"}],
        "NetworkSettings": {"Networks": {"bridge": {}}},
    }]);
    Fake::unix(move |seen| ping(seen).unwrap_or_else(|| Reply::Json(200, list.to_string())))
}

#[test]
fn a_table_of_containers() {
    let fake = containers();
    let words = [
        "ps",
        "--format",
        "table {{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.Status}}\\t{{.Ports}}\\t{{.Names}}",
    ];
    insta::assert_snapshot!(lockgate(&fake.url, &words).out, @r#"
    CONTAINER ID   IMAGE     COMMAND                  STATUS       PORTS                  NAMES
    0123456789ab   busybox   "sh -c 'a rather lon…"   Up 2 hours   0.0.0.0:8080->80/tcp   web
    "#);
    let header = lockgate(&fake.url, &["ps", "-s"]).out;
    insta::assert_snapshot!(header.lines().next().unwrap().split_whitespace().collect::<Vec<_>>().join(" "), @"CONTAINER ID IMAGE COMMAND CREATED STATUS PORTS NAMES SIZE");
    assert!(header.contains("1kB (virtual 1.98MB)"), "{header}");
}

#[test]
fn templates_see_every_field() {
    let fake = containers();
    for (format, expected) in [
        (
            "{{.Names}} {{.Label \"team\"}} {{.Label \"nope\"}}.",
            "web a .\n",
        ),
        (
            "{{.Labels}}|{{.Mounts}}|{{.LocalVolumes}}|{{.Networks}}",
            "team=a,x=|data|1|bridge\n",
        ),
        ("{{.CreatedAt}}", "2006-01-02 15:04:05 +0000 UTC\n"),
        ("{{json .Names}} {{upper .State}}", "\"web\" RUNNING\n"),
        (
            "table {{.Names}}\\t{{.State}}",
            "NAMES     STATE\nweb       running\n",
        ),
    ] {
        assert_eq!(
            lockgate(&fake.url, &["ps", "--format", format]).out,
            expected,
            "{format}"
        );
    }
    assert_eq!(lockgate(&fake.url, &["ps", "-q"]).out, "0123456789ab\n");
    assert_eq!(
        lockgate(&fake.url, &["ps", "-q", "--no-trunc"]).out,
        format!("{ID}\n")
    );
}

#[test]
fn filters_and_flags_become_a_query() {
    let fake = containers();
    lockgate(
        &fake.url,
        &[
            "ps",
            "-a",
            "-n",
            "3",
            "-f",
            "label=a=b",
            "-f",
            "name=x",
            "-f",
            "label=c",
        ],
    );
    let expected = "GET /containers/json?all=1&filters=%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%2C\
                    %22c%22%3Atrue%7D%2C%22name%22%3A%7B%22x%22%3Atrue%7D%7D&limit=3";
    assert_eq!(fake.lines().last().unwrap(), expected);
}

#[test]
fn inspect_shows_the_daemon_s_words_in_their_order() {
    let body =
        r#"{"Id":"x","Name":"/web","Args":[],"Config":{"Labels":{"b":"<1>","a":"2"},"Env":null}}"#;
    let fake = Fake::unix(move |seen| match () {
        () if seen.path.ends_with("/_ping") => Reply::Empty(200),
        () if seen.path.ends_with("/containers/web/json") => Reply::Json(200, body.to_owned()),
        () => Reply::Json(404, r#"{"message":"not found"}"#.to_owned()),
    });
    insta::assert_snapshot!(lockgate(&fake.url, &["inspect", "web"]).out, @r#"
    [
        {
            "Id": "x",
            "Name": "/web",
            "Args": [],
            "Config": {
                "Labels": {
                    "b": "<1>",
                    "a": "2"
                },
                "Env": null
            }
        }
    ]
    "#);
    for (format, expected) in [
        ("{{.Name}}", "/web\n"),
        (
            "{{json .Config.Labels}}",
            "{\"b\":\"\\u003c1\\u003e\",\"a\":\"2\"}\n",
        ),
        (
            "{{index .Config.Labels \"a\"}}{{index .Config.Labels \"z\"}}",
            "2\n",
        ),
        (
            "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}",
            "a=2 b=<1> \n",
        ),
        ("{{.Config.Env}}", "[]\n"),
    ] {
        assert_eq!(
            lockgate(&fake.url, &["inspect", "-f", format, "web"]).out,
            expected,
            "{format}"
        );
    }
    let ended = lockgate(&fake.url, &["inspect", "nope", "web", "-f", "{{.Id}}"]);
    assert_eq!(
        (ended.status, ended.out.as_str(), ended.err.as_str()),
        (1, "x\n", "Error: No such object: nope\n")
    );
    let asked = fake.lines();
    let looked: Vec<&str> = asked
        .iter()
        .map(String::as_str)
        .filter(|l| l.contains("nope"))
        .collect();
    assert_eq!(
        looked,
        [
            "GET /containers/nope/json",
            "GET /images/nope/json",
            "GET /networks/nope",
            "GET /volumes/nope",
            "GET /plugins/nope/json",
        ]
    );
}

#[test]
fn events_are_one_line_each() {
    let event = r#"{"Type":"container","Action":"start","Actor":{"ID":"x","Attributes":{"name":"web","image":"b"}},"time":1136214245,"timeNano":1136214245000000001}"#;
    let body = format!("{event}\n{event}");
    let fake = Fake::unix(move |seen| ping(seen).unwrap_or_else(|| Reply::Json(200, body.clone())));
    let ended = lockgate(&fake.url, &["events", "--since", "1", "--until", "2"]);
    let line = "2006-01-02T15:04:05.000000001Z container start x (image=b, name=web)\n";
    assert_eq!(ended.out, line.repeat(2));
    let ended = lockgate(
        &fake.url,
        &["events", "--format", "{{.Type}} {{.Action}} {{.Actor.ID}}"],
    );
    assert_eq!(ended.out, "container start x\n".repeat(2));
    let ended = lockgate(&fake.url, &["events", "--format", "json"]);
    assert_eq!(ended.out, format!("{event}\n").repeat(2));
}

#[test]
fn several_objects_are_tried_to_the_last() {
    let fake = Fake::unix(|seen| match () {
        () if seen.path.ends_with("/_ping") => Reply::Empty(200),
        () if seen.path.contains("/b/") => Reply::Json(404, r#"{"message":"no b"}"#.to_owned()),
        () if seen.path.contains("/c/") => Reply::Empty(304),
        () => Reply::Empty(204),
    });
    let ended = lockgate(&fake.url, &["stop", "-t", "3", "a", "b", "c"]);
    assert_eq!(
        (ended.status, ended.out.as_str(), ended.err.as_str()),
        (1, "a\nc\n", "Error response from daemon: no b\n")
    );
}
