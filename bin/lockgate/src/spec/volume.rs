//! `-v`, `--mount` and `--tmpfs`.
#![expect(
    clippy::zero_sized_map_values,
    reason = "the API writes sets as maps to empty objects"
)]

use std::collections::BTreeMap;
use std::path::Path;

use lockgate_types::container::{
    BindOptions, DriverConfig, Empty, Mount, MountType, TmpfsOptions, VolumeOptions,
};

use super::port::Exposed as Names;
use super::units;

/// Checks `-v` when it is read.
pub(crate) fn check_bind(text: &str) -> Result<String, String> {
    if text.is_empty() {
        Err("invalid empty volume spec".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// Checks `--mount` when it is read.
pub(crate) fn check_mount(text: &str) -> Result<String, String> {
    parse_mount(text).map(|_mount| text.to_owned())
}

/// Splits `-v` values into binds and anonymous volumes.
pub(crate) fn binds(values: &[String]) -> Result<(Vec<String>, Names), String> {
    let mut binds = Vec::new();
    let mut volumes = Names::new();
    for value in values {
        match value
            .split_once(':')
            .filter(|(source, _)| !source.is_empty())
        {
            None => {
                volumes.insert(value.clone(), Empty::default());
            }
            Some((source, rest)) => binds.push(format!("{}:{rest}", absolute(source)?)),
        }
    }
    Ok((binds, volumes))
}

/// A source that begins with a dot is a path from here.
fn absolute(source: &str) -> Result<String, String> {
    if !source.starts_with('.') {
        return Ok(source.to_owned());
    }
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    Ok(clean(&here.join(source)))
}

/// Removes `.` and `..` from an absolute path, by name alone.
fn clean(path: &Path) -> String {
    use std::path::Component;
    let mut parts: Vec<String> = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::ParentDir => {
                parts.pop();
            }
            _ => {}
        }
    }
    format!("/{}", parts.join("/"))
}

/// `--tmpfs /run:size=1m`.
pub(crate) fn tmpfs(values: &[String]) -> BTreeMap<String, String> {
    let pair = |value: &String| match value.split_once(':') {
        Some((path, options)) => (path.to_owned(), options.to_owned()),
        None => (value.clone(), String::new()),
    };
    values.iter().map(pair).collect()
}

/// Reads one `--mount` value, `type=bind,source=/a,target=/b,readonly`.
pub(crate) fn parse_mount(text: &str) -> Result<Mount, String> {
    let mut mount = Mount::default();
    for field in fields(text) {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (field.as_str(), None),
        };
        let key = key.trim().to_ascii_lowercase();
        set(&mut mount, &field, &key, value)?;
    }
    finish(&mount)?;
    Ok(mount)
}

/// Comma-separated fields; one in double quotes may contain commas.
fn fields(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut is_quoted = false;
    for letter in text.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => all.push(String::new()),
            _ => all
                .last_mut()
                .into_iter()
                .for_each(|field| field.push(letter)),
        }
    }
    all
}

fn set(mount: &mut Mount, field: &str, key: &str, value: Option<&str>) -> Result<(), String> {
    let Some(value) = value else {
        return match key {
            "readonly" | "ro" => set_flag(&mut mount.read_only, true),
            "volume-nocopy" => set_flag(&mut volume(mount).no_copy, true),
            "bind-nonrecursive" => set_flag(&mut bind(mount).non_recursive, true),
            "bind-create-src" => set_flag(&mut bind(mount).create_mountpoint, true),
            _ => Err(format!("invalid field '{field}' must be a key=value pair")),
        };
    };
    match key {
        "type" => mount.kind = kind(value)?.into(),
        "source" | "src" => {
            mount.source = absolute(value)?;
        }
        "target" | "dst" | "destination" => value.clone_into(&mut mount.target),
        "readonly" | "ro" => set_flag(&mut mount.read_only, truth(key, value)?)?,
        "consistency" => mount.consistency = value.to_ascii_lowercase(),
        "bind-propagation" => bind(mount).propagation = value.to_ascii_lowercase(),
        "bind-nonrecursive" => bind(mount).non_recursive = truth(key, value)?,
        "bind-create-src" => bind(mount).create_mountpoint = truth(key, value)?,
        "bind-recursive" => recursive(mount, value)?,
        "image-subpath" => {
            value.clone_into(&mut mount.image_options.get_or_insert_default().subpath);
        }
        "volume-subpath" => value.clone_into(&mut volume(mount).subpath),
        "volume-nocopy" => {
            volume(mount).no_copy = truth(key, value)
                .map_err(|_reason| format!("invalid value for volume-nocopy: {value}"))?;
        }
        "volume-label" => pair(volume(mount).labels.get_or_insert_default(), value),
        "volume-driver" => {
            value.clone_into(&mut driver(mount).name);
        }
        "volume-opt" => pair(driver(mount).options.get_or_insert_default(), value),
        "tmpfs-size" => {
            let size = units::parse_bytes(value)
                .map_err(|_reason| format!("invalid value for {key}: {value}"))?;
            tmpfs_options(mount).size_bytes = Some(size);
        }
        "tmpfs-mode" => {
            let mode = u32::from_str_radix(value, 8)
                .map_err(|_reason| format!("invalid value for {key}: {value}"))?;
            tmpfs_options(mount).mode = Some(mode);
        }
        _ => return Err(format!("unexpected key '{key}' in '{field}'")),
    }
    Ok(())
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "lets every arm of the table be one line"
)]
fn set_flag(flag: &mut bool, value: bool) -> Result<(), String> {
    *flag = value;
    Ok(())
}

