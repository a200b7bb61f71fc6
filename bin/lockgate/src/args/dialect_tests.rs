use super::*;
use crate::args::Verb;

fn read(line: &str) -> Result<Cli, Failure> {
    parse(line.split(' ').map(OsString::from))
}

fn refusal(line: &str) -> (u8, String) {
    let failure = read(line).unwrap_err();
    (
        failure.code(),
        failure
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    )
}

#[test]
fn the_definition_is_sound() {
    command().debug_assert();
}

#[test]
fn booleans_take_a_value_after_an_equals_sign_only() {
    for (line, quiet) in [
        ("lockgate ps -q", true),
        ("lockgate ps --quiet=false", false),
        ("lockgate ps -q=0", false),
        ("lockgate ps -q=false -q", true),
        ("lockgate ps -aq", true),
    ] {
        let Verb::Ps(args) = read(line).unwrap().verb else {
            panic!("{line}")
        };
        assert_eq!(args.quiet, quiet, "{line}");
    }
}

#[test]
fn what_follows_the_image_is_the_command() {
    let Verb::Run(args) = read("lockgate run -it --name x img -i --name y -- z")
        .unwrap()
        .verb
    else {
        panic!()
    };
    assert_eq!(args.image(), "img");
    assert_eq!(args.command(), ["-i", "--name", "y", "--", "z"]);
    assert!(args.is("interactive") && args.is("tty"));
    assert_eq!(args.text("name"), "x");
}

#[test]
fn values_may_begin_with_a_dash() {
    let Verb::Ps(args) = read("lockgate ps -n -5").unwrap().verb else {
        panic!()
    };
    assert_eq!(args.last, -5);
    let Verb::Run(args) = read("lockgate run --memory-swap -1 i").unwrap().verb else {
        panic!()
    };
    assert_eq!(args.number("memory-swap"), Some(-1));
}

#[test]
fn refuses_in_docker_s_words() {
    for (line, code, message) in [
        ("lockgate ps --foo", 125, "unknown flag: --foo"),
        (
            "lockgate ps -aZq",
            125,
            "unknown shorthand flag: 'Z' in -Zq",
        ),
        ("lockgate foo", 1, "lockgate: unknown command: lockgate foo"),
        (
            "lockgate container foo",
            1,
            "lockgate: unknown command: lockgate container foo",
        ),
        (
            "lockgate run",
            1,
            "lockgate: 'lockgate run' requires at least 1 argument",
        ),
        (
            "lockgate ps a b",
            1,
            "lockgate: 'lockgate ps' accepts no arguments",
        ),
        (
            "lockgate -D logs",
            1,
            "lockgate: 'lockgate logs' requires 1 argument",
        ),
        (
            "lockgate rename a",
            1,
            "lockgate: 'lockgate rename' requires 2 arguments",
        ),
        (
            "lockgate exec a",
            1,
            "lockgate: 'lockgate exec' requires at least 2 arguments",
        ),
        (
            "lockgate commit a b c",
            1,
            "lockgate: 'lockgate commit' requires at least 1 and at most 2 arguments",
        ),
        (
            "lockgate ps -q=maybe",
            125,
            "invalid argument \"maybe\" for \"-q, --quiet\" flag: strconv.ParseBool: parsing \
             \"maybe\": invalid syntax",
        ),
        (
            "lockgate run -m foo i",
            125,
            "invalid argument \"foo\" for \"-m, --memory\" flag: invalid size: 'foo'",
        ),
        ("lockgate run --name", 125, "flag needs an argument: --name"),
    ] {
        assert_eq!(refusal(line), (code, message.to_owned()), "{line}");
    }
}

#[test]
fn help_is_help_wherever_it_stands() {
    for line in [
        "lockgate help ps",
        "lockgate ps --help",
        "lockgate ps -h",
        "lockgate ps -a --help",
    ] {
        let failure = read(line).unwrap_err();
        assert_eq!(failure.code(), 0);
        assert!(
            failure
                .to_string()
                .starts_with("Usage:  lockgate ps [OPTIONS]\n\n"),
            "{line}"
        );
    }
    let Verb::Run(args) = read("lockgate run -h name i").unwrap().verb else {
        panic!()
    };
    assert_eq!(args.text("hostname"), "name");
}
