//! Whatever a client sends, nothing panics and nothing is understood in two ways.

use lockgate_api::latest::container::CreateRequest;
use lockgate_api::latest::{exec, network, volume};
use lockgate_api::{Filters, json, route};
use proptest::prelude::*;

/// Paths made of what matters to routing.
fn target() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "(/|//|/\\./|/\\.\\./|%2F|%2e%2e|%00|\\?|&|=|;|#|%|%zz|\\*)",
        "(containers|images|exec|json|start|v1\\.44|v1\\.99|v\\.|networks|volumes|a|get|create)",
        "[ -~]{0,3}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn method() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "get", "",
    ])
}

/// JSON, nearly JSON, and noise.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[\\[\\]{}:,\" ]",
        "\"(Binds|binds|HostConfig|Cmd|Env|Labels|ExposedPorts|Memory|a)\"",
        "(null|true|false|-?[0-9]{1,25}(\\.[0-9])?|1e999)",
        any::<char>().prop_map(String::from),
    ];
    prop_oneof![
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..60),
    ]
}

/// No control characters, and no segment with a meaning of its own.
fn is_plain(name: &str) -> bool {
    !name.chars().any(char::is_control)
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

proptest! {
    #[test]
    fn any_target_is_routed_or_refused(method in method(), target in target()) {
        if let Ok(call) = route(method, &target) {
            prop_assert!(call.query().pairs().count() <= target.len());
            prop_assert!(call.target().is_none_or(is_plain));
        }
    }

    #[test]
    fn any_target_after_a_slash_is_routed_or_refused(method in method(), target in target()) {
        drop(route(method, &format!("/{target}")));
    }

    #[test]
    fn any_body_is_read_or_refused(body in body()) {
        drop(CreateRequest::parse(&body));
        drop(json::parse::<exec::CreateRequest>(&body));
        drop(json::parse::<network::CreateRequest>(&body));
        drop(json::parse::<volume::CreateRequest>(&body));
    }

    #[test]
    fn any_filter_is_read_or_refused(text in "[\\[\\]{}:,\"a-z0-9]{0,30}") {
        drop(Filters::parse(&text));
    }

    #[test]
    fn what_is_accepted_means_what_a_lenient_reader_would_read(
        privileged in any::<bool>(), key in "(?i)privileged", padding in "[ \n]{0,5}",
    ) {
        let body = format!("{padding}{{\"hostConfig\":{{\"{key}\":{privileged}}}}}{padding}");
        let create = CreateRequest::parse(body.as_bytes()).unwrap();
        prop_assert_eq!(create.host_config.privileged, privileged);
    }
}
