//! The judged body with what the judgement found: ids in place of names, and whose the new object is.

use bytes::Bytes;
use lockgate_access::{Kind, Objects};
use lockgate_api::Operation;
use lockgate_api::json::same_field;
use lockgate_types::OWNER_LABEL;
use serde_json::{Map, Value, json};

use crate::anonymous;
use crate::error::GuardError;
use crate::implied::Implied;
use crate::lookup::is_common;

/// What is known of a call beyond its body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) operation: Operation,
    /// What was looked up; nothing if the judgement did not depend on it.
    pub(crate) found: Option<&'a dyn Objects>,
    /// Whom a new object belongs to.
    pub(crate) owner: Option<&'a str>,
    /// Labels that say whose an object is.
    pub(crate) controlled: &'a [String],
}

/// A body for the upstream daemon.
#[derive(Debug)]
pub(crate) struct Marked {
    pub(crate) body: Bytes,
    /// Named volumes that the call would make, with their driver.
    pub(crate) volumes: Vec<(String, String)>,
}

/// Writes the body anew, if there is something to write into it. It was judged, so it is JSON without
/// duplicates.
pub(crate) fn body(
    known: Known<'_>,
    implied: &Implied,
    judged: &Bytes,
) -> Result<Marked, GuardError> {
    let as_it_is = || Marked {
        body: judged.clone(),
        volumes: Vec::new(),
    };
    let nothing_to_say = known.found.is_none() && known.owner.is_none();
    if nothing_to_say || !CONCERNED.contains(&known.operation) {
        return Ok(as_it_is());
    }
    let Ok(Value::Object(mut root)) = serde_json::from_slice(judged) else {
        return Ok(as_it_is());
    };
    let mut volumes = Vec::new();
    if known.operation == Operation::ContainerCreate {
        if let Some(host) = object(&mut root, "HostConfig") {
            known.pin_container(host)?;
            volumes = known.new_volumes(host);
        }
        known.pin_networks(&mut root)?;
        if let Some(owner) = known.owner {
            anonymous::own(&mut root, implied, owner);
            known.disown_labels(&mut root, implied);
        }
    } else {
        known.pin_members(&mut root)?;
    }
    if let (true, Some(owner)) = (makes(known.operation), known.owner) {
        labels(&mut root).insert(OWNER_LABEL.to_owned(), owner.into());
    }
    Ok(Marked {
        body: Value::Object(root).to_string().into(),
        volumes,
    })
}

const CONCERNED: [Operation; 5] = [
    Operation::ContainerCreate,
    Operation::NetworkConnect,
    Operation::NetworkCreate,
    Operation::NetworkDisconnect,
    Operation::VolumeCreate,
];

fn makes(operation: Operation) -> bool {
    [
        Operation::ContainerCreate,
        Operation::NetworkCreate,
        Operation::VolumeCreate,
    ]
    .contains(&operation)
}

