//! Dockerfile instructions that change a configuration (`docker import -c`, `docker commit -c`).

use std::collections::BTreeMap;

use lockgate_types::container::{ContainerConfig, Empty, Healthcheck};
use lockgate_types::{ErrorKind, Signal};

use super::words::{one_word, split_words};

/// An instruction that cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// An instruction of builds, which makes no configuration, or none at all.
    #[error("{0} is not a valid change command")]
    NotAChange(String),
    /// Changes were named, and none is there.
    #[error("file with no instructions")]
    Nothing,
    /// Too few words.
    #[error("{0} requires at least one argument")]
    NoArgument(String),
    /// Quotes, pairs, ports or durations that make no sense.
    #[error("{instruction}: cannot parse `{text}`")]
    Malformed {
        /// The instruction.
        instruction: String,
        /// What follows it.
        text: String,
    },
}

impl ChangeError {
    /// Always the caller's fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAChange(_) | Self::Nothing | Self::NoArgument(_) | Self::Malformed { .. } => {
                ErrorKind::InvalidInput
            }
        }
    }
}

/// Applies instructions in order.
pub(crate) fn apply_changes(
    config: &mut ContainerConfig,
    changes: &[String],
) -> Result<(), ChangeError> {
    let mut cmd_set = false;
    let mut found = changes.is_empty();
    for line in changes.iter().flat_map(|change| change.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, text) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let change = Change {
            name: name.to_ascii_uppercase(),
            text: text.trim(),
        };
        change.apply(config, &mut cmd_set)?;
        found = true;
    }
    found.then_some(()).ok_or(ChangeError::Nothing)
}

struct Change<'a> {
    name: String,
    text: &'a str,
}

