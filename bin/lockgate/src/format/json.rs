//! JSON as Go writes it: sorted maps, `<`, `>` and `&` escaped.

use gtmpl_ng::Value;

/// One line of JSON.
pub(crate) fn compact(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Nil | Value::NoValue | Value::Function(_) => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(entries) | Value::Map(entries) => {
            let mut sorted: Vec<(&String, &Value)> = entries
                .iter()
                .filter(|(_, value)| !matches!(value, Value::Function(_)))
                .collect();
            sorted.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, item)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&escape_html(&serde_json::Value::from(text).to_string()));
}

/// Go's encoder makes JSON safe to be put into HTML.
pub(crate) fn escape_html(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    out
}

/// JSON with four blanks for each level, the order of fields kept.
pub(crate) fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut is_empty = false;
    for token in Tokens::new(json) {
        let is_end = matches!(token, "}" | "]");
        if is_end {
            depth = depth.saturating_sub(1);
        }
        if is_empty != is_end {
            new_line(&mut out, depth);
        }
        is_empty = false;
        out.push_str(token);
        match token {
            "{" | "[" => {
                depth += 1;
                is_empty = true;
            }
            "," => new_line(&mut out, depth),
            ":" => out.push(' '),
            _ => {}
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"    ".repeat(depth));
}

/// JSON without blanks.
pub(crate) fn shrink(json: &str) -> String {
    Tokens::new(json).collect()
}

/// The text of a field, with the order of what is in it kept.
pub(crate) fn at(json: &str, path: &[&str]) -> Option<String> {
    let mut text = json.to_owned();
    for field in path {
        let object: std::collections::BTreeMap<String, &serde_json::value::RawValue> =
            serde_json::from_str(&text).ok()?;
        text = object.get(*field)?.get().to_owned();
    }
    Some(text)
}

/// The tokens of JSON that is known to be well formed.
struct Tokens<'j> {
    rest: &'j str,
}

impl<'j> Tokens<'j> {
    fn new(json: &'j str) -> Self {
        Self { rest: json }
    }
}

impl<'j> Iterator for Tokens<'j> {
    type Item = &'j str;

    fn next(&mut self) -> Option<&'j str> {
        self.rest = self.rest.trim_start();
        let length = match self.rest.bytes().next()? {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            b'"' => text_length(self.rest),
            _ => self
                .rest
                .find([',', '}', ']', ':', ' ', '\n', '\r', '\t'])
                .unwrap_or(self.rest.len()),
        };
        let (token, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(token)
    }
}

fn text_length(json: &str) -> usize {
    let mut is_escaped = false;
    for (index, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indenting_keeps_order_and_empty_things_together() {
        let json = r#"[{"b":1,"a":{},"c":[],"d":["x, \"}",{"e":null}]}]"#;
        let expected = r#"[
    {
        "b": 1,
        "a": {},
        "c": [],
        "d": [
            "x, \"}",
            {
                "e": null
            }
        ]
    }
]"#;
        assert_eq!(indent(json), expected);
        assert_eq!(shrink(expected), json);
        assert_eq!(indent("[]"), "[]");
    }

    #[test]
    fn a_field_is_found_as_it_is_written() {
        let json = r#"{"A":{"z":1, "a":"<"}}"#;
        assert_eq!(at(json, &["A"]).unwrap(), r#"{"z":1, "a":"<"}"#);
        assert_eq!(at(json, &["A", "z"]).unwrap(), "1");
        assert_eq!(at(json, &["B"]), None);
    }
}
