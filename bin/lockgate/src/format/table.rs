//! Lists of objects: a table by default, anything by template.

use std::collections::BTreeMap;
use std::io::Write as _;

use gtmpl_ng::Value;
use tabwriter::TabWriter;

use super::functions;
use super::template::{Template, TemplateFailure};
use crate::failure::Failure;
use crate::output::Output;

/// A field of a row: its name in templates, and its heading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column(pub(crate) &'static str, pub(crate) &'static str);

/// One object of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    fields: BTreeMap<&'static str, String>,
    absent: Vec<&'static str>,
    labels: BTreeMap<String, String>,
}

impl Row {
    /// An empty row.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Sets a field.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.insert(name, value.into());
        self
    }

    /// Sets a field of which nothing is known.
    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.absent.push(name);
        self
    }

    /// Sets what `.Label "x"` finds, and `.Labels`.
    pub(crate) fn labels(mut self, labels: &BTreeMap<String, String>) -> Self {
        let pairs: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        self.labels.clone_from(labels);
        self.with("Labels", pairs.join(","))
    }

    fn value(&self) -> Value {
        functions::set_labels(self.labels.clone());
        let known = self
            .fields
            .iter()
            .map(|(k, v)| ((*k).to_owned(), Value::from(v.clone())));
        let absent = self
            .absent
            .iter()
            .map(|name| ((*name).to_owned(), Value::Nil));
        let fields = known.chain(absent).collect();
        Value::Object(fields)
    }
}

/// How a kind of object is listed.
#[derive(Clone, Debug)]
pub(crate) struct Listing<'a> {
    /// Every field that a template may use.
    pub(crate) columns: &'a [Column],
    /// The table that is shown when no other is asked for.
    pub(crate) table: &'a str,
    /// What `-q` shows.
    pub(crate) quiet: Option<&'a str>,
    /// The value of `--format`, empty if not given.
    pub(crate) format: &'a str,
}

impl Listing<'_> {
    /// Prints the rows.
    pub(crate) fn print(&self, rows: &[Row], out: &mut Output) -> Result<(), Failure> {
        let text = self.render(rows)?;
        out.text(text)?;
        Ok(())
    }

    /// The rows as text.
    pub(crate) fn render(&self, rows: &[Row]) -> Result<String, Failure> {
        let (template, is_table) = self.template();
        let body = Template::parse(&template)?;
        let mut text = String::new();
        if is_table {
            let heading = Template::parse_heading(&template)?;
            text.push_str(&heading.render(self.heading()).map_err(executing)?);
            text.push('\n');
        }
        for row in rows {
            text.push_str(&body.render(row.value()).map_err(executing)?);
            text.push('\n');
        }
        Ok(if is_table { align(&text) } else { text })
    }

    fn template(&self) -> (String, bool) {
        let format = self.format.replace("\\t", "\t").replace("\\n", "\n");
        let format = format.replace(".Label ", &format!("{} ", functions::LABEL));
        let is_default = matches!(format.as_str(), "" | "table");
        if let Some(quiet) = self.quiet.filter(|_| is_default) {
            return (quiet.to_owned(), false);
        }
        match format.strip_prefix("table") {
            _ if is_default => (self.table.to_owned(), true),
            Some(rest) => (rest.trim().to_owned(), true),
            None if format == "json" => ("{{json .}}".to_owned(), false),
            None => (format, false),
        }
    }

    fn heading(&self) -> Value {
        let fields = self
            .columns
            .iter()
            .map(|Column(name, heading)| ((*name).to_owned(), Value::from((*heading).to_owned())))
            .collect();
        Value::Object(fields)
    }
}

fn executing(failure: TemplateFailure) -> Failure {
    let failure = match failure {
        TemplateFailure::Field { column, at, .. } => {
            let reason = format!("can't evaluate field {}", at.trim_start_matches('.'));
            TemplateFailure::Field { column, at, reason }
        }
        other => other,
    };
    Failure::new(format!("failed to execute template: {failure}"))
}

impl From<TemplateFailure> for Failure {
    fn from(failure: TemplateFailure) -> Self {
        Self::new(failure.to_string())
    }
}

/// Lines up the cells that tabs separate; columns are at least ten wide, three apart.
pub(crate) fn align(text: &str) -> String {
    tabulate(text, 10)
}

/// The same with columns of at least twenty.
pub(crate) fn align_wide(text: &str) -> String {
    tabulate(text, 20)
}

fn tabulate(text: &str, width: usize) -> String {
    let mut writer = TabWriter::new(Vec::new())
        .padding(PADDING)
        .minwidth(width - PADDING);
    let written = writer
        .write_all(text.as_bytes())
        .and_then(|()| writer.flush());
    match (written, writer.into_inner()) {
        (Ok(()), Ok(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => text.to_owned(),
    }
}

const PADDING: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column("ID", "CONTAINER ID"),
        Column("Name", "NAME"),
        Column("Labels", "LABELS"),
    ];

    fn listing(format: &str) -> Result<String, String> {
        let labels = BTreeMap::from([("a.b-c".to_owned(), "d".to_owned())]);
        let rows = [
            Row::new()
                .with("ID", "1")
                .with("Name", "one")
                .labels(&labels),
            Row::new()
                .with("ID", "22")
                .with("Name", "<two>")
                .labels(&BTreeMap::new()),
        ];
        let table = "table {{.ID}}\t{{.Name}}".trim_start_matches("table ");
        Listing {
            columns: COLUMNS,
            table,
            quiet: None,
            format,
        }
        .render(&rows)
        .map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_table_has_a_heading_and_aligned_columns() {
        assert_eq!(
            listing("").unwrap(),
            "CONTAINER ID   NAME\n1              one\n22             <two>\n"
        );
        assert_eq!(
            listing("table {{.Name}}\\t{{lower .ID}}").unwrap(),
            "NAME      CONTAINER ID\none       1\n<two>     22\n"
        );
    }

    #[test]
    fn templates_have_no_heading() {
        assert_eq!(
            listing("{{.ID}}-{{.Label \"a.b-c\"}}").unwrap(),
            "1-d\n22-\n"
        );
        assert_eq!(listing("table {{.Label \"a.b-c\"}}").unwrap(), "b c\nd\n\n");
        let json = listing("json").unwrap();
        assert_eq!(
            json.lines().nth(1).unwrap(),
            r#"{"ID":"22","Labels":"","Name":"\u003ctwo\u003e"}"#
        );
    }

    #[test]
    fn an_unknown_field_is_named() {
        let message = listing("{{.Foo}}").unwrap_err();
        assert!(
            message.starts_with(
                "failed to execute template: template: :1:2: executing \"\" at <.Foo>"
            ),
            "{message}"
        );
    }

    #[test]
    fn quiet_beats_the_table_but_not_a_template() {
        let rows = [Row::new().with("ID", "1")];
        let quiet = |format| Listing {
            columns: COLUMNS,
            table: "",
            quiet: Some("{{.ID}}"),
            format,
        };
        assert_eq!(quiet("").render(&rows).unwrap(), "1\n");
        assert_eq!(quiet("x").render(&rows).unwrap(), "x\n");
    }
}
