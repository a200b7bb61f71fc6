//! The flags of `run` and `create`: one line each.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{dialect, value};
use crate::spec::{env, network, resources, volume};

/// What a flag takes.
#[derive(Clone, Copy)]
enum Kind {
    /// Nothing, or a boolean after `=`; the value is the default.
    Switch(bool),
    /// One text.
    Text,
    /// Any number of texts.
    List,
    /// Any number of texts that are checked at once.
    CheckedList(&'static str, fn(&str) -> Result<String, String>),
    /// A number: how help calls it, and how it is read.
    Number(&'static str, fn(&str) -> Result<i64, String>),
}

struct Flag {
    short: Option<char>,
    long: &'static str,
    kind: Kind,
    help: &'static str,
}

const fn flag(long: &'static str, kind: Kind, help: &'static str) -> Flag {
    Flag {
        short: None,
        long,
        kind,
        help,
    }
}

const fn short(short: char, long: &'static str, kind: Kind, help: &'static str) -> Flag {
    Flag {
        short: Some(short),
        long,
        kind,
        help,
    }
}

const INT: Kind = Kind::Number("int", value::integer);
const BYTES: Kind = Kind::Number("bytes", value::bytes);
const TIME: Kind = Kind::Number("duration", value::duration);
const SWITCH: Kind = Kind::Switch(false);

/// Flags of both `run` and `create`.
#[rustfmt::skip]
const COMMON: &[Flag] = &[
    flag("add-host", Kind::CheckedList("list", network::check_host), "Add a line to the hosts file (host:ip)"),
    flag("annotation", Kind::List, "Add an annotation for the OCI runtime"),
    short('a', "attach", Kind::CheckedList("list", env::check_stream), "Attach to STDIN, STDOUT or STDERR"),
    flag("blkio-weight", Kind::Number("uint16", value::integer), "Block IO weight, 10 to 1000, or 0 for none"),
    flag("blkio-weight-device", Kind::CheckedList("list", resources::check_weight), "Block IO weight of a device (path:weight)"),
    flag("cap-add", Kind::List, "Add Linux capabilities"),
    flag("cap-drop", Kind::List, "Drop Linux capabilities"),
    flag("cgroup-parent", Kind::Text, "Parent cgroup of the container"),
    flag("cgroupns", Kind::Text, "Cgroup namespace: host, private, or empty for the daemon's default"),
    flag("cidfile", Kind::Text, "Write the container ID to this file"),
    flag("cpu-count", INT, "CPU count (Windows only)"),
    flag("cpu-percent", INT, "CPU percent (Windows only)"),
    flag("cpu-period", INT, "Length of a CFS period"),
    flag("cpu-quota", INT, "Share of a CFS period"),
    flag("cpu-rt-period", INT, "Length of a real-time period in microseconds"),
    flag("cpu-rt-runtime", INT, "Share of a real-time period in microseconds"),
    short('c', "cpu-shares", INT, "CPU weight"),
    flag("cpus", Kind::Number("decimal", value::nano_cpus), "Number of CPUs"),
    flag("cpuset-cpus", Kind::Text, "CPUs to run on (0-3, 0,1)"),
    flag("cpuset-mems", Kind::Text, "Memory nodes to use (0-3, 0,1)"),
    flag("device", Kind::List, "Add a device of the host"),
    flag("device-cgroup-rule", Kind::List, "Add a rule to the list of allowed devices"),
    flag("device-read-bps", Kind::CheckedList("list", resources::check_bps), "Limit reading from a device (path:bytes per second)"),
    flag("device-read-iops", Kind::CheckedList("list", resources::check_iops), "Limit reading from a device (path:operations per second)"),
    flag("device-write-bps", Kind::CheckedList("list", resources::check_bps), "Limit writing to a device (path:bytes per second)"),
    flag("device-write-iops", Kind::CheckedList("list", resources::check_iops), "Limit writing to a device (path:operations per second)"),
    flag("disable-content-trust", Kind::Switch(true), "Do not verify the image's signature"),
    flag("dns", Kind::CheckedList("list", network::check_address), "Ask this name server"),
    flag("dns-option", Kind::List, "Set an option of the resolver"),
    flag("dns-search", Kind::List, "Search this domain"),
    flag("domainname", Kind::Text, "NIS domain name of the container"),
    flag("entrypoint", Kind::Text, "Replace the ENTRYPOINT of the image"),
    short('e', "env", Kind::CheckedList("list", env::check), "Set environment variables"),
    flag("env-file", Kind::List, "Read environment variables from a file"),
    flag("expose", Kind::List, "Expose a port or a range of ports"),
    flag("gpus", Kind::CheckedList("gpu-request", resources::check_gpus), "Add GPUs ('all' for every one)"),
    flag("group-add", Kind::List, "Join more groups"),
    flag("health-cmd", Kind::Text, "Command that checks the container's health"),
    flag("health-interval", TIME, "Time between checks (ms|s|m|h)"),
    flag("health-retries", INT, "Failures in a row that mean unhealthy"),
    flag("health-start-interval", TIME, "Time between checks while starting (ms|s|m|h)"),
    flag("health-start-period", TIME, "Time to start before failures count (ms|s|m|h)"),
    flag("health-timeout", TIME, "How long a check may take (ms|s|m|h)"),
    short('h', "hostname", Kind::Text, "Host name of the container"),
    flag("init", SWITCH, "Run an init that passes signals on and reaps processes"),
    short('i', "interactive", SWITCH, "Keep STDIN open even if not attached"),
    flag("ip", Kind::Text, "IPv4 address"),
    flag("ip6", Kind::Text, "IPv6 address"),
    flag("ipc", Kind::Text, "IPC mode"),
    flag("isolation", Kind::Text, "Isolation technology (Windows only)"),
    flag("kernel-memory", BYTES, "Kernel memory limit (no longer used)"),
    short('l', "label", Kind::CheckedList("list", env::check_label), "Set a label"),
    flag("label-file", Kind::List, "Read labels from a file, one a line"),
    flag("link", Kind::List, "Link to another container"),
    flag("link-local-ip", Kind::List, "Link-local address of the container"),
    flag("log-driver", Kind::Text, "Log driver"),
    flag("log-opt", Kind::List, "Set an option of the log driver"),
    flag("mac-address", Kind::Text, "MAC address of the container"),
    short('m', "memory", BYTES, "Memory limit"),
    flag("memory-reservation", BYTES, "Memory soft limit"),
    flag("memory-swap", Kind::Number("bytes", value::bytes_or_unlimited), "Limit of memory plus swap, '-1' for none"),
    flag("memory-swappiness", INT, "How readily memory is swapped out (0 to 100)"),
    flag("mount", Kind::CheckedList("mount", volume::check_mount), "Mount a file system"),
    flag("name", Kind::Text, "Name of the container"),
    flag("network", Kind::CheckedList("network", network::check), "Connect to a network"),
    flag("network-alias", Kind::List, "Another name of the container in its network"),
    flag("no-healthcheck", SWITCH, "Disable the HEALTHCHECK of the image"),
    flag("oom-kill-disable", SWITCH, "Do not kill when out of memory"),
    flag("oom-score-adj", INT, "Whom the kernel kills first when out of memory (-1000 to 1000)"),
    flag("pid", Kind::Text, "PID namespace"),
    flag("pids-limit", INT, "Limit of processes, -1 for none"),
    flag("platform", Kind::Text, "Platform of the image, os[/arch[/variant]]"),
    flag("privileged", SWITCH, "Give the container all privileges"),
    short('p', "publish", Kind::List, "Publish a port to the host"),
    short('P', "publish-all", SWITCH, "Publish all exposed ports to free ports of the host"),
    flag("pull", Kind::Text, "Pull the image first: always, missing, never (default \"missing\")"),
    short('q', "quiet", SWITCH, "Do not show the pull"),
    flag("read-only", SWITCH, "Make the root file system read-only"),
    flag("restart", Kind::Text, "When to restart after an exit (default \"no\")"),
    flag("rm", SWITCH, "Remove the container and its anonymous volumes when it exits"),
    flag("runtime", Kind::Text, "OCI runtime"),
    flag("security-opt", Kind::List, "Set a security option"),
    flag("shm-size", BYTES, "Size of /dev/shm"),
    flag("stop-signal", Kind::Text, "Signal that stops the container"),
    flag("stop-timeout", INT, "Seconds to wait before killing a container that is being stopped"),
    flag("storage-opt", Kind::List, "Set an option of the storage driver"),
    flag("sysctl", Kind::CheckedList("map", resources::check_sysctl), "Set a kernel parameter"),
    flag("tmpfs", Kind::List, "Mount a tmpfs"),
    short('t', "tty", SWITCH, "Give the container a terminal"),
    flag("ulimit", Kind::CheckedList("ulimit", resources::check_ulimit), "Set a resource limit (name=soft[:hard])"),
    short('u', "user", Kind::Text, "User or UID, <name|uid>[:<group|gid>]"),
    flag("userns", Kind::Text, "User namespace"),
    flag("uts", Kind::Text, "UTS namespace"),
    short('v', "volume", Kind::CheckedList("list", volume::check_bind), "Mount a volume or a folder of the host"),
    flag("volume-driver", Kind::Text, "Volume driver"),
    flag("volumes-from", Kind::List, "Mount the volumes of other containers"),
    short('w', "workdir", Kind::Text, "Working directory inside the container"),
];

/// Flags of `run` alone.
#[rustfmt::skip]
const RUN_ONLY: &[Flag] = &[
    short('d', "detach", SWITCH, "Run in the background and print the container ID"),
    flag("detach-keys", Kind::Text, "Override the key sequence for detaching"),
    flag("sig-proxy", Kind::Switch(true), "Pass received signals on to the process"),
];

/// Names that flags had, or have as well.
const ALIASES: &[(&str, &str)] = &[
    ("net", "network"),
    ("net-alias", "network-alias"),
    ("dns-opt", "dns-option"),
];

/// `run` and `create`.
#[derive(Clone, Debug)]
pub(crate) struct RunArgs {
    switches: BTreeMap<String, bool>,
    texts: BTreeMap<String, String>,
    lists: BTreeMap<String, Vec<String>>,
    numbers: BTreeMap<String, i64>,
    words: Vec<String>,
}

impl RunArgs {
    /// The image.
    pub(crate) fn image(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// What follows the image.
    pub(crate) fn command(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// Whether a switch is on.
    pub(crate) fn is(&self, flag: &str) -> bool {
        self.switches.get(flag).copied().unwrap_or(false)
    }

    /// A text, empty if not given.
    pub(crate) fn text(&self, flag: &str) -> &str {
        self.texts.get(flag).map_or("", String::as_str)
    }

    /// A text, if given.
    pub(crate) fn given(&self, flag: &str) -> Option<&str> {
        self.texts.get(flag).map(String::as_str)
    }

    /// A switch, if given.
    pub(crate) fn switched(&self, flag: &str) -> Option<bool> {
        self.switches.get(flag).copied()
    }

    /// A list, empty if not given.
    pub(crate) fn list(&self, flag: &str) -> &[String] {
        self.lists.get(flag).map_or(&[], Vec::as_slice)
    }

    /// A number, if given.
    pub(crate) fn number(&self, flag: &str) -> Option<i64> {
        self.numbers.get(flag).copied()
    }

    /// A number, zero if not given.
    pub(crate) fn number_or_zero(&self, flag: &str) -> i64 {
        self.number(flag).unwrap_or(0)
    }
}

impl clap::Args for RunArgs {
    fn augment_args(command: Command) -> Command {
        let is_run = command.get_name() == "run";
        let only = if is_run { RUN_ONLY } else { &[] };
        let words = Arg::new("words")
            .value_name("IMAGE [COMMAND] [ARG...]")
            .required(true)
            .num_args(1..)
            .action(ArgAction::Append)
            .trailing_var_arg(true);
        COMMON
            .iter()
            .chain(only)
            .fold(command, |command, flag| command.arg(to_arg(flag)))
            .arg(words)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn to_arg(flag: &Flag) -> Arg {
    let mut arg = Arg::new(flag.long).long(flag.long).help(flag.help);
    if let Some(short) = flag.short {
        arg = arg.short(short);
    }
    for (alias, _) in ALIASES.iter().filter(|(_, long)| *long == flag.long) {
        arg = arg.alias(*alias);
    }
    match flag.kind {
        Kind::Switch(default) => dialect::boolean(arg, default),
        Kind::Text => arg.value_name("string"),
        Kind::List => arg.value_name("list").action(ArgAction::Append),
        Kind::CheckedList(name, check) => arg
            .value_name(name)
            .action(ArgAction::Append)
            .value_parser(check),
        Kind::Number(name, read) => arg.value_name(name).value_parser(read),
    }
}

impl clap::FromArgMatches for RunArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self {
            switches: BTreeMap::new(),
            texts: BTreeMap::new(),
            lists: BTreeMap::new(),
            numbers: BTreeMap::new(),
            words: many(matches, "words"),
        };
        // `create` does not know the flags of `run`.
        let known = |flag: &&Flag| matches.try_contains_id(flag.long).is_ok();
        for flag in COMMON.iter().chain(RUN_ONLY).filter(known) {
            args.take(flag, matches);
        }
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl RunArgs {
    fn take(&mut self, flag: &Flag, matches: &ArgMatches) {
        let name = flag.long.to_owned();
        match flag.kind {
            Kind::Switch(_) => {
                let typed =
                    matches.value_source(flag.long) == Some(clap::parser::ValueSource::CommandLine);
                let value = matches.get_one::<bool>(flag.long).copied();
                if let Some(value) = value.filter(|on| *on || typed) {
                    self.switches.insert(name, value);
                }
            }
            Kind::Text => {
                if let Some(value) = matches.get_one::<String>(flag.long) {
                    self.texts.insert(name, value.clone());
                }
            }
            Kind::List | Kind::CheckedList(..) => {
                self.lists.insert(name, many(matches, flag.long));
            }
            Kind::Number(..) => {
                if let Some(value) = matches.get_one::<i64>(flag.long) {
                    self.numbers.insert(name, *value);
                }
            }
        }
    }
}

fn many(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches
        .get_many::<String>(name)
        .map(|values| values.cloned().collect())
        .unwrap_or_default()
}
