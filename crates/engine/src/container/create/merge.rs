//! A container's configuration on top of its image's.

use std::collections::BTreeMap;

use lockgate_types::container::{ContainerConfig, Healthcheck};

use crate::container::config_error::ConfigError;

/// Fills what `config` leaves open with what the image says.
pub(crate) fn merge(config: &mut ContainerConfig, image: &ContainerConfig) {
    or(&mut config.user, &image.user);
    or(&mut config.working_dir, &image.working_dir);
    merge_map(&mut config.exposed_ports, image.exposed_ports.as_ref());
    merge_map(&mut config.volumes, image.volumes.as_ref());
    // An empty object and none at all are the same to dockerd, here alone.
    config.volumes = config.volumes.take().filter(|volumes| !volumes.is_empty());
    merge_map(&mut config.labels, image.labels.as_ref());
    merge_env(config, image);
    merge_command(config, image);
    match (&mut config.healthcheck, &image.healthcheck) {
        (Some(own), Some(image)) => merge_healthcheck(own, image),
        (own @ None, Some(image)) => *own = Some(image.clone()),
        (_, None) => {}
    }
    if config.stop_signal.as_deref().unwrap_or_default().is_empty() {
        config.stop_signal.clone_from(&image.stop_signal);
    }
    if config.stop_timeout.is_none() {
        config.stop_timeout = image.stop_timeout;
    }
    if config.shell.as_ref().is_none_or(Vec::is_empty) {
        config.shell.clone_from(&image.shell);
    }
}

/// The program and its arguments: entrypoint, then command.
pub(super) fn command(config: &mut ContainerConfig) -> Result<(String, Vec<String>), ConfigError> {
    // An entrypoint of one empty text is how clients take the image's entrypoint away.
    if config.entrypoint.as_deref() == Some(&[String::new()]) {
        config.entrypoint = None;
    }
    let words = config
        .entrypoint
        .iter()
        .flatten()
        .chain(config.cmd.iter().flatten())
        .cloned();
    let mut words = words.collect::<Vec<_>>().into_iter();
    let path = words.next().ok_or(ConfigError::NoCommand)?;
    Ok((path, words.collect()))
}

fn or(own: &mut String, image: &str) {
    if own.is_empty() {
        image.clone_into(own);
    }
}

fn merge_map<V: Clone>(own: &mut Option<BTreeMap<String, V>>, image: Option<&BTreeMap<String, V>>) {
    let Some(image) = image.filter(|image| !image.is_empty()) else {
        return;
    };
    let own = own.get_or_insert_default();
    for (key, value) in image {
        own.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

fn merge_env(config: &mut ContainerConfig, image: &ContainerConfig) {
    let own = config.env.get_or_insert_default();
    let missing: Vec<String> = image
        .env
        .iter()
        .flatten()
        .filter(|entry| !own.iter().any(|mine| env_key(mine) == env_key(entry)))
        .cloned()
        .collect();
    own.extend(missing);
}

fn env_key(entry: &str) -> &str {
    entry.split_once('=').map_or(entry, |(key, _)| key)
}

fn merge_command(config: &mut ContainerConfig, image: &ContainerConfig) {
    if config.entrypoint.as_ref().is_none_or(Vec::is_empty) {
        if config.cmd.as_ref().is_none_or(Vec::is_empty) {
            config.cmd.clone_from(&image.cmd);
            config.args_escaped = image.args_escaped;
        }
        if config.entrypoint.is_none() {
            config.entrypoint.clone_from(&image.entrypoint);
        }
    }
}

fn merge_healthcheck(own: &mut Healthcheck, image: &Healthcheck) {
    if own.test.as_ref().is_none_or(Vec::is_empty) {
        own.test.clone_from(&image.test);
    }
    for (mine, theirs) in [
        (&mut own.interval, image.interval),
        (&mut own.timeout, image.timeout),
        (&mut own.start_period, image.start_period),
        (&mut own.start_interval, image.start_interval),
        (&mut own.retries, image.retries),
    ] {
        if *mine == 0 {
            *mine = theirs;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "the fields are optional")]
    fn list(words: &[&str]) -> Option<Vec<String>> {
        Some(words.iter().map(|&w| w.to_owned()).collect())
    }

    fn image() -> ContainerConfig {
        ContainerConfig {
            user: "web".to_owned(),
            env: list(&["A=image", "B=image"]),
            cmd: list(&["serve"]),
            entrypoint: list(&["/entry"]),
            labels: Some(BTreeMap::from([("l".to_owned(), "image".to_owned())])),
            working_dir: "/srv".to_owned(),
            stop_signal: Some("SIGINT".to_owned()),
            ..ContainerConfig::default()
        }
    }

    #[test]
    fn the_image_fills_what_is_left_open() {
        let mut config = ContainerConfig::default();
        merge(&mut config, &image());
        assert_eq!(config.user, "web");
        assert_eq!(config.working_dir, "/srv");
        assert_eq!(config.stop_signal.as_deref(), Some("SIGINT"));
        let (path, args) = command(&mut config).unwrap();
        assert_eq!((path.as_str(), args), ("/entry", vec!["serve".to_owned()]));
    }

    #[test]
    fn what_the_user_says_wins_key_by_key() {
        let mut config = ContainerConfig {
            env: list(&["B=mine", "C"]),
            labels: Some(BTreeMap::from([("l".to_owned(), "mine".to_owned())])),
            ..ContainerConfig::default()
        };
        merge(&mut config, &image());
        assert_eq!(config.env, list(&["B=mine", "C", "A=image"]));
        assert_eq!(config.labels.unwrap()["l"], "mine");
    }

    #[test]
    fn a_command_keeps_the_entrypoint_and_an_entrypoint_drops_the_command() {
        let mut config = ContainerConfig {
            cmd: list(&["x"]),
            ..ContainerConfig::default()
        };
        merge(&mut config, &image());
        assert_eq!(command(&mut config).unwrap().0, "/entry");

        let mut config = ContainerConfig {
            entrypoint: list(&["/mine"]),
            ..Default::default()
        };
        merge(&mut config, &image());
        assert_eq!(command(&mut config).unwrap(), ("/mine".to_owned(), vec![]));
    }

    #[test]
    fn an_empty_entrypoint_takes_the_images_away() {
        let mut config = ContainerConfig {
            entrypoint: list(&[""]),
            cmd: list(&["ls", "-l"]),
            ..ContainerConfig::default()
        };
        merge(&mut config, &image());
        assert_eq!(
            command(&mut config).unwrap(),
            ("ls".to_owned(), vec!["-l".to_owned()])
        );
        assert_eq!(config.entrypoint, None);
    }

    #[test]
    fn no_command_anywhere_is_refused() {
        let mut config = ContainerConfig::default();
        assert_eq!(
            command(&mut config).unwrap_err().to_string(),
            "no command specified"
        );
    }
}