impl Change<'_> {
    fn apply(&self, config: &mut ContainerConfig, cmd_set: &mut bool) -> Result<(), ChangeError> {
        let variables = config.env.clone().unwrap_or_default();
        match self.name.as_str() {
            _ if !INSTRUCTIONS.contains(&self.name.as_str()) => {
                return Err(ChangeError::NotAChange(self.name.clone()));
            }
            // `CMD []` and `ENTRYPOINT []` are said in full, so nothing at all is a mistake.
            _ if self.text.is_empty() => return Err(ChangeError::NoArgument(self.name.clone())),
            "CMD" => {
                config.cmd = Some(self.command());
                *cmd_set = true;
            }
            "ENTRYPOINT" => {
                config.entrypoint = Some(self.command());
                if !*cmd_set {
                    config.cmd = None;
                }
            }
            "ENV" => self.environment(config, &variables)?,
            "EXPOSE" => self.ports(config, &variables)?,
            "HEALTHCHECK" => config.healthcheck = Some(self.healthcheck()?),
            "LABEL" => {
                let labels = config.labels.get_or_insert_default();
                labels.extend(self.pairs(&variables)?);
            }
            "ONBUILD" => config
                .on_build
                .get_or_insert_default()
                .push(self.text.to_owned()),
            "STOPSIGNAL" => {
                let signal = self.word(&variables)?;
                signal
                    .parse::<Signal>()
                    .map_err(|_signal| self.malformed())?;
                config.stop_signal = Some(signal);
            }
            "USER" => config.user = self.word(&variables)?,
            "VOLUME" => self.volumes(config, &variables)?,
            _ => config.working_dir = self.directory(&config.working_dir, &variables)?,
        }
        Ok(())
    }

    /// A JSON list is the command itself, other text is for the shell.
    fn command(&self) -> Vec<String> {
        self.list()
            .unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned(), self.text.to_owned()])
    }

    fn list(&self) -> Option<Vec<String>> {
        self.text
            .starts_with('[')
            .then(|| serde_json::from_str(self.text).ok())
            .flatten()
    }

    fn environment(
        &self,
        config: &mut ContainerConfig,
        variables: &[String],
    ) -> Result<(), ChangeError> {
        let env = config.env.get_or_insert_default();
        for (key, value) in self.pairs(variables)? {
            env.retain(|known| known.split('=').next() != Some(key.as_str()));
            env.push(format!("{key}={value}"));
        }
        Ok(())
    }

    /// `80`, `80/udp`, `8000-8010`; a host side is dropped.
    fn ports(&self, config: &mut ContainerConfig, variables: &[String]) -> Result<(), ChangeError> {
        for word in self.words(variables)? {
            let container = word.rsplit(':').next().unwrap_or_default();
            let (range, protocol) = container.split_once('/').unwrap_or((container, "tcp"));
            let protocol = protocol.to_ascii_lowercase();
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let port = |text: &str| text.parse::<u16>().map_err(|_port| self.malformed());
            let (first, last) = (port(first)?, port(last)?);
            if first > last || !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
                return Err(self.malformed());
            }
            let ports = config.exposed_ports.get_or_insert_default();
            ports.extend((first..=last).map(|port| (format!("{port}/{protocol}"), Empty {})));
        }
        Ok(())
    }

    fn volumes(
        &self,
        config: &mut ContainerConfig,
        variables: &[String],
    ) -> Result<(), ChangeError> {
        let paths = match self.list() {
            Some(list) => list,
            None => self.words(variables)?,
        };
        for path in paths {
            if path.trim().is_empty() {
                return Err(self.malformed());
            }
            config
                .volumes
                .get_or_insert_default()
                .insert(path.trim().to_owned(), Empty {});
        }
        Ok(())
    }

    /// A relative directory is one below the directory so far.
    fn directory(&self, before: &str, variables: &[String]) -> Result<String, ChangeError> {
        let path = self.word(variables)?;
        let joined = if path.starts_with('/') {
            path
        } else {
            format!("{before}/{path}")
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        Ok(format!("/{}", parts.join("/")))
    }

    fn healthcheck(&self) -> Result<Healthcheck, ChangeError> {
        let mut check = Healthcheck::default();
        let mut rest = self.text;
        while let Some(option) = rest.strip_prefix("--") {
            let (option, tail) = option
                .split_once(char::is_whitespace)
                .ok_or_else(|| self.malformed())?;
            rest = tail.trim_start();
            let (key, value) = option.split_once('=').ok_or_else(|| self.malformed())?;
            let duration = || duration(value).ok_or_else(|| self.malformed());
            match key {
                "interval" => check.interval = duration()?,
                "timeout" => check.timeout = duration()?,
                "start-period" => check.start_period = duration()?,
                "start-interval" => check.start_interval = duration()?,
                "retries" => check.retries = value.parse().map_err(|_number| self.malformed())?,
                _ => return Err(self.malformed()),
            }
        }
        let (kind, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        check.test = Some(match kind.to_ascii_uppercase().as_str() {
            "NONE" if text.trim().is_empty() => vec!["NONE".to_owned()],
            "CMD" if !text.trim().is_empty() => {
                let command = Change {
                    name: self.name.clone(),
                    text: text.trim(),
                };
                match command.list() {
                    Some(list) => std::iter::once("CMD".to_owned()).chain(list).collect(),
                    None => vec!["CMD-SHELL".to_owned(), text.trim().to_owned()],
                }
            }
            _ => return Err(self.malformed()),
        });
        Ok(check)
    }

    /// `key=value key=value`, or the old form `key everything else`.
    fn pairs(&self, variables: &[String]) -> Result<BTreeMap<String, String>, ChangeError> {
        let words = self.words(variables)?;
        let is_old_form = words.first().is_some_and(|word| !word.contains('='));
        if is_old_form {
            let (key, value) = self
                .text
                .split_once(char::is_whitespace)
                .ok_or_else(|| self.malformed())?;
            let value = one_word(value, variables).ok_or_else(|| self.malformed())?;
            return Ok(BTreeMap::from([(key.to_owned(), value)]));
        }
        words
            .iter()
            .map(|word| {
                let pair = word.split_once('=').filter(|(key, _)| !key.is_empty());
                let (key, value) = pair.ok_or_else(|| self.malformed())?;
                Ok((key.to_owned(), value.to_owned()))
            })
            .collect()
    }

    fn words(&self, variables: &[String]) -> Result<Vec<String>, ChangeError> {
        split_words(self.text, variables).ok_or_else(|| self.malformed())
    }

    fn word(&self, variables: &[String]) -> Result<String, ChangeError> {
        one_word(self.text, variables).ok_or_else(|| self.malformed())
    }

    fn malformed(&self) -> ChangeError {
        ChangeError::Malformed {
            instruction: self.name.clone(),
            text: self.text.to_owned(),
        }
    }
}

/// A Go duration, in nanoseconds and not negative.
fn duration(text: &str) -> Option<i64> {
    crate::filter::parse_duration(text)
        .and_then(|nanos| i64::try_from(nanos).ok())
        .filter(|n| *n >= 0)
}

const INSTRUCTIONS: [&str; 11] = [
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "ONBUILD",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(changes: &[&str]) -> Result<ContainerConfig, ChangeError> {
        let mut config = ContainerConfig::default();
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        apply_changes(&mut config, &changes).map(|()| config)
    }

    #[test]
    fn every_instruction_changes_its_field() {
        let config = changed(&[
            "ENV PATH=/bin A=\"b c\"",
            "env OLD the whole line",
            "ENTRYPOINT [\"/init\"]",
            "CMD echo $A",
            "EXPOSE 80 53/udp 8000-8002/tcp",
            "LABEL a=$PATH \"b c\"='d e'",
            "USER 1000:1000",
            "VOLUME /data /logs",
            "VOLUME [\"/more\"]",
            "WORKDIR /srv",
            "WORKDIR app/../web",
            "ONBUILD RUN make",
            "STOPSIGNAL SIGQUIT",
            "HEALTHCHECK --interval=5s --retries=3 CMD [\"true\"]",
        ])
        .unwrap();
        let env = ["PATH=/bin", "A=b c", "OLD=the whole line"];
        let mut found = config.env.unwrap();
        found.sort();
        let mut wanted = env.map(str::to_owned).to_vec();
        wanted.sort();
        assert_eq!(found, wanted);
        assert_eq!(config.cmd.unwrap(), ["/bin/sh", "-c", "echo $A"]);
        assert_eq!(config.entrypoint.unwrap(), ["/init"]);
        let ports: Vec<String> = config.exposed_ports.unwrap().into_keys().collect();
        assert_eq!(
            ports,
            ["53/udp", "80/tcp", "8000/tcp", "8001/tcp", "8002/tcp"]
        );
        assert_eq!(config.labels.unwrap()["a"], "/bin");
        assert_eq!(config.user, "1000:1000");
        assert_eq!(config.volumes.unwrap().len(), 3);
        assert_eq!(config.working_dir, "/srv/web");
        assert_eq!(config.on_build.unwrap(), ["RUN make"]);
        assert_eq!(config.stop_signal.unwrap(), "SIGQUIT");
        let check = config.healthcheck.unwrap();
        assert_eq!((check.interval, check.retries), (5_000_000_000, 3));
        assert_eq!(check.test.unwrap(), ["CMD", "true"]);
    }

    #[test]
    fn an_entrypoint_resets_a_command_that_was_there_before() {
        let mut config = ContainerConfig {
            cmd: Some(vec!["old".to_owned()]),
            ..Default::default()
        };
        apply_changes(&mut config, &["ENTRYPOINT x".to_owned()]).unwrap();
        assert_eq!(config.cmd, None);
    }

    #[test]
    fn refuses_what_is_no_change() {
        assert_eq!(
            changed(&["RUN x"]).unwrap_err().to_string(),
            "RUN is not a valid change command"
        );
        assert_eq!(
            changed(&["NOPE x"]).unwrap_err().to_string(),
            "NOPE is not a valid change command"
        );
        for bad in [
            "CMD",
            "ENV =x",
            "ENV lonely",
            "EXPOSE x",
            "EXPOSE 9-1",
            "EXPOSE 1/icmp",
            "LABEL 'a",
            "STOPSIGNAL NOPE",
            "HEALTHCHECK",
            "HEALTHCHECK CMD",
            "HEALTHCHECK --x=1 CMD y",
        ] {
            changed(&[bad]).unwrap_err();
        }
    }
}