impl Known<'_> {
    /// The id of the container that was judged under this name.
    pub(crate) fn id(&self, kind: Kind, name: &str) -> Result<String, GuardError> {
        let Some(found) = self.found else {
            return Ok(name.to_owned());
        };
        match found.find(kind, name) {
            Some(object) => Ok(object.id),
            None => Err(GuardError::NotThere {
                kind,
                name: name.to_owned(),
            }),
        }
    }

    fn pin_container(&self, host: &mut Map<String, Value>) -> Result<(), GuardError> {
        for mode in ["NetworkMode", "PidMode", "IpcMode"] {
            let Some(value) = member(host, mode) else {
                continue;
            };
            if let Some(name) = text(value).strip_prefix("container:") {
                *value = format!("container:{}", self.id(Kind::Container, name)?).into();
            }
        }
        for item in items(host, "VolumesFrom") {
            let (name, mode) = cut(text(item));
            *item = format!("{}{mode}", self.id(Kind::Container, name)?).into();
        }
        self.pin_links(host)
    }

    /// A network keeps its name, with the id of what that meant beside it: the daemon takes that at
    /// every start.
    fn pin_networks(&self, root: &mut Map<String, Value>) -> Result<(), GuardError> {
        if self.found.is_none() {
            return Ok(());
        }
        let host = object(root, "HostConfig");
        let mode = host.and_then(|host| member(host, "NetworkMode"));
        let mode = mode.map_or_else(String::new, |mode| text(mode).to_owned());
        let networking = object_or_new(root, "NetworkingConfig");
        let endpoints = object_or_new(networking, "EndpointsConfig");
        if endpoints.is_empty() && is_named(&mode) {
            endpoints.insert(mode, json!({}));
        }
        for (name, endpoint) in endpoints.iter_mut().filter(|(name, _)| is_named(name)) {
            if !endpoint.is_object() {
                *endpoint = json!({});
            }
            let endpoint = as_map(endpoint);
            self.pin_links(endpoint)?;
            let asked = member(endpoint, "NetworkID")
                .map_or("", |id| text(id))
                .to_owned();
            let asked = if asked.is_empty() {
                name.clone()
            } else {
                asked
            };
            let id = self.id(Kind::Network, &asked)?;
            endpoint.retain(|key, _| !same_field(key, "NetworkID"));
            endpoint.insert("NetworkID".to_owned(), id.into());
        }
        Ok(())
    }

    /// Labels that say whose an object is come from who asks: those of the image are blotted out, for
    /// they cannot be taken away.
    fn disown_labels(&self, root: &mut Map<String, Value>, implied: &Implied) {
        let labels = labels(root);
        for key in self.controlled {
            if implied.labels.contains_key(key) && !labels.contains_key(key) {
                labels.insert(key.clone(), "".into());
            }
        }
    }

    fn pin_members(&self, root: &mut Map<String, Value>) -> Result<(), GuardError> {
        if let Some(container) = member(root, "Container")
            && !text(container).is_empty()
        {
            *container = self.id(Kind::Container, text(container))?.into();
        }
        match object(root, "EndpointConfig") {
            Some(endpoint) => self.pin_links(endpoint),
            None => Ok(()),
        }
    }

    /// A link without a name of its own has that of the container.
    fn pin_links(&self, holder: &mut Map<String, Value>) -> Result<(), GuardError> {
        for link in items(holder, "Links") {
            let (name, alias) = cut(text(link));
            let alias = if alias.is_empty() {
                format!(":{}", name.trim_start_matches('/'))
            } else {
                alias.to_owned()
            };
            *link = format!("{}{alias}", self.id(Kind::Container, name)?).into();
        }
        Ok(())
    }

    /// Volumes come to be by being named. Those with options say whose they are themselves; the others
    /// have to be made first.
    fn new_volumes(&self, host: &mut Map<String, Value>) -> Vec<(String, String)> {
        let Some(owner) = self.owner else {
            return Vec::new();
        };
        let is_new = |name: &str| {
            let found = self.found.map(|found| found.find(Kind::Volume, name));
            matches!(found, Some(None))
        };
        let driver =
            member(host, "VolumeDriver").map_or_else(String::new, |it| text(it).to_owned());
        let mut new = Vec::new();
        for bind in items(host, "Binds") {
            let (name, rest) = cut(text(bind));
            let is_named = name.starts_with(|c: char| c.is_ascii_alphanumeric());
            if is_named && !rest.is_empty() && is_new(name) {
                new.push((name.to_owned(), driver.clone()));
            }
        }
        for mount in items(host, "Mounts").filter_map(Value::as_object_mut) {
            let kind = member(mount, "Type").map_or_else(String::new, |it| text(it).to_owned());
            let name = member(mount, "Source").map_or_else(String::new, |it| text(it).to_owned());
            if kind != "volume" || !(name.is_empty() || is_new(&name)) {
                continue;
            }
            let options = object_or_new(mount, "VolumeOptions");
            let has_driver = object(options, "DriverConfig").is_some();
            labels(options).insert(OWNER_LABEL.to_owned(), owner.into());
            if !name.is_empty() && !has_driver {
                new.push((name, String::new()));
            }
        }
        new
    }
}

/// Those that every daemon has mean nothing else ever.
fn is_named(network: &str) -> bool {
    !matches!(network, "" | "default") && !is_common(network) && !network.starts_with("container:")
}

/// The member that the daemon takes for this field.
pub(crate) fn member<'a>(object: &'a mut Map<String, Value>, field: &str) -> Option<&'a mut Value> {
    object
        .iter_mut()
        .find(|(key, value)| same_field(key, field) && !value.is_null())
        .map(|(_, value)| value)
}

