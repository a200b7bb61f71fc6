//! Go templates, behind one type so that the engine can be replaced.

use std::collections::HashMap;

use gtmpl_ng::{Context, ExecError, Func, Limits, Value};
use serde_json::Value as Json;

use super::functions;

/// A template that parses.
pub(crate) struct Template {
    inner: gtmpl_ng::Template,
    text: String,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateFailure {
    /// It does not parse.
    #[error("failed to parse template: template: :1: {0}")]
    Parse(String),
    /// It asks for what is not there.
    #[error("template: :1:{column}: executing \"\" at <{at}>: {reason}")]
    Field {
        column: usize,
        at: String,
        reason: String,
    },
    /// It fails in another way.
    #[error("template: :1: executing \"\": {0}")]
    Execute(String),
}

impl Template {
    /// A template for rows.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateFailure> {
        Self::with(text, functions::ROW)
    }

    /// The same template for the heading of a table.
    pub(crate) fn parse_heading(text: &str) -> Result<Self, TemplateFailure> {
        Self::with(text, functions::HEADING)
    }

    fn with(text: &str, functions: &[(&str, Func)]) -> Result<Self, TemplateFailure> {
        // The template is the user's own, and so is the time it takes.
        let mut inner = gtmpl_ng::Template::with_limits(Limits::unlimited());
        inner.add_funcs(functions);
        inner
            .parse(text)
            .map_err(|error| TemplateFailure::Parse(parse_reason(&error.to_string())))?;
        Ok(Self {
            inner,
            text: text.to_owned(),
        })
    }

    /// The text for one value.
    pub(crate) fn render(&self, value: Value) -> Result<String, TemplateFailure> {
        self.inner
            .render(&Context::from(value))
            .map_err(|error| execute_reason(&error, &self.text))
    }
}

/// Go's words for the mistakes that people make.
fn parse_reason(text: &str) -> String {
    if let Some(rest) = text.split("function ").nth(1)
        && text.contains("not defined")
    {
        let name = rest
            .split([' ', ':', ','])
            .next()
            .unwrap_or(rest)
            .trim_matches(['"', '`']);
        return format!("function {name:?} not defined");
    }
    if text.contains("unclosed action") {
        return "unclosed action".to_owned();
    }
    text.to_owned()
}

fn execute_reason(error: &ExecError, template: &str) -> TemplateFailure {
    let text = error.to_string();
    match text
        .split("no field `")
        .nth(1)
        .and_then(|rest| rest.split('`').next())
    {
        Some(field) => {
            let (column, at) = place(template, field);
            let reason = format!("map has no entry for key {field:?}");
            TemplateFailure::Field { column, at, reason }
        }
        None => TemplateFailure::Execute(text),
    }
}

/// Where a template asks for a field: the column, and the whole path up to there.
fn place(template: &str, field: &str) -> (usize, String) {
    let dotted = format!(".{field}");
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let whole = |column: &usize| {
        let rest = template.get(column + dotted.len()..).unwrap_or_default();
        !rest.starts_with(is_name)
    };
    let found = template
        .match_indices(&dotted)
        .map(|(column, _)| column)
        .find(whole);
    let Some(column) = found else {
        return (0, dotted);
    };
    let before = template.get(..column).unwrap_or_default();
    let start = before.trim_end_matches(|c| is_name(c) || c == '.').len();
    let path = before.get(start..).unwrap_or_default();
    (column, format!("{path}{dotted}"))
}

/// `.A.B` of a template that is nothing but `{{json .A.B}}`: such a value can be shown with the
/// order of its fields kept.
pub(crate) fn plain_path(template: &str) -> Option<Vec<&str>> {
    let inner = template
        .trim()
        .strip_prefix("{{")?
        .strip_suffix("}}")?
        .trim();
    let path = inner.strip_prefix("json")?.trim();
    let rest = path.strip_prefix('.')?;
    if rest.is_empty() {
        return Some(Vec::new());
    }
    let is_name = |part: &&str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let parts: Vec<&str> = rest.split('.').collect();
    parts.iter().all(is_name).then_some(parts)
}

/// An API object for a template. Where the API has maps with free keys, a missing key is no
/// mistake; everywhere else it is.
pub(crate) fn value_of(json: &Json) -> Value {
    convert(json, false)
}

fn convert(json: &Json, is_map: bool) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::String(text) => Value::String(text.clone()),
        Json::Number(number) => convert_number(number),
        Json::Array(items) => Value::Array(items.iter().map(|item| convert(item, false)).collect()),
        Json::Object(entries) => {
            let fields: HashMap<String, Value> = entries
                .iter()
                .map(|(key, value)| (key.clone(), member(key, value)))
                .collect();
            if is_map {
                Value::Map(fields)
            } else {
                Value::Object(fields)
            }
        }
    }
}

