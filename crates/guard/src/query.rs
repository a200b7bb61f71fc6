//! The query of a call as it was judged, and nothing beside it.
//!
//! A daemon may read more out of a query than the judge did: dockerd takes the first value of a key and
//! its letters as they are, podman the last value and any letters, and podman's build knows keys that
//! open the host. So each key goes on once, in the letters that the judge reads.

use lockgate_api::{Call, Operation};

/// Keys with several values.
const LISTS: [&str; 8] = [
    "changes",
    "extrahosts",
    "names",
    "platform",
    "platforms",
    "securityopt",
    "t",
    "type",
];
/// Keys that have capital letters.
const MIXED: [&str; 5] = [
    "copyUIDGID",
    "detachKeys",
    "fromImage",
    "fromSrc",
    "noOverwriteDirNonDir",
];
/// What a build can be asked for.
const OF_BUILD: [&str; 32] = [
    "buildargs",
    "buildid",
    "cachefrom",
    "cgroupparent",
    "cpuperiod",
    "cpuquota",
    "cpusetcpus",
    "cpusetmems",
    "cpushares",
    "dockerfile",
    "extrahosts",
    "forcerm",
    "isolation",
    "labels",
    "memory",
    "memswap",
    "networkmode",
    "nocache",
    "outputs",
    "platform",
    "pull",
    "q",
    "remote",
    "rm",
    "securityopt",
    "session",
    "shmsize",
    "squash",
    "t",
    "target",
    "ulimits",
    "version",
];

/// The pairs that are passed on.
pub(crate) fn judged(call: &Call) -> Vec<(String, String)> {
    let mut passed: Vec<(String, String)> = Vec::new();
    for (key, value) in call.query().pairs() {
        let again = passed.iter().any(|(before, _)| before == key) && !LISTS.contains(&key);
        let foreign = call.operation() == Operation::ImageBuild && !OF_BUILD.contains(&key);
        if is_spelt(key) && !again && !foreign {
            passed.push((key.to_owned(), value.to_owned()));
        }
    }
    passed
}

/// Whether nobody can take the key for another one.
fn is_spelt(key: &str) -> bool {
    let mut known = MIXED.into_iter();
    match known.find(|known| known.eq_ignore_ascii_case(key)) {
        Some(known) => known == key,
        None => key.is_ascii() && !key.bytes().any(|byte| byte.is_ascii_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(method: &str, target: &str) -> Vec<String> {
        let call = lockgate_api::route(method, target).unwrap();
        let pairs = judged(&call).into_iter();
        pairs.map(|(key, value)| format!("{key}={value}")).collect()
    }

    // T: indirect-object
    #[test]
    fn a_daemon_that_reads_a_query_in_another_way_finds_nothing_else() {
        for (method, target, expected) in [
            (
                "POST",
                "/commit?container=his&container=hers",
                &["container=his"][..],
            ),
            (
                "POST",
                "/commit?container=his&Container=hers&changes=a&changes=b",
                &["container=his", "changes=a", "changes=b"],
            ),
            (
                "POST",
                "/images/create?fromImage=a&fromimage=b&FROMIMAGE=c",
                &["fromImage=a"],
            ),
            ("POST", "/images/create?fromimage=b", &[]),
            (
                "GET",
                "/images/get?names=a&names=b",
                &["names=a", "names=b"],
            ),
            (
                "POST",
                "/build?extrahosts=a%3A1&extrahosts=b%3A2",
                &["extrahosts=a:1", "extrahosts=b:2"],
            ),
            (
                "GET",
                "/system/df?type=image&type=volume",
                &["type=image", "type=volume"],
            ),
            (
                "DELETE",
                "/images/x?platforms=a&platforms=b",
                &["platforms=a", "platforms=b"],
            ),
            ("GET", "/containers/json?all=1&%C5%BFize=1", &["all=1"]),
        ] {
            assert_eq!(passed(method, target), expected, "{target}");
        }
    }

    // T: body-escalation
    #[test]
    fn a_build_is_asked_for_nothing_that_only_podman_knows() {
        let target = "/build?t=a&t=b&networkmode=none&networkmode=host&NetworkMode=host&volume=%2F%3A%2Fhost\
            &addcaps=all&devices=%2Fdev%2Fvda&unmask=ALL&nsoptions=x&seccomp=unconfined&apparmor=x&output=%2Fx&rusagelogfile=%2Fx";
        assert_eq!(passed("POST", target), ["t=a", "t=b", "networkmode=none"]);
    }
}