pub(crate) fn object<'a>(
    from: &'a mut Map<String, Value>,
    field: &str,
) -> Option<&'a mut Map<String, Value>> {
    member(from, field)?.as_object_mut()
}

pub(crate) fn items<'a>(
    from: &'a mut Map<String, Value>,
    field: &str,
) -> impl Iterator<Item = &'a mut Value> {
    let list = member(from, field).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

/// A member under its one name; what stood there in other letters is put under it.
pub(crate) fn object_or_new<'a>(
    from: &'a mut Map<String, Value>,
    field: &str,
) -> &'a mut Map<String, Value> {
    let spelt = from.keys().find(|key| same_field(key, field)).cloned();
    let before = spelt.and_then(|key| from.remove(&key));
    let object = before.filter(Value::is_object).unwrap_or_else(|| json!({}));
    let place = from.entry(field).or_insert_with(|| json!({}));
    *place = object;
    as_map(place)
}

/// What was just made an object is one.
fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    #[expect(clippy::expect_used, reason = "made one in the line above")]
    value.as_object_mut().expect("an object")
}

fn labels(from: &mut Map<String, Value>) -> &mut Map<String, Value> {
    object_or_new(from, "Labels")
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `name:rest` as `name` and `:rest`.
pub(crate) fn cut(text: &str) -> (&str, &str) {
    text.find(':').map_or((text, ""), |at| text.split_at(at))
}

#[cfg(test)]
mod tests {
    use lockgate_access::Object;

    use super::*;

    /// Everything is there under another id, but for what is called `new`.
    #[derive(Debug)]
    struct There;

    impl Objects for There {
        fn find(&self, _kind: Kind, name: &str) -> Option<Object> {
            (name != "new").then(|| Object {
                id: format!("id-of-{name}"),
                ..Object::default()
            })
        }
    }

    fn marked(operation: Operation, body_text: &str) -> Result<(Value, Vec<String>), String> {
        let known = Known {
            operation,
            found: Some(&There),
            owner: Some("cn=alice"),
            controlled: &[OWNER_LABEL.to_owned(), "team".to_owned()],
        };
        let implied = Implied {
            volumes: vec!["/data".to_owned(), "/taken".to_owned()],
            labels: [("team".to_owned(), "ci".to_owned())].into(),
            taken: vec!["/taken".to_owned()],
        };
        let marked = body(
            known,
            &implied,
            &Bytes::copy_from_slice(body_text.as_bytes()),
        );
        let marked = marked.map_err(|error| error.to_string())?;
        let names = marked.volumes.into_iter().map(|(name, _)| name).collect();
        Ok((serde_json::from_slice(&marked.body).unwrap(), names))
    }

    #[test]
    fn names_of_containers_become_the_ids_that_were_judged() {
        let (body, _) = marked(
            Operation::ContainerCreate,
            r#"{"Image":"i","hostconfig":{"NetworkMode":"container:a","pidMode":"container:b","VolumesFrom":["c:ro"],"Links":["d","e:f"]}}"#,
        )
        .unwrap();
        let host = &body["HostConfig"];
        assert_eq!(host["NetworkMode"], "container:id-of-a");
        assert_eq!(host["pidMode"], "container:id-of-b");
        assert_eq!(host["VolumesFrom"], json!(["id-of-c:ro"]));
        assert_eq!(host["Links"], json!(["id-of-d:d", "id-of-e:f"]));
        let (body, _) = marked(Operation::NetworkConnect, r#"{"container":"a"}"#).unwrap();
        assert_eq!(body["container"], "id-of-a");
    }

    #[test]
    fn what_was_not_there_when_it_was_judged_is_not_used() {
        let refused = marked(
            Operation::ContainerCreate,
            r#"{"HostConfig":{"IpcMode":"container:new"}}"#,
        );
        assert_eq!(refused.unwrap_err(), "No such container: new");
    }

    #[test]
    fn new_objects_say_whose_they_are_in_the_one_place_for_it() {
        for labels in ["", r#","Labels":null"#, r#","labels":{"a":"b"}"#] {
            let text = format!(r#"{{"Name":"n"{labels}}}"#);
            let (body, _) = marked(Operation::NetworkCreate, &text).unwrap();
            assert_eq!(body["Labels"]["lockgate.owner"], "cn=alice");
            assert!(body.get("labels").is_none(), "{body}");
        }
    }

    #[test]
    fn volumes_that_a_container_would_make_are_named() {
        let (body, volumes) = marked(
            Operation::ContainerCreate,
            r#"{"HostConfig":{"Binds":["new:/a","old:/b","/host:/c"],"Mounts":[{"Type":"volume","Source":"new","Target":"/d"},{"Type":"volume","Target":"/e"}]}}"#,
        )
        .unwrap();
        assert_eq!(volumes, ["new", "new"]);
        assert_eq!(
            body["Labels"]["team"], "",
            "the image's word for it does not count"
        );
        let anonymous = &body["HostConfig"]["Mounts"][1]["VolumeOptions"]["Labels"];
        assert_eq!(anonymous["lockgate.owner"], "cn=alice");
    }

    #[test]
    fn volumes_without_a_name_say_whose_they_are() {
        let targets = |text: &str| -> Vec<String> {
            let (body, _) = marked(Operation::ContainerCreate, text).unwrap();
            let mounts = body["HostConfig"]["Mounts"].as_array().unwrap();
            let of_alice = |mount: &&Value| {
                mount["VolumeOptions"]["Labels"]["lockgate.owner"] == "cn=alice"
                    && mount["Type"] == "volume"
            };
            let mounts = mounts.iter().filter(of_alice);
            mounts
                .map(|mount| mount["Target"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(targets(r#"{"Image":"i"}"#), ["/data"]);
        assert_eq!(
            targets(
                r#"{"Image":"i","volumes":{"/own/":{},"relative":{}},"HostConfig":{"binds":["/bare"]}}"#
            ),
            ["/bare", "/data", "/own"]
        );
        // What is mounted there already stays.
        for (host, left) in [
            (r#"{"Binds":["/host:/data"],"Mounts":[]}"#, &[][..]),
            (
                r#"{"Mounts":[{"Type":"bind","Source":"/x","target":"/data/"}]}"#,
                &[],
            ),
            (r#"{"Tmpfs":{"/data":""},"Mounts":[]}"#, &[]),
            (
                r#"{"Mounts":[{"Type":"volume","Target":"/data"}]}"#,
                &["/data"],
            ),
        ] {
            assert_eq!(
                targets(&format!(r#"{{"Image":"i","HostConfig":{host}}}"#)),
                left,
                "{host}"
            );
        }
        let text = r#"{"Image":"i","HostConfig":{"VolumeDriver":"nfs"}}"#;
        let (body, _) = marked(Operation::ContainerCreate, text).unwrap();
        let options = &body["HostConfig"]["Mounts"][0]["VolumeOptions"];
        assert_eq!(options["DriverConfig"]["Name"], "nfs");
    }

    // T: indirect-object
    #[test]
    fn a_network_is_named_with_the_id_that_was_judged() {
        let (body, _) = marked(
            Operation::ContainerCreate,
            r#"{"HostConfig":{"NetworkMode":"n"}}"#,
        )
        .unwrap();
        assert_eq!(body["HostConfig"]["NetworkMode"], "n");
        let endpoints = &body["NetworkingConfig"]["EndpointsConfig"];
        assert_eq!(*endpoints, json!({ "n": { "NetworkID": "id-of-n" } }));
        let (body, _) = marked(
            Operation::ContainerCreate,
            r#"{"HostConfig":{"NetworkMode":"n"},"networkingconfig":{"endpointsConfig":{"m":{"networkid":"k"},"bridge":null}}}"#,
        )
        .unwrap();
        let endpoints = &body["NetworkingConfig"]["EndpointsConfig"];
        assert_eq!(
            *endpoints,
            json!({ "m": { "NetworkID": "id-of-k" }, "bridge": null })
        );
        for mode in ["default", "bridge", "none", "host", "container:x"] {
            let text = format!(r#"{{"HostConfig":{{"NetworkMode":"{mode}"}}}}"#);
            let (body, _) = marked(Operation::ContainerCreate, &text).unwrap();
            assert_eq!(
                body["NetworkingConfig"]["EndpointsConfig"],
                json!({}),
                "{mode}"
            );
        }
        let refused = marked(
            Operation::ContainerCreate,
            r#"{"HostConfig":{"NetworkMode":"new"}}"#,
        );
        assert_eq!(refused.unwrap_err(), "network new not found");
    }
}
