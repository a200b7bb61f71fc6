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

#[test]
fn a_call_knows_version_object_and_query() {
    let call = call("POST", "/v1.44/containers/web/stop?t=3");
    assert_eq!(call.operation(), Operation::ContainerStop);
    assert_eq!(call.version(), ApiVersion::new(1, 44));
    assert_eq!(call.target(), Some("web"));
    assert_eq!(call.query().get("t"), Some("3"));
}
