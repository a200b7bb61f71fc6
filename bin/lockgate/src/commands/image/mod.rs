//! Commands about images.

pub(super) mod history;
pub(super) mod import;
pub(super) mod load;
pub(super) mod ls;
pub(super) mod progress;
pub(super) mod prune;
pub(super) mod pull;
pub(super) mod rm;
pub(super) mod rows;
pub(super) mod save;
pub(super) mod tag;

use serde_json::{Value, json};

use crate::client::call_path;
use crate::failure::Failure;

/// `/images/<name>/<verb>`.
pub(super) fn path(name: &str, verb: &str) -> String {
    format!("/images/{}/{verb}", call_path(name))
}

/// `repository:tag` in two; a port is no tag.
pub(super) fn split_tag(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (text, None),
    }
}

/// `os[/arch[/variant]]` as the API wants it.
pub(super) fn platform(text: &str) -> Result<Value, Failure> {
    let mut parts = text.split('/');
    let (os, architecture, variant) = (parts.next(), parts.next(), parts.next());
    if os.is_none_or(str::is_empty) || parts.next().is_some() {
        return Err(Failure::new(format!("invalid platform: {text:?}")));
    }
    let mut value = json!({ "os": os });
    for (key, part) in [("architecture", architecture), ("variant", variant)] {
        if let (Some(object), Some(part)) = (value.as_object_mut(), part) {
            object.insert(key.to_owned(), part.into());
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(split_tag("a:1"), ("a", Some("1")));
        assert_eq!(split_tag("h:5000/a"), ("h:5000/a", None));
        assert_eq!(split_tag("h:5000/a:b"), ("h:5000/a", Some("b")));
    }

    #[test]
    fn platforms_have_up_to_three_parts() {
        let value = platform("linux/arm/v7").unwrap();
        assert_eq!(
            value,
            json!({"os": "linux", "architecture": "arm", "variant": "v7"})
        );
        assert_eq!(platform("linux").unwrap(), json!({"os": "linux"}));
        assert!(platform("a/b/c/d").is_err() && platform("").is_err());
    }
}
