//! Archives and progress.

use crate::client::{Lockgate, lockgate};
use crate::fake::{Fake, Reply, ping};

fn answering(reply: Reply) -> Fake {
    Fake::unix(move |seen| ping(seen).unwrap_or_else(|| reply.clone()))
}

#[test]
fn load_sends_the_archive_and_shows_what_was_loaded() {
    let fake = answering(Reply::Json(
        200,
        "{\"stream\":\"Loaded image: a:b\\n\"}\r\n".to_owned(),
    ));
    let ended = Lockgate::new(&fake.url, &["load"]).stdin("archive").run();
    assert_eq!(
        (ended.status, ended.out.as_str()),
        (0, "Loaded image: a:b\n")
    );
    let seen = fake.seen();
    assert_eq!(seen[1].path, "/v1.50/images/load?quiet=1");
    assert_eq!(seen[1].body, "archive");
    assert_eq!(seen[1].header("transfer-encoding"), Some("chunked"));
    assert_eq!(seen[1].header("content-type"), Some("application/x-tar"));
}

#[test]
fn an_error_in_the_stream_is_an_error() {
    let body = "{\"status\":\"Loading\"}\r\n{\"errorDetail\":{\"message\":\"bad tar\"},\"error\":\"bad tar\"}\r\n";
    let fake = answering(Reply::Json(200, body.to_owned()));
    let ended = Lockgate::new(&fake.url, &["load"]).stdin("x").run();
    assert_eq!(
        (ended.status, ended.out.as_str(), ended.err.as_str()),
        (1, "Loading\n", "bad tar\n")
    );
}

#[test]
fn save_leaves_a_whole_file_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    let words = ["save", "-o", path.to_str().unwrap(), "a", "b"];
    let fake = answering(Reply::Bytes("application/x-tar", b"tar".to_vec()));
    assert_eq!(lockgate(&fake.url, &words).status, 0);
    assert_eq!(std::fs::read(&path).unwrap(), b"tar");
    assert_eq!(fake.lines()[1], "GET /images/get?names=a&names=b");
    std::fs::remove_file(&path).unwrap();
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    let broken =
        Fake::unix(move |seen| ping(seen).unwrap_or_else(|| Reply::Raw(head.as_bytes().to_vec())));
    assert_eq!(lockgate(&broken.url, &words).status, 1);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn pull_shows_lines_where_no_terminal_is() {
    let body = "{\"status\":\"Pulling from library/a\",\"id\":\"latest\"}\r\n\
                {\"status\":\"Downloading\",\"id\":\"1\",\"progressDetail\":{\"current\":1,\"total\":2}}\r\n\
                {\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"1\"}\r\n";
    let fake = answering(Reply::Json(200, body.to_owned()));
    let ended = lockgate(&fake.url, &["pull", "a"]);
    assert_eq!(
        ended.out,
        "Using default tag: latest\nlatest: Pulling from library/a\n1: Pull complete\n\
         docker.io/library/a:latest\n"
    );
}

#[test]
fn a_table_of_images() {
    let list = serde_json::json!([
        {"Id": "sha256:0123456789abcdef", "RepoTags": ["a:1", "h:5000/b:2"], "Created": 0,
         "Size": 1_984_162, "SharedSize": -1, "Containers": -1},
        {"Id": "sha256:fedcba9876543210", "RepoTags": [], "RepoDigests": [], "Created": 0, "Size": 5},
    ]);
    let fake = answering(Reply::Json(200, list.to_string()));
    insta::assert_snapshot!(lockgate(&fake.url, &["images"]).out, @r"
    REPOSITORY   TAG       IMAGE ID       CREATED   SIZE
    a            1         0123456789ab   N/A       1.98MB
    h:5000/b     2         0123456789ab   N/A       1.98MB
    <none>       <none>    fedcba987654   N/A       5B
    ");
}

#[test]
fn rmi_tells_every_step() {
    let fake = answering(Reply::Json(
        200,
        r#"[{"Untagged":"a:1"},{"Deleted":"sha256:0"}]"#.to_owned(),
    ));
    let ended = lockgate(&fake.url, &["rmi", "a:1"]);
    assert_eq!(ended.out, "Untagged: a:1\nDeleted: sha256:0\n");
    assert_eq!(fake.lines()[1], "DELETE /images/a:1");
}
