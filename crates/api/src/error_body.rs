//! The one shape of every error body.

use serde::Serialize;

/// `{"message":"…"}` and a newline, as every Docker client reads it; nothing is HTML-escaped.
pub fn error_body(message: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        message: &'a str,
    }
    // A struct of one text always serialises.
    let mut body = serde_json::to_vec(&Body { message }).unwrap_or_default();
    body.push(b'\n');
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_bodies_are_not_html_escaped() {
        assert_eq!(
            error_body("a <b> & \"c\""),
            b"{\"message\":\"a <b> & \\\"c\\\"\"}\n"
        );
    }
}
