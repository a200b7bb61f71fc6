use proptest::prelude::*;

use super::pattern::Segment;
use super::*;

fn call(method: &str, target: &str) -> Call {
    route(method, target).unwrap_or_else(|error| panic!("{method} {target}: {error}"))
}

fn refused(method: &str, target: &str) -> RouteError {
    match route(method, target) {
        Ok(call) => panic!("{method} {target} is {}", call.operation()),
        Err(error) => error,
    }
}

fn redirect(target: &str) -> String {
    let error = refused("POST", target);
    let RouteError::Redirect(redirect) = error else {
        panic!("{target}: {error}")
    };
    redirect.location().to_owned()
}

#[test]
fn a_call_knows_version_object_and_query() {
    let call = call("POST", "/v1.44/containers/web/stop?t=3");
    assert_eq!(call.operation(), Operation::ContainerStop);
    assert_eq!(call.version(), ApiVersion::new(1, 44));
    assert_eq!(call.target(), Some("web"));
    assert_eq!(call.query().get("t"), Some("3"));
}

#[test]
fn without_a_version_the_newest_is_meant() {
    assert_eq!(call("GET", "/info").version(), ApiVersion::MAX);
    assert_eq!(
        call("HEAD", "/_ping").operation(),
        Operation::SystemPingHead
    );
}

#[test]
fn names_may_have_slashes_where_docker_takes_them() {
    let inspect = call("GET", "/v1.50/images/127.0.0.1:5000/a/b:1/json");
    assert_eq!(inspect.operation(), Operation::ImageInspect);
    assert_eq!(inspect.target(), Some("127.0.0.1:5000/a/b:1"));
    assert_eq!(
        call("GET", "/containers/x/archive/json").target(),
        Some("x/archive")
    );
    assert_eq!(call("DELETE", "/images/a/b").target(), Some("a/b"));
    assert_eq!(
        call("GET", "/networks/").operation(),
        Operation::NetworkList
    );
    let checkpoint = call("DELETE", "/containers/a/checkpoints/b");
    assert_eq!(checkpoint.params().get("checkpoint"), Some("b"));
}

// T: path-spelling
#[test]
fn escapes_mean_what_they_stand_for() {
    assert_eq!(
        call("GET", "/images/user%2Fapp/json").target(),
        Some("user/app")
    );
    assert_eq!(
        call("GET", "/containers%2Fjson").operation(),
        Operation::ContainerList
    );
    assert_eq!(
        call("GET", "/%63ontainers/json").operation(),
        Operation::ContainerList
    );
    assert_eq!(call("GET", "/images/a%3Ab/json").target(), Some("a:b"));
    assert_eq!(call("GET", "/images/a+b/json").target(), Some("a+b"));
    // Decoded once only.
    assert_eq!(call("GET", "/images/a%252Fb/json").target(), Some("a%2Fb"));
}

// T: path-spelling
#[test]
fn what_has_a_cleaner_spelling_is_redirected() {
    for (target, location) in [
        ("/v1.44/containers//start", "/v1.44/containers/start"),
        ("/v1.44/../containers/json", "/containers/json"),
        ("/v1.44/%2e%2e/containers/json", "/containers/json"),
        ("/containers/a/../b/start?t=1", "/containers/b/start?t=1"),
        ("/containers/./json?", "/containers/json?"),
        ("/../../etc/passwd", "/etc/passwd"),
        ("/a%2F%2Fb", "/a/b"),
        ("//evil/x", "/evil/x"),
        ("http://host//evil/x", "/evil/x"),
        ("/a//%3Fb%20c", "/a/%3Fb%20c"),
        ("//", "/"),
    ] {
        assert_eq!(redirect(target), location, "{target}");
    }
}

// T: path-spelling
#[test]
fn what_is_no_path_is_refused() {
    for target in [
        "",
        "*",
        "containers/json",
        "/containers/a%00/json",
        "/containers/a%0a/json",
        "/a\0b",
        "/containers/%zz/json",
        "/containers/%f/json",
        "/%ff",
        "ftp://h/info",
        "http:/info",
        "http://",
        "http://host",
        "http://host?/info",
        "//host:80%",
    ] {
        assert_eq!(refused("GET", target), RouteError::BadPath, "{target}");
    }
}

#[test]
fn the_absolute_form_is_its_path() {
    for target in [
        "http://docker/info",
        "https://h:2376/v1.44/info",
        "HTTP://localhost/info?x=1",
    ] {
        assert_eq!(call("GET", target).operation(), Operation::SystemInfo);
    }
}

