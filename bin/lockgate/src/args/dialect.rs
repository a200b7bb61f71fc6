//! Makes clap read a command line as docker's parser does, and refuse it in the same words.
//!
//! Booleans take `--flag=false`; a later flag beats an earlier one; a value may begin with a
//! dash; `-h` is help where it is nothing else. A flag that cannot be read ends with status 125,
//! the wrong number of arguments with 1.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory, Error, FromArgMatches, Subcommand as _};

use super::{Cli, DockerVerb, help, value};
use crate::config::program_name;
use crate::failure::Failure;

/// Reads the command line. Help and version come back as a failure with status 0.
pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Cli, Failure> {
    let mut words: Vec<OsString> = words.collect();
    rewrite_help(&mut words);
    read(command(), &words)
}

/// Reads a command of docker that this program does not have; `None` if it is none of those either.
pub(crate) fn parse_foreign(words: &[OsString]) -> Option<Result<DockerVerb, Failure>> {
    let command = adapt(DockerVerb::augment_subcommands(Command::new("docker")));
    let path = find(&command, words);
    let is_verb = path.len() > 1 && path.last().is_some_and(|last| !last.has_subcommands());
    is_verb.then(|| read(command, words))
}

fn read<T: FromArgMatches>(mut command: Command, words: &[OsString]) -> Result<T, Failure> {
    let matches = match command.try_get_matches_from_mut(words) {
        Ok(matches) => matches,
        Err(error) => return Err(explain(&command, words, &error)),
    };
    T::from_arg_matches(&matches).map_err(|error| explain(&command, words, &error))
}

/// The whole command line as clap sees it.
pub(crate) fn command() -> Command {
    let version = Arg::new("version")
        .long("version")
        .short('v')
        .action(ArgAction::Version)
        .help("Print version information and quit");
    let command = Cli::command()
        .name(program_name())
        .bin_name(program_name())
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .arg(version);
    adapt(command)
}

fn adapt(command: Command) -> Command {
    let h_is_taken = command
        .get_arguments()
        .any(|arg| arg.get_short() == Some('h'));
    let help = Arg::new("help")
        .long("help")
        .action(ArgAction::Help)
        .help("Print usage");
    let help = if h_is_taken { help } else { help.short('h') };
    command
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .mut_args(adapt_arg)
        .arg(help.hide(true))
        .mut_subcommands(adapt)
}

fn adapt_arg(arg: Arg) -> Arg {
    match arg.get_action() {
        ArgAction::SetTrue => {
            let on = arg
                .get_default_values()
                .first()
                .is_some_and(|value| value == "true");
            boolean(arg, on)
        }
        ArgAction::Set | ArgAction::Append if !arg.is_positional() => {
            let is_boolean = arg.is_require_equals_set();
            arg.allow_hyphen_values(!is_boolean)
        }
        _ => arg,
    }
}

/// `--flag`, `--flag=true`, `--flag=0`.
pub(super) fn boolean(arg: Arg, default: bool) -> Arg {
    arg.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value(if default { "true" } else { "false" })
        .value_parser(value::boolean)
}

/// `help`, `help ps` become `--help`, `ps --help`.
fn rewrite_help(words: &mut Vec<OsString>) {
    if words.get(1).is_some_and(|word| word == "help") {
        words.remove(1);
        words.push("--help".into());
    }
}

/// The command that the words name, as a path from the root.
fn find<'c>(root: &'c Command, words: &[OsString]) -> Vec<&'c Command> {
    let mut path = vec![root];
    let mut at = root;
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text.starts_with('-') && text.len() > 1 {
            if takes_next_word(at, &text) {
                words.next();
            }
        } else if let Some(next) = at.find_subcommand(OsStr::new(word)) {
            path.push(next);
            at = next;
        } else {
            break;
        }
    }
    path
}

fn takes_next_word(command: &Command, word: &str) -> bool {
    let known = command
        .get_arguments()
        .find(|arg| match word.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long),
            None => word.len() == 2 && arg.get_short() == word.chars().nth(1),
        });
    known.is_some_and(|arg| {
        matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
            && !arg.is_require_equals_set()
    })
}

