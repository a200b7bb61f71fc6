//! The functions that docker adds to Go's templates.

use std::cell::RefCell;
use std::collections::BTreeMap;

use gtmpl_ng::{Func, FuncError, Value};

use super::json;

/// Functions of ordinary rows.
pub(super) const ROW: &[(&str, Func)] = &[
    ("index", index),
    ("json", to_json),
    ("join", join),
    (LABEL, label),
    ("lower", lower),
    ("pad", pad),
    ("split", split),
    ("title", title),
    ("truncate", truncate),
    ("upper", upper),
];

/// Functions of a table's heading: they show what they would be applied to.
pub(super) const HEADING: &[(&str, Func)] = &[
    ("json", first),
    ("join", first),
    (LABEL, label_heading),
    ("lower", first),
    ("pad", pad),
    ("split", first),
    ("title", first),
    ("truncate", first),
    ("upper", first),
];

/// What `.Label "x"` is called inside: the engine knows no methods with arguments.
pub(super) const LABEL: &str = "labelOfRow";

thread_local! {
    // The engine's functions are bare function pointers: what `.Label "x"` looks up lies here.
    static LABELS: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
}

/// Sets the labels that `.Label "x"` finds in the row that is rendered next.
pub(super) fn set_labels(labels: BTreeMap<String, String>) {
    LABELS.with(|cell| *cell.borrow_mut() = labels);
}

/// `.Label "x"`.
fn label(args: &[Value]) -> Result<Value, FuncError> {
    let name = text(args, 0, "Label")?;
    let value = LABELS.with(|cell| cell.borrow().get(&name).cloned());
    Ok(Value::from(value.unwrap_or_default()))
}

/// `.Label "x"` in a heading.
fn label_heading(args: &[Value]) -> Result<Value, FuncError> {
    let name = text(args, 0, "Label")?;
    let last = name.rsplit('.').next().unwrap_or_default();
    Ok(Value::from(last.replace(['-', '_'], " ")))
}

#[expect(clippy::unnecessary_wraps, reason = "the engine's type of functions")]
fn to_json(args: &[Value]) -> Result<Value, FuncError> {
    Ok(Value::from(json::compact(
        args.first().unwrap_or(&Value::Nil),
    )))
}

/// Go's `index`; a map of texts answers a key it does not have with the empty text.
fn index(args: &[Value]) -> Result<Value, FuncError> {
    let found = gtmpl_ng::funcs::index(args)?;
    let is_text = |value: &Value| matches!(value, Value::String(_));
    match (&found, args.first()) {
        (Value::NoValue, Some(Value::Map(map))) if map.values().all(is_text) => {
            Ok(Value::from(String::new()))
        }
        _ => Ok(found),
    }
}

fn join(args: &[Value]) -> Result<Value, FuncError> {
    let separator = text(args, 1, "join")?;
    match args.first() {
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(ToString::to_string).collect();
            Ok(Value::from(items.join(&separator)))
        }
        Some(Value::Nil | Value::NoValue) => Ok(Value::from(String::new())),
        _ => Err(FuncError::Generic(
            "join: the first argument is no list".to_owned(),
        )),
    }
}

fn split(args: &[Value]) -> Result<Value, FuncError> {
    let (all, separator) = (text(args, 0, "split")?, text(args, 1, "split")?);
    let parts: Vec<Value> = if separator.is_empty() {
        all.chars()
            .map(|letter| Value::from(letter.to_string()))
            .collect()
    } else {
        all.split(&separator)
            .map(|part| Value::from(part.to_owned()))
            .collect()
    };
    Ok(Value::Array(parts))
}

fn lower(args: &[Value]) -> Result<Value, FuncError> {
    Ok(Value::from(text(args, 0, "lower")?.to_lowercase()))
}

fn upper(args: &[Value]) -> Result<Value, FuncError> {
    Ok(Value::from(text(args, 0, "upper")?.to_uppercase()))
}

fn title(args: &[Value]) -> Result<Value, FuncError> {
    let text = text(args, 0, "title")?;
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    Ok(Value::from(first + letters.as_str()))
}

/// `pad TEXT before after`: blanks around a text that is not empty.
fn pad(args: &[Value]) -> Result<Value, FuncError> {
    let inner = text(args, 0, "pad")?;
    if inner.is_empty() {
        return Ok(Value::from(inner));
    }
    let (before, after) = (number(args, 1, "pad")?, number(args, 2, "pad")?);
    Ok(Value::from(format!(
        "{}{inner}{}",
        " ".repeat(before),
        " ".repeat(after)
    )))
}

fn truncate(args: &[Value]) -> Result<Value, FuncError> {
    let (all, length) = (text(args, 0, "truncate")?, number(args, 1, "truncate")?);
    Ok(Value::from(all.chars().take(length).collect::<String>()))
}

#[expect(clippy::unnecessary_wraps, reason = "the engine's type of functions")]
fn first(args: &[Value]) -> Result<Value, FuncError> {
    Ok(args.first().cloned().unwrap_or(Value::Nil))
}

fn text(args: &[Value], index: usize, function: &str) -> Result<String, FuncError> {
    match args.get(index) {
        Some(Value::Nil | Value::NoValue) => Ok(String::new()),
        Some(value) => Ok(value.to_string()),
        None => Err(FuncError::AtLeastXArgs(function.to_owned(), index + 1)),
    }
}

fn number(args: &[Value], index: usize, function: &str) -> Result<usize, FuncError> {
    let text = text(args, index, function)?;
    // Go refuses a negative count with a panic; a huge one would only fill the memory.
    let count = text.parse::<usize>().ok().filter(|count| *count <= 4096);
    count.ok_or_else(|| FuncError::Generic(format!("{function}: {text} is no usable number")))
}
