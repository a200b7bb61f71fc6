//! `GET` and `HEAD /_ping`: is anybody there, and what do they speak?

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, PRAGMA};
use http::{HeaderName, HeaderValue, Response};
use lockgate_gate::{Body, Reply, body};

pub(crate) fn ping() -> Reply {
    answer(body::full("OK"))
}

/// Clients are told the length of nothing.
pub(crate) fn ping_head() -> Reply {
    let mut reply = answer(body::empty());
    if let Reply::Http(response) = &mut reply {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    reply
}

fn answer(body: Body) -> Reply {
    let mut response = Response::new(body);
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    Reply::Http(response)
}

/// `Builder-Version: 1`: there is no BuildKit here, so clients must not look for it.
const HEADERS: [(HeaderName, &str); 5] = [
    (HeaderName::from_static("builder-version"), "1"),
    (CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
    (CONTENT_TYPE, "text/plain; charset=utf-8"),
    (PRAGMA, "no-cache"),
    (HeaderName::from_static("swarm"), "inactive"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_say_what_clients_look_for() {
        let Reply::Http(response) = ping() else {
            panic!("hijacked")
        };
        assert_eq!(response.headers()["Builder-Version"], "1");
        assert_eq!(response.headers()["Swarm"], "inactive");
        assert_eq!(response.headers()["Pragma"], "no-cache");
    }
}
