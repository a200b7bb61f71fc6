//! `-p` and `--expose`.
#![expect(
    clippy::zero_sized_map_values,
    reason = "the API writes sets as maps to empty objects"
)]

use std::collections::BTreeMap;
use std::net::IpAddr;

use lockgate_types::container::Empty;
use lockgate_types::network::{PortBinding, PortMap};

/// A set of names as the API writes it: what the container exposes, its anonymous volumes.
pub(crate) type Exposed = BTreeMap<String, Empty>;

/// Reads all `-p` values.
pub(crate) fn publish(values: &[String]) -> Result<(Exposed, PortMap), String> {
    let mut exposed = Exposed::new();
    let mut bindings = PortMap::new();
    for value in values {
        let value = to_short_form(value)?;
        for (port, binding) in parse(&value)? {
            exposed.insert(port.clone(), Empty::default());
            bindings
                .entry(port)
                .or_default()
                .get_or_insert_default()
                .push(binding);
        }
    }
    Ok((exposed, bindings))
}

/// Adds the `--expose` values.
pub(crate) fn expose(values: &[String], exposed: &mut Exposed) -> Result<(), String> {
    for value in values {
        if value.contains(':') {
            return Err(format!("invalid port format for --expose: {value}"));
        }
        let (ports, protocol) = split_protocol(value);
        let (first, last) = range(&ports).map_err(|reason| {
            format!("invalid range format for --expose: {value}, error: {reason}")
        })?;
        for port in first..=last {
            exposed.insert(format!("{port}/{protocol}"), Empty::default());
        }
    }
    Ok(())
}

/// `published=8080,target=80` is `8080:80/tcp`.
fn to_short_form(value: &str) -> Result<String, String> {
    if !value.contains('=') {
        return Ok(value.to_owned());
    }
    let mut parts = BTreeMap::from([("protocol", "tcp")]);
    for part in value.split(',') {
        let pair = part.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) = pair.ok_or_else(|| {
            format!("invalid publish opts format (should be name=value but got '{part}')")
        })?;
        parts.insert(key, value);
    }
    let part = |name: &str| parts.get(name).copied().unwrap_or_default();
    Ok(format!(
        "{}:{}/{}",
        part("published"),
        part("target"),
        part("protocol")
    ))
}

/// `[[ip:]hostPort:]containerPort[/protocol]`, ports may be ranges.
fn parse(text: &str) -> Result<Vec<(String, PortBinding)>, String> {
    let (address, host, container) = split(text);
    let (container, protocol) = split_protocol(container);
    let host_ip = host_ip(address)?;
    if container.is_empty() {
        return Err(format!("no port specified: {text}<empty>"));
    }
    let (first, last) =
        range(&container).map_err(|_reason| format!("invalid containerPort: {container}"))?;
    let host_range = if host.is_empty() {
        None
    } else {
        Some(range(host).map_err(|_reason| format!("invalid hostPort: {host}"))?)
    };
    let is_same_length = host_range.is_none_or(|(from, to)| to - from == last - first);
    if !is_same_length && first != last {
        return Err(format!(
            "invalid ranges specified for container and host Ports: {container} and {host}"
        ));
    }
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return Err(format!("invalid proto: {protocol}"));
    }
    let binding = |port: u16| {
        let host_port = match host_range {
            None => String::new(),
            Some((from, to)) if first == last && from != to => format!("{from}-{to}"),
            Some((from, _)) => (u32::from(from) + u32::from(port - first)).to_string(),
        };
        PortBinding {
            host_ip: host_ip.clone(),
            host_port,
        }
    };
    Ok((first..=last)
        .map(|port| (format!("{port}/{protocol}"), binding(port)))
        .collect())
}

/// The address may contain colons, so the last two parts are the ports.
fn split(text: &str) -> (&str, &str, &str) {
    match text.rsplit_once(':') {
        None => ("", "", text),
        Some((rest, container)) => match rest.rsplit_once(':') {
            None => ("", rest, container),
            Some((address, host)) => (address, host, container),
        },
    }
}

fn split_protocol(text: &str) -> (String, String) {
    match text.split_once('/') {
        Some((ports, protocol)) if !protocol.is_empty() => {
            (ports.to_owned(), protocol.to_ascii_lowercase())
        }
        Some((ports, _)) => (ports.to_owned(), "tcp".to_owned()),
        None => (text.to_owned(), "tcp".to_owned()),
    }
}

fn host_ip(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if bare.is_empty() || bare.parse::<IpAddr>().is_ok() {
        Ok(bare.to_owned())
    } else {
        Err(format!("invalid IP address: {bare}"))
    }
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let number = |text: &str| {
        text.parse::<u16>()
            .map_err(|_error| format!("strconv.ParseUint: parsing {text:?}: invalid syntax"))
    };
    if text.is_empty() {
        return Err("empty string specified for ports".to_owned());
    }
    let Some((first, last)) = text.split_once('-') else {
        let port = number(text)?;
        return Ok((port, port));
    };
    let (first, last) = (number(first)?, number(last)?);
    if last < first {
        return Err(format!("invalid range specified for port: {text}"));
    }
    Ok((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings(value: &str) -> Vec<String> {
        let (_, map) = publish(&[value.to_owned()]).unwrap();
        map.iter()
            .flat_map(|(port, list)| {
                list.iter()
                    .flatten()
                    .map(move |b| format!("{}|{}|{port}", b.host_ip, b.host_port))
            })
            .collect()
    }

    #[test]
    fn reads_every_form() {
        for (value, expected) in [
            ("80", vec!["||80/tcp"]),
            ("80/UDP", vec!["||80/udp"]),
            ("8080:80", vec!["|8080|80/tcp"]),
            ("127.0.0.1::80", vec!["127.0.0.1||80/tcp"]),
            ("[::1]:8080:80", vec!["::1|8080|80/tcp"]),
            ("8000-8001:80-81", vec!["|8000|80/tcp", "|8001|81/tcp"]),
            ("8000-8010:80", vec!["|8000-8010|80/tcp"]),
            ("published=1,target=2,protocol=udp", vec!["|1|2/udp"]),
        ] {
            assert_eq!(bindings(value), expected, "{value}");
        }
    }

    #[test]
    fn refuses_with_docker_s_reasons() {
        for (value, reason) in [
            ("a", "invalid containerPort: a"),
            ("99999", "invalid containerPort: 99999"),
            ("a:80", "invalid hostPort: a"),
            ("1.2.3:1:80", "invalid IP address: 1.2.3"),
            ("80/foo", "invalid proto: foo"),
            ("8080:", "no port specified: 8080:<empty>"),
            (
                "1-2:1-3",
                "invalid ranges specified for container and host Ports: 1-3 and 1-2",
            ),
            (
                "a=b,c",
                "invalid publish opts format (should be name=value but got 'c')",
            ),
        ] {
            assert_eq!(publish(&[value.to_owned()]).unwrap_err(), reason, "{value}");
        }
    }

    #[test]
    fn exposes_ranges() {
        let mut exposed = Exposed::new();
        expose(&["80-81/udp".into(), "5".into()], &mut exposed).unwrap();
        assert_eq!(
            exposed.keys().collect::<Vec<_>>(),
            ["5/tcp", "80/udp", "81/udp"]
        );
        assert!(expose(&["1:2".into()], &mut exposed).is_err());
    }
}
