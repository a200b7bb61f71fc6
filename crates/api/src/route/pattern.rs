//! Path patterns with holes: `{id}` is one segment, `{name:.*}` one or more of them.

use super::Params;

/// Matches a cleaned path against a pattern; what fills the holes comes back in order.
pub(super) fn matches(pattern: &'static str, path: &str) -> Option<Params> {
    let pattern: Vec<&'static str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    let mut params = Params::default();
    fill(&pattern, &path, &mut params).then_some(params)
}

/// The path that a pattern was matched with: the opposite of [`matches()`].
pub(super) fn filled(pattern: &'static str, params: &Params) -> String {
    let segment = |part| match Segment::of(part) {
        Segment::Literal(literal) => literal,
        Segment::Many(hole) | Segment::One(hole) => params.get(hole).unwrap_or_default(),
    };
    pattern
        .split('/')
        .map(segment)
        .collect::<Vec<_>>()
        .join("/")
}

/// Whether the path begins as the pattern does, up to its first hole; spares the rest mostly.
pub(super) fn may_match(pattern: &'static str, path: &str) -> bool {
    let literal = pattern.split('{').next().unwrap_or_default();
    path.starts_with(literal)
}

/// A wildcard takes all segments that the literals after it leave over. No pattern has two
/// wildcards (tested), so there is exactly one way to divide a path.
fn fill(pattern: &[&'static str], path: &[&str], params: &mut Params) -> bool {
    let Some((&hole, rest)) = pattern.split_first() else {
        return path.is_empty();
    };
    let taken = match Segment::of(hole) {
        Segment::Many(_) => path.len().saturating_sub(rest.len()),
        Segment::Literal(_) | Segment::One(_) => 1,
    };
    let Some((head, tail)) = path.split_at_checked(taken) else {
        return false;
    };
    if head.is_empty() {
        return false;
    }
    let text = head.join("/");
    let fits = match Segment::of(hole) {
        Segment::Literal(literal) => literal == text,
        Segment::One(name) | Segment::Many(name) => {
            params.push(name, &text);
            head.iter().all(|segment| !segment.is_empty())
        }
    };
    fits && fill(rest, tail, params)
}

/// One part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Literal(&'static str),
    Many(&'static str),
    One(&'static str),
}

impl Segment {
    pub(super) fn of(text: &'static str) -> Self {
        match text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
            Some(hole) => hole.strip_suffix(":.*").map_or(Self::One(hole), Self::Many),
            None => Self::Literal(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(pattern: &'static str, path: &str) -> Option<String> {
        matches(pattern, path).and_then(|params| params.get("name").map(str::to_owned))
    }

    #[test]
    fn wildcards_take_slashes_in_the_middle() {
        let pattern = "/images/{name:.*}/json";
        assert_eq!(param(pattern, "/images/a/b/json").as_deref(), Some("a/b"));
        assert_eq!(param(pattern, "/images/json/json").as_deref(), Some("json"));
        assert_eq!(param(pattern, "/images/json"), None);
        assert_eq!(param(pattern, "/images//json"), None);
        assert_eq!(param(pattern, "/images/a/json/"), None);
        assert_eq!(param(pattern, "/images/a/JSON"), None);
        assert_eq!(param("/volumes/{name:.*}", "/volumes/"), None);
    }

    #[test]
    fn a_filled_pattern_is_the_path_again() {
        for (pattern, path) in [
            ("/images/{name:.*}/json", "/images/a/b/json"),
            (
                "/containers/{id}/checkpoints/{checkpoint}",
                "/containers/a b/checkpoints/c",
            ),
            ("/networks/", "/networks/"),
        ] {
            let params = matches(pattern, path).unwrap();
            assert_eq!(filled(pattern, &params), path);
        }
    }

    #[test]
    fn single_holes_take_one_segment() {
        assert_eq!(param("/nodes/{name}", "/nodes/a").as_deref(), Some("a"));
        assert_eq!(param("/nodes/{name}", "/nodes/a/b"), None);
        assert_eq!(param("/nodes/{name}", "/nodes/"), None);
    }
}