fn explain(root: &Command, words: &[OsString], error: &Error) -> Failure {
    let path = find(root, words);
    let name = help::full_name(&path);
    let usage = help::usage(&path);
    let flag = |message: String| {
        let tail = format!("\n\nUsage:  {usage}\n\nRun '{name} --help' for more information");
        Failure::new(message + &tail).status(125)
    };
    match error.kind() {
        ErrorKind::DisplayHelp => Failure::requested_text(help::page(root, &path)),
        ErrorKind::DisplayVersion => Failure::requested_text(version_line()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            Failure::new(help::page(root, &path).trim_end()).status(0)
        }
        ErrorKind::InvalidSubcommand => {
            unknown_command(&path, &context(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::UnknownArgument => {
            let word = context(error, ContextKind::InvalidArg);
            if !word.starts_with('-') || word == "-" {
                return if path.last().is_some_and(|c| c.has_subcommands()) {
                    unknown_command(&path, &word)
                } else {
                    wrong_count(&path)
                };
            }
            flag(unknown_flag(&word, words))
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let arg = context(error, ContextKind::InvalidArg);
            if arg.starts_with('-') {
                flag(invalid_value(&path, error, &arg))
            } else {
                wrong_value(error)
            }
        }
        ErrorKind::TooManyValues
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::MissingRequiredArgument => missing(&path, error),
        _ => Failure::new(error.to_string().trim_start_matches("error: ").trim_end()).status(125),
    }
}

fn version_line() -> String {
    format!(
        "Lockgate version {}, build {}\n",
        env!("CARGO_PKG_VERSION"),
        crate::commands::BUILD
    )
}

fn context(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(list)) => list.first().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

fn unknown_command(path: &[&Command], word: &str) -> Failure {
    let name = help::full_name(path);
    let root = program_name();
    let usage = if path.len() > 1 {
        format!("\n\nUsage:  {name}")
    } else {
        String::new()
    };
    Failure::new(format!(
        "{root}: unknown command: {name} {word}{usage}\n\nRun '{name} --help' for more information"
    ))
}

fn unknown_flag(word: &str, words: &[OsString]) -> String {
    if word.starts_with("--") {
        return format!("unknown flag: {}", word.split('=').next().unwrap_or(word));
    }
    let letter = word.chars().nth(1).unwrap_or('?');
    let cluster = words
        .iter()
        .map(|word| word.to_string_lossy())
        .find_map(|text| {
            let letters = text
                .strip_prefix('-')
                .filter(|rest| !rest.starts_with('-'))?;
            letters
                .find(letter)
                .and_then(|at| letters.get(at..))
                .map(str::to_owned)
        });
    let cluster = cluster.unwrap_or_else(|| letter.to_string());
    format!("unknown shorthand flag: '{letter}' in -{cluster}")
}

fn invalid_value(path: &[&Command], error: &Error, arg: &str) -> String {
    let long = arg
        .split([' ', '=', '['])
        .next()
        .unwrap_or(arg)
        .trim_start_matches("--");
    let known = path.last().and_then(|command| {
        command
            .get_arguments()
            .find(|known| known.get_long() == Some(long))
    });
    let value = context(error, ContextKind::InvalidValue);
    let reason = std::error::Error::source(error).map(ToString::to_string);
    let Some(reason) = reason else {
        if value.is_empty() {
            return format!("flag needs an argument: --{long}");
        }
        let allowed = allowed_values(error);
        return format!(
            "invalid argument {value:?} for \"--{long}\" flag: must be one of {allowed}"
        );
    };
    let shown = match known.and_then(Arg::get_short) {
        Some(short) => format!("-{short}, --{long}"),
        None => format!("--{long}"),
    };
    format!("invalid argument {value:?} for {shown:?} flag: {reason}")
}

fn allowed_values(error: &Error) -> String {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(list)) => list.join(", "),
        _ => String::new(),
    }
}

/// A positional argument that is not one of the words it may be.
fn wrong_value(error: &Error) -> Failure {
    let value = context(error, ContextKind::InvalidValue);
    Failure::new(format!(
        "invalid argument {value:?}: must be one of {}",
        allowed_values(error)
    ))
}

/// A required flag, or the number of arguments.
fn missing(path: &[&Command], error: &Error) -> Failure {
    let arg = context(error, ContextKind::InvalidArg);
    if arg.starts_with("--") {
        return Failure::new(format!("{}: {arg} is required", help::full_name(path))).status(125);
    }
    wrong_count(path)
}

/// `'docker rm' requires at least 1 argument`.
fn wrong_count(path: &[&Command]) -> Failure {
    let name = help::full_name(path);
    let usage = help::usage(path);
    let (low, high) = path.last().map_or((0, None), |command| count(command));
    let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
    let (says, verb) = match high {
        Some(0) => ("accepts no arguments".to_owned(), "Run"),
        Some(high) if low == high => (format!("requires {low} {}", plural(low)), "Run"),
        Some(high) if low == 0 => (format!("requires at most {high} {}", plural(high)), "Run"),
        Some(high) => (
            format!(
                "requires at least {low} and at most {high} {}",
                plural(high)
            ),
            "Run",
        ),
        None => (format!("requires at least {low} {}", plural(low)), "See"),
    };
    let root = program_name();
    Failure::new(format!(
        "{root}: '{name}' {says}\n\nUsage:  {usage}\n\n{verb} '{name} --help' for more information"
    ))
}

/// How many arguments a command takes; no upper end for a list.
fn count(command: &Command) -> (usize, Option<usize>) {
    let mut low = 0;
    let mut high = Some(0);
    for arg in command.get_positionals() {
        let least = arg
            .get_num_args()
            .map_or(1, |range| range.min_values().max(1));
        low += if arg.is_required_set() { least } else { 0 };
        let is_list = matches!(arg.get_action(), ArgAction::Append)
            || arg
                .get_num_args()
                .is_some_and(|range| range.max_values() > 1);
        high = if is_list {
            None
        } else {
            high.map(|n: usize| n + 1)
        };
    }
    (low, high)
}

#[cfg(test)]
#[path = "dialect_tests.rs"]
mod tests;