fn member(key: &str, value: &Json) -> Value {
    match value {
        Json::Null if has_free_keys(key) => Value::Map(HashMap::new()),
        Json::Null if is_list(key) => Value::Array(Vec::new()),
        _ => convert(value, has_free_keys(key)),
    }
}

fn convert_number(number: &serde_json::Number) -> Value {
    if let Some(whole) = number.as_i64() {
        return Value::from(whole);
    }
    match number.as_u64() {
        Some(whole) => Value::from(whole),
        None => Value::from(number.as_f64().unwrap_or(0.0)),
    }
}

/// Lists of the API, which Go shows as `[]` where JSON has null.
fn is_list(field: &str) -> bool {
    matches!(
        field,
        "Aliases"
            | "Args"
            | "Binds"
            | "CapAdd"
            | "CapDrop"
            | "Cmd"
            | "DNSNames"
            | "DeviceCgroupRules"
            | "DeviceRequests"
            | "Devices"
            | "Dns"
            | "DnsOptions"
            | "DnsSearch"
            | "Entrypoint"
            | "Env"
            | "ExecIDs"
            | "ExtraHosts"
            | "GroupAdd"
            | "Links"
            | "MaskedPaths"
            | "Mounts"
            | "OnBuild"
            | "ReadonlyPaths"
            | "RepoDigests"
            | "RepoTags"
            | "SecurityOpt"
            | "Ulimits"
            | "VolumesFrom"
    )
}

/// Objects of the API whose keys are data.
fn has_free_keys(field: &str) -> bool {
    matches!(
        field,
        "Annotations"
            | "Attributes"
            | "Containers"
            | "Data"
            | "DriverOpts"
            | "ExposedPorts"
            | "Labels"
            | "Metadata"
            | "Networks"
            | "Options"
            | "PortBindings"
            | "Ports"
            | "Runtimes"
            | "StorageOpt"
            | "Sysctls"
            | "Tmpfs"
            | "Volumes"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str, json: &str) -> Result<String, String> {
        let json: Json = serde_json::from_str(json).unwrap();
        let template = Template::parse(template).map_err(|error| error.to_string())?;
        template
            .render(value_of(&json))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn renders_what_docker_renders() {
        let json = r#"{"A":"x y","N":12,"F":1.5,"L":["a","b"],"B":true,"Labels":{"k":"v"},
            "Nested":{"Z":1,"A":{"b":"<"}}}"#;
        for (template, expected) in [
            ("{{.A}} {{.N}} {{.F}} {{.B}}", "x y 12 1.5 true"),
            ("{{json .Nested}}", r#"{"A":{"b":"\u003c"},"Z":1}"#),
            ("{{range .L}}[{{.}}]{{end}}", "[a][b]"),
            ("{{range $i, $e := .L}}{{$i}}={{$e}};{{end}}", "0=a;1=b;"),
            ("{{join .L \",\"}}", "a,b"),
            ("{{upper .A}} {{title .A}}", "X Y X y"),
            ("{{index .Labels \"k\"}}", "v"),
            ("{{.Labels.nope}}", "<no value>"),
            ("{{len .L}}", "2"),
            ("{{index (split .A \" \") 1}}", "y"),
            ("{{truncate .A 1}}|{{pad .A 1 2}}|", "x| x y  |"),
            ("{{printf \"%-5s|%q\" .A .A}}", "x y  |\"x y\""),
            ("{{with .Nested}}{{.Z}}{{end}}", "1"),
            ("{{if eq .N 12}}y{{else}}n{{end}}", "y"),
            ("{{println .A}}", "x y\n"),
            ("{{.L}}", "[a b]"),
            ("{{index .Labels \"nope\"}}", ""),
        ] {
            assert_eq!(
                render(template, json).as_deref(),
                Ok(expected),
                "{template}"
            );
        }
    }

    #[test]
    fn a_field_that_is_not_there_is_a_mistake() {
        assert_eq!(
            render("{{.Foo}}", "{}").unwrap_err(),
            "template: :1:2: executing \"\" at <.Foo>: map has no entry for key \"Foo\""
        );
        assert_eq!(
            render("{{.A.Foo}}", r#"{"A":{}}"#).unwrap_err(),
            "template: :1:4: executing \"\" at <.A.Foo>: map has no entry for key \"Foo\""
        );
        assert_eq!(
            render("{{foo}}", "{}").unwrap_err(),
            "failed to parse template: template: :1: function \"foo\" not defined"
        );
        assert_eq!(
            render("{{", "{}").unwrap_err(),
            "failed to parse template: template: :1: unclosed action"
        );
    }

    #[test]
    fn a_plain_path_keeps_the_order() {
        assert_eq!(
            plain_path("{{json .Config.Labels}}"),
            Some(vec!["Config", "Labels"])
        );
        assert_eq!(plain_path(" {{ json . }} "), Some(vec![]));
        assert_eq!(plain_path("{{json .A}} {{json .B}}"), None);
        assert_eq!(plain_path("{{.A}}"), None);
    }
}
