//! Help pages in the form that docker users know.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

/// `lockgate container ls`.
pub(super) fn full_name(path: &[&Command]) -> String {
    let names: Vec<&str> = path.iter().map(|command| command.get_name()).collect();
    names.join(" ")
}

/// `lockgate rm [OPTIONS] CONTAINER [CONTAINER...]`.
pub(super) fn usage(path: &[&Command]) -> String {
    let mut text = full_name(path);
    let Some(command) = path.last() else {
        return text;
    };
    if options(command).next().is_some() {
        text.push_str(" [OPTIONS]");
    }
    if command.has_subcommands() {
        text.push_str(" COMMAND");
    }
    for arg in command.get_positionals() {
        text.push(' ');
        text.push_str(&value_name(arg));
    }
    text
}

/// The whole page.
pub(super) fn page(root: &Command, path: &[&Command]) -> String {
    let Some(command) = path.last() else {
        return String::new();
    };
    let name = full_name(path);
    let mut text = format!("Usage:  {}\n", usage(path));
    if let Some(about) = command.get_about() {
        put(&mut text, format_args!("\n{about}\n"));
    }
    let aliases = aliases(root, path);
    if aliases.len() > 1 {
        put(
            &mut text,
            format_args!("\nAliases:\n  {}\n", aliases.join(", ")),
        );
    }
    commands(&mut text, command, path.len() == 1);
    let heading = if path.len() == 1 {
        "Global Options"
    } else {
        "Options"
    };
    flags(&mut text, command, heading);
    if command.has_subcommands() {
        put(
            &mut text,
            format_args!("\nRun '{name} COMMAND --help' for more information on a command.\n"),
        );
    }
    text
}

fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    command
        .get_arguments()
        .filter(|arg| !arg.is_positional() && !arg.is_hide_set())
}

/// Every way to call the command, `container` forms first.
fn aliases(root: &Command, path: &[&Command]) -> Vec<String> {
    let Some(command) = path.last().filter(|_| path.len() > 1) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for group in root.get_subcommands() {
        for verb in group.get_subcommands().filter(|verb| same(verb, command)) {
            let names = std::iter::once(verb.get_name()).chain(verb.get_visible_aliases());
            let base = format!("{} {}", root.get_name(), group.get_name());
            found.extend(names.map(|name| format!("{base} {name}")));
        }
    }
    let top = root.get_subcommands().filter(|verb| same(verb, command));
    found.extend(top.map(|verb| format!("{} {}", root.get_name(), verb.get_name())));
    found
}

/// The same command in two places says the same about itself.
fn same(a: &Command, b: &Command) -> bool {
    !a.has_subcommands()
        && a.get_about().map(ToString::to_string) == b.get_about().map(ToString::to_string)
}

fn commands(text: &mut String, command: &Command, is_root: bool) {
    let mut all: Vec<&Command> = command
        .get_subcommands()
        .filter(|c| !c.is_hide_set())
        .collect();
    all.sort_by_key(|command| command.get_name());
    let width = all
        .iter()
        .map(|command| command.get_name().len())
        .fold(9, usize::max);
    let parts: [(&str, Belongs<'_>); 3] = if is_root {
        [
            ("Common Commands", &|c| COMMON.contains(&c.get_name())),
            ("Management Commands", &|c| c.has_subcommands()),
            ("Commands", &|c| {
                !c.has_subcommands() && !COMMON.contains(&c.get_name())
            }),
        ]
    } else {
        [("Commands", &|_| true), ("", &|_| false), ("", &|_| false)]
    };
    for (heading, belongs) in parts {
        let mut members: Vec<&&Command> = all.iter().filter(|c| belongs(c)).collect();
        if heading == "Common Commands" {
            members.sort_by_key(|c| COMMON.iter().position(|name| *name == c.get_name()));
        }
        if members.is_empty() {
            continue;
        }
        put(text, format_args!("\n{heading}:\n"));
        for member in members {
            let about = member
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            put(
                text,
                format_args!("  {:width$}   {about}\n", member.get_name()),
            );
        }
    }
}

type Belongs<'a> = &'a dyn Fn(&Command) -> bool;

const COMMON: [&str; 7] = ["run", "exec", "ps", "images", "pull", "version", "info"];

fn flags(text: &mut String, command: &Command, heading: &str) {
    let mut rows: Vec<(String, String)> = options(command)
        .filter_map(|arg| Some((left(arg)?, right(arg))))
        .collect();
    rows.sort_by(|a, b| long_name(&a.0).cmp(long_name(&b.0)));
    if rows.is_empty() {
        return;
    }
    put(text, format_args!("\n{heading}:\n"));
    let width = rows.iter().map(|(left, _)| left.len()).max().unwrap_or(0) + 3;
    for (left, right) in rows {
        let mut lines = wrap(&right, COLUMNS.saturating_sub(width).max(24)).into_iter();
        put(
            text,
            format_args!("{left:width$}{}\n", lines.next().unwrap_or_default()),
        );
        for line in lines {
            put(text, format_args!("{:width$}{line}\n", ""));
        }
    }
}

fn long_name(left: &str) -> &str {
    left.split_once("--").map_or(left, |(_, long)| long)
}

fn left(arg: &Arg) -> Option<String> {
    let long = arg.get_long()?;
    let short = arg
        .get_short()
        .map_or_else(|| "    ".to_owned(), |c| format!("-{c}, "));
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
        && !arg.is_require_equals_set();
    let kind = if takes_value {
        format!(" {}", value_name(arg))
    } else {
        String::new()
    };
    Some(format!("  {short}--{long}{kind}"))
}

fn right(arg: &Arg) -> String {
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if let Some(default) = arg
        .get_default_values()
        .first()
        .and_then(|value| value.to_str())
    {
        match default {
            "false" | "" => {}
            _ if default == "true" || default.parse::<f64>().is_ok() => {
                put(&mut text, format_args!(" (default {default})"));
            }
            _ => put(&mut text, format_args!(" (default {default:?})")),
        }
    }
    text
}

fn value_name(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names
        .first()
        .map_or_else(|| "string".to_owned(), ToString::to_string)
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(what).unwrap_or_default();
}

const COLUMNS: usize = 80;