fn kind(value: &str) -> Result<MountType, String> {
    match value.to_ascii_lowercase().as_str() {
        "bind" => Ok(MountType::Bind),
        "volume" => Ok(MountType::Volume),
        "tmpfs" => Ok(MountType::Tmpfs),
        "image" => Ok(MountType::Image),
        "npipe" => Ok(MountType::Npipe),
        "cluster" => Ok(MountType::Cluster),
        other => Err(format!("invalid value for type: {other}")),
    }
}

fn truth(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!("invalid value for {key}: {value}")),
    }
}

fn recursive(mount: &mut Mount, value: &str) -> Result<(), String> {
    match value {
        "enabled" => {}
        "disabled" => bind(mount).non_recursive = true,
        "writable" => bind(mount).read_only_non_recursive = true,
        "readonly" => bind(mount).read_only_force_recursive = true,
        _ => {
            return Err(format!(
                "invalid value for bind-recursive: {value} \
                 (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")"
            ));
        }
    }
    Ok(())
}

fn pair(map: &mut BTreeMap<String, String>, value: &str) {
    let (key, value) = value.split_once('=').unwrap_or((value, ""));
    map.insert(key.to_owned(), value.to_owned());
}

fn bind(mount: &mut Mount) -> &mut BindOptions {
    mount.bind_options.get_or_insert_default()
}

fn volume(mount: &mut Mount) -> &mut VolumeOptions {
    mount.volume_options.get_or_insert_default()
}

fn driver(mount: &mut Mount) -> &mut DriverConfig {
    volume(mount).driver_config.get_or_insert_default()
}

fn tmpfs_options(mount: &mut Mount) -> &mut TmpfsOptions {
    mount.tmpfs_options.get_or_insert_default()
}

fn finish(mount: &Mount) -> Result<(), String> {
    let mixed = |name: &str| {
        Err(format!(
            "cannot mix '{name}-*' options with mount type '{}'",
            mount.kind.as_str()
        ))
    };
    if mount.target.is_empty() {
        return Err("target is required".to_owned());
    }
    if mount.volume_options.is_some() && mount.kind != MountType::Volume {
        return mixed("volume");
    }
    if mount.bind_options.is_some() && mount.kind != MountType::Bind {
        return mixed("bind");
    }
    if mount.image_options.is_some() && mount.kind != MountType::Image {
        return mixed("image");
    }
    if mount.tmpfs_options.is_some() && mount.kind != MountType::Tmpfs {
        return mixed("tmpfs");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn a_volume_with_a_source_is_a_bind() {
        let (binds, volumes) = binds(&owned(&["/a:/b:ro", "name:/c", "/anonymous"])).unwrap();
        assert_eq!(binds, ["/a:/b:ro", "name:/c"]);
        assert_eq!(volumes.keys().collect::<Vec<_>>(), ["/anonymous"]);
    }

    #[test]
    fn a_relative_source_becomes_absolute() {
        let (binds, _) = binds(&owned(&["./x/../y:/b"])).unwrap();
        let here = std::env::current_dir().unwrap();
        assert_eq!(binds, [format!("{}/y:/b", here.display())]);
        assert_eq!(clean(Path::new("/a/../../b/./c")), "/b/c");
    }

    #[test]
    fn reads_a_mount() {
        let mount = parse_mount(
            "type=volume,src=v,dst=/d,readonly,volume-opt=a=b,\"volume-label=x=1,2\",volume-nocopy",
        )
        .unwrap();
        assert_eq!((mount.source.as_str(), mount.target.as_str()), ("v", "/d"));
        assert!(mount.read_only);
        let options = mount.volume_options.unwrap();
        assert!(options.no_copy);
        assert_eq!(options.labels.unwrap()["x"], "1,2");
        assert_eq!(options.driver_config.unwrap().options.unwrap()["a"], "b");
        let image = parse_mount("type=image,source=tools,target=/t,image-subpath=bin").unwrap();
        assert_eq!(image.kind, MountType::Image);
        assert_eq!(image.image_options.unwrap().subpath, "bin");
        let tmpfs = parse_mount("type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777").unwrap();
        let options = tmpfs.tmpfs_options.unwrap();
        assert_eq!(
            (options.size_bytes, options.mode),
            (Some(1 << 20), Some(0o1777))
        );
    }

    #[test]
    fn refuses_a_bad_mount_by_name() {
        for (text, reason) in [
            ("x", "invalid field 'x' must be a key=value pair"),
            ("type=foo,target=/x", "invalid value for type: foo"),
            ("type=bind,source=/a", "target is required"),
            ("foo=bar,target=/x", "unexpected key 'foo' in 'foo=bar'"),
            (
                "type=bind,source=/a,target=/x,volume-nocopy",
                "cannot mix 'volume-*' options with mount type 'bind'",
            ),
            (
                "type=volume,source=a,target=/x,image-subpath=b",
                "cannot mix 'image-*' options with mount type 'volume'",
            ),
        ] {
            assert_eq!(parse_mount(text).unwrap_err(), reason, "{text}");
        }
    }
}
