//! A container's `/etc/resolv.conf`.

use std::fs;
use std::net::IpAddr;

/// What the user or the daemon's settings say about name resolution; what is empty is taken from
/// the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsSettings {
    /// Servers.
    pub servers: Vec<String>,
    /// Search domains; a single `.` means none.
    pub search: Vec<String>,
    /// Options.
    pub options: Vec<String>,
}

/// The file for a container in a namespace of its own: servers on the host's loopback cannot be
/// reached from there and IPv6 ones neither, so they are left out; if none is left, public ones
/// stand in, as in Docker.
pub fn resolv_conf(host: &str, settings: &DnsSettings) -> String {
    let mut conf = ResolvConf::parse(host);
    conf.servers.retain(|server| is_reachable(server));
    conf.apply(settings);
    if conf.servers.is_empty() {
        conf.servers = FALLBACK.map(str::to_owned).to_vec();
    }
    conf.to_text()
}

/// The file for a container on a network of one's own, and the servers that stand behind the one
/// which it names. A short name is a container's before it is anything else: `ndots:0`.
pub fn embedded_resolv_conf(host: &str, settings: &DnsSettings) -> (String, Vec<IpAddr>) {
    let mut conf = ResolvConf::parse(host);
    conf.apply(settings);
    let servers = conf.servers.iter();
    let mut behind: Vec<IpAddr> = servers.filter_map(|server| server.parse().ok()).collect();
    if behind.is_empty() {
        behind = FALLBACK.iter().filter_map(|ip| ip.parse().ok()).collect();
    }
    conf.servers = vec![crate::dns::SERVER.to_string()];
    if !conf
        .options
        .iter()
        .any(|option| option.starts_with("ndots:"))
    {
        conf.options.push("ndots:0".to_owned());
    }
    (conf.to_text(), behind)
}

/// The file for a container in the host's namespace: the host's own unless settings differ.
pub fn resolv_conf_of_host(host: &str, settings: &DnsSettings) -> String {
    if *settings == DnsSettings::default() {
        return host.to_owned();
    }
    let mut conf = ResolvConf::parse(host);
    conf.apply(settings);
    conf.to_text()
}

/// The host's file. Where it names nothing but systemd's local stub, the file with the servers
/// behind that stub is read instead. A host without any has an empty one.
pub fn host_resolv_conf() -> String {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    if ResolvConf::parse(&text).servers == [SYSTEMD_STUB]
        && let Ok(behind) = fs::read_to_string("/run/systemd/resolve/resolv.conf")
    {
        return behind;
    }
    text
}

#[derive(Debug, Default)]
struct ResolvConf {
    servers: Vec<String>,
    search: Vec<String>,
    options: Vec<String>,
}

impl ResolvConf {
    fn parse(text: &str) -> Self {
        let mut conf = Self::default();
        for line in text.lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let keyword = words.next().unwrap_or_default();
            let values = words.map(str::to_owned);
            match keyword {
                "nameserver" => conf.servers.extend(values.take(1)),
                // The last of these lines counts.
                "search" | "domain" => conf.search = values.collect(),
                "options" => conf.options.extend(values),
                _ => {}
            }
        }
        conf
    }

    fn apply(&mut self, settings: &DnsSettings) {
        let replace = |own: &mut Vec<String>, wanted: &[String]| {
            if !wanted.is_empty() {
                *own = wanted.to_vec();
            }
        };
        replace(&mut self.servers, &settings.servers);
        replace(&mut self.search, &settings.search);
        replace(&mut self.options, &settings.options);
        if self.search == ["."] {
            self.search.clear();
        }
    }

    fn to_text(&self) -> String {
        let mut lines = vec!["# Made by Lockgate; changes inside the container stay.".to_owned()];
        lines.extend(
            self.servers
                .iter()
                .map(|server| format!("nameserver {server}")),
        );
        if !self.search.is_empty() {
            lines.push(format!("search {}", self.search.join(" ")));
        }
        if !self.options.is_empty() {
            lines.push(format!("options {}", self.options.join(" ")));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

fn is_reachable(server: &str) -> bool {
    server
        .parse()
        .is_ok_and(|ip: IpAddr| ip.is_ipv4() && !ip.is_loopback())
}

const SYSTEMD_STUB: &str = "127.0.0.53";
const FALLBACK: [&str; 2] = ["8.8.8.8", "8.8.4.4"];

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "# c\nnameserver 127.0.0.53\nnameserver 10.0.0.2 ; x\nnameserver ::1\n\
        nameserver fd00::1\ndomain a.example\nsearch b.example c.example\noptions ndots:2\noptions edns0\n";

    fn lines(text: &str) -> Vec<&str> {
        text.lines().filter(|line| !line.starts_with('#')).collect()
    }

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn servers_that_cannot_be_reached_are_left_out() {
        let text = resolv_conf(HOST, &DnsSettings::default());
        let expected = [
            "nameserver 10.0.0.2",
            "search b.example c.example",
            "options ndots:2 edns0",
        ];
        assert_eq!(lines(&text), expected);
    }

    #[test]
    fn public_servers_stand_in_when_none_is_left() {
        let text = resolv_conf("nameserver 127.0.0.1\n", &DnsSettings::default());
        assert_eq!(lines(&text), ["nameserver 8.8.8.8", "nameserver 8.8.4.4"]);
        assert_eq!(lines(&resolv_conf("", &DnsSettings::default())).len(), 2);
    }

    #[test]
    fn what_the_user_says_replaces_what_the_host_says() {
        let settings = DnsSettings {
            servers: texts(&["127.0.0.1", "1.1.1.1"]),
            search: texts(&["."]),
            options: texts(&["ndots:5"]),
        };
        let expected = [
            "nameserver 127.0.0.1",
            "nameserver 1.1.1.1",
            "options ndots:5",
        ];
        assert_eq!(lines(&resolv_conf(HOST, &settings)), expected);
    }

    #[test]
    fn the_embedded_server_stands_before_those_of_the_host() {
        let (text, behind) = embedded_resolv_conf(HOST, &DnsSettings::default());
        assert_eq!(lines(&text)[0], "nameserver 127.0.0.11");
        assert!(text.contains("options ndots:2 edns0"), "{text}");
        let expected: [IpAddr; 4] =
            ["127.0.0.53", "10.0.0.2", "::1", "fd00::1"].map(|ip| ip.parse().unwrap());
        assert_eq!(behind, expected);
        let (text, behind) = embedded_resolv_conf("", &DnsSettings::default());
        assert!(
            text.contains("options ndots:0") && behind.len() == 2,
            "{text}"
        );
    }

    #[test]
    fn the_hosts_namespace_has_the_hosts_file() {
        assert_eq!(resolv_conf_of_host(HOST, &DnsSettings::default()), HOST);
        let settings = DnsSettings {
            search: texts(&["x.example"]),
            ..DnsSettings::default()
        };
        let text = resolv_conf_of_host(HOST, &settings);
        assert!(
            text.contains("127.0.0.53") && text.contains("search x.example"),
            "{text}"
        );
    }
}