// T: path-spelling, engine-dialects
#[test]
fn nothing_but_the_whole_path_in_its_own_letters_matches() {
    for (method, target) in [
        ("GET", "/Containers/json"),
        ("GET", "/containers/JSON"),
        ("GET", "/containers/json/"),
        ("GET", "/V1.44/info"),
        ("GET", "/v1.44"),
        ("GET", "/v1.44/"),
        ("GET", "/v1.44a/info"),
        ("GET", "/v/info"),
        ("GET", "/v1.44/v1.44/info"),
        ("POST", "/exec/x/startXYZ"),
        ("POST", "/xcontainers/create"),
        ("POST", "/libpod/containers/create"),
        ("POST", "/v4.0.0/libpod/containers/create"),
        ("GET", "/containers/json;x"),
        ("GET", "/nope"),
        ("GET", "/"),
        ("PUT", "/info"),
        ("HEAD", "/info"),
        ("get", "/info"),
        ("PATCH", "/info"),
        ("PRI", "/info"),
    ] {
        assert_eq!(
            refused(method, target),
            RouteError::PageNotFound,
            "{method} {target}"
        );
    }
    assert_eq!(RouteError::PageNotFound.to_string(), "page not found");
}

#[test]
fn versions_out_of_range_are_refused_with_dockers_words() {
    let new = refused("GET", "/v1.60/info");
    assert_eq!(
        new.to_string(),
        "client version 1.60 is too new. Maximum supported API version is 1.55"
    );
    assert_eq!(
        (new.status(), new.is_plain_text(), new.has_api_headers()),
        (400, false, true)
    );
    let old = refused("GET", "/v1.12/info");
    assert_eq!(
        old.to_string(),
        "client version 1.12 is too old. Minimum supported API version is 1.24, \
         please upgrade your client to a newer version"
    );
    assert_eq!((old.status(), old.is_plain_text()), (400, true));
    for (target, is_new) in [
        ("/v2/info", true),
        ("/v1.55.1/info", true),
        ("/v1/info", false),
        ("/v../info", false),
    ] {
        let error = refused("GET", target);
        assert_eq!(matches!(error, RouteError::TooNew(_)), is_new, "{target}");
    }
    assert_eq!(
        call("GET", "/v1.44.3/info").version(),
        ApiVersion::new(1, 44)
    );
    // The path is looked at first.
    assert_eq!(refused("GET", "/v1.60/nope"), RouteError::PageNotFound);
}

#[test]
fn young_endpoints_say_since_when_they_exist() {
    let error = refused("POST", "/v1.24/volumes/prune");
    assert_eq!(
        error.to_string(),
        "POST /volumes/prune requires minimum API version 1.25"
    );
    assert_eq!(error.status(), 400);
    call("POST", "/v1.25/volumes/prune");
}

#[test]
fn patterns_have_one_wildcard_at_most() {
    for route in TABLE {
        let wildcards = route
            .pattern
            .split('/')
            .filter(|part| matches!(Segment::of(part), Segment::Many(_)))
            .count();
        assert!(wildcards <= 1, "{}", route.pattern);
    }
}

/// A path that matches the pattern of a line.
fn path_of(route: &'static Route) -> impl Strategy<Value = String> {
    let word = "(json|create|start|get|a|b|attach|ws|checkpoints|prune|privileges|search|logs)";
    let words = proptest::collection::vec(word, 1..4);
    (proptest::collection::vec(words, 4)).prop_map(|mut fillings| {
        let fill = |part: &'static str| match Segment::of(part) {
            Segment::Literal(literal) => literal.to_owned(),
            Segment::One(_) => fillings.pop().unwrap_or_default().swap_remove(0),
            Segment::Many(_) => fillings.pop().unwrap_or_default().join("/"),
        };
        route
            .pattern
            .split('/')
            .map(fill)
            .collect::<Vec<_>>()
            .join("/")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn no_two_routes_match_one_path(
        (route, path) in proptest::sample::select(TABLE)
            .prop_flat_map(|route| (Just(route), path_of(TABLE.iter().find(|line| {
                (line.method, line.pattern) == (route.method, route.pattern)
            }).unwrap())))
    ) {
        let matching: Vec<_> = TABLE
            .iter()
            .filter(|line| line.method == route.method)
            .filter(|line| pattern::matches(line.pattern, &path).is_some())
            .map(|line| line.pattern)
            .collect();
        prop_assert_eq!(matching, vec![route.pattern], "{}", path);
    }
}
