//! JSON that two parsers understand differently.

use crate::case::{Case, Run};
use crate::runner::create_request;

const TITLE: &str = "a power that only the daemon's parser sees";

macro_rules! case {
    ($id:literal, $sends:literal, $body:expr) => {
        Case {
            id: $id,
            title: TITLE,
            sends: $sends,
            run: Run::Bytes(|name| create_request(name, $body)),
        }
    };
}

pub(super) const CASES: &[Case] = &[
    case!(
        "json-case",
        "keys in another case: `hostconfig`, `PRIVILEGED`",
        r#"{"Image":"busybox","hostconfig":{"PRIVILEGED":true,"NetworkMode":"none"}}"#
    ),
    case!(
        "json-duplicate",
        "`HostConfig` twice, the second with the power",
        r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none"},"HostConfig":{"Privileged":true,"NetworkMode":"none"}}"#
    ),
    case!(
        "json-duplicate-case",
        "`Privileged` false and `privileged` true",
        r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none","Privileged":false,"privileged":true}}"#
    ),
    case!(
        "json-escape",
        "`\\u0050rivileged`",
        r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none","\u0050rivileged":true}}"#
    ),
    case!(
        "json-kelvin",
        "letters that fold into ASCII: `HoſtConfig`",
        "{\"Image\":\"busybox\",\"Ho\u{17f}tConfig\":{\"NetworkMode\":\"none\",\"Privileged\":true}}"
    ),
    case!(
        "json-null",
        "`HostConfig` null, then the real one",
        r#"{"Image":"busybox","HostConfig":null,"hostConfig":{"NetworkMode":"none","Privileged":true}}"#
    ),
    case!(
        "json-coercion",
        "`\"Privileged\": \"true\"`",
        r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none","Privileged":"true"}}"#
    ),
    case!(
        "json-bom",
        "a byte order mark before the JSON",
        "\u{feff}{\"Image\":\"busybox\",\"HostConfig\":{\"NetworkMode\":\"none\",\"Privileged\":true}}"
    ),
    case!(
        "json-trailing",
        "a second value behind the first",
        r#"{"Image":"busybox"} {"HostConfig":{"NetworkMode":"none","Privileged":true}}"#
    ),
    Case {
        id: "json-depth",
        title: "a parser that gives up where the daemon's goes on",
        sends: "1000 levels in an unknown field, then the power",
        run: Run::Bytes(|name| {
            let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
            create_request(
                name,
                &format!(
                    r#"{{"Image":"busybox","X":{deep},"HostConfig":{{"NetworkMode":"none","Privileged":true}}}}"#
                ),
            )
        }),
    },
];
