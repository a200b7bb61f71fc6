//! The containers of the daemon, and what of other answers counts them or speaks of them.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_access::{Scope, named_in, without_others};
use serde::Deserialize;
use serde_json::{Value, json};

use super::strange;
use crate::error::GuardError;
use crate::inquire;
use crate::pool::Pool;

/// A container, as a list shows it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(rename = "ImageID", default)]
    image: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

/// All containers there are, the caller's apart from those of others.
#[derive(Debug)]
pub(super) struct Containers {
    own: Vec<Container>,
    others: Vec<Container>,
}

impl Containers {
    pub(super) async fn ask(pool: &Pool, scope: &Scope) -> Result<Self, GuardError> {
        let told = inquire::get(pool, "/containers/json?all=1").await?;
        Self::read(&told.body, scope).ok_or_else(|| strange(pool))
    }

    fn read(list: &[u8], scope: &Scope) -> Option<Self> {
        let all: Vec<Container> = serde_json::from_slice(list).ok()?;
        let sees = |container: &Container| scope.sees(container.labels.as_ref());
        let (own, others) = all.into_iter().partition(sees);
        Some(Self { own, others })
    }

    pub(super) fn own_ids(&self) -> BTreeSet<&str> {
        self.own.iter().map(|it| it.id.as_str()).collect()
    }

    /// `GET /info`, with the caller's own containers counted.
    pub(super) fn info(&self, mut info: Value) -> Value {
        let of = |states: &[&str]| {
            let is_in = |it: &&Container| states.contains(&it.state.as_str());
            self.own.iter().filter(is_in).count()
        };
        let (running, paused) = (of(&["running", "restarting"]), of(&["paused"]));
        for (key, count) in [
            ("Containers", self.own.len()),
            ("ContainersRunning", running),
            ("ContainersPaused", paused),
            ("ContainersStopped", self.own.len() - running - paused),
        ] {
            if let Some(told) = info.get_mut(key) {
                *told = count.into();
            }
        }
        info
    }

    /// A list of images, with the caller's own containers of each counted.
    pub(super) fn images(&self, images: &mut Value) {
        for image in images.as_array_mut().into_iter().flatten() {
            let id = image.get("Id").and_then(Value::as_str);
            let made = self.own.iter().filter(|it| Some(it.image.as_str()) == id);
            let made = made.count();
            // -1 is not counted.
            if let Some(told) = image.get_mut("Containers")
                && told.as_i64().is_some_and(|told| told > 0)
            {
                *told = made.into();
            }
        }
    }

    /// The images in `GET /system/df`, and since 1.52 their sums.
    pub(super) fn usage(&self, mut usage: Value) -> Value {
        if let Some(images) = usage.get_mut("Images") {
            self.images(images);
        }
        let beside = usage.get("Images").cloned().unwrap_or_default();
        if let Some(sums) = usage.get_mut("ImageUsage").and_then(Value::as_object_mut) {
            if let Some(items) = sums.get_mut("Items") {
                self.images(items);
            }
            let images = sums.get("Items").cloned().unwrap_or(beside);
            let number = |image: &Value, key| image.get(key).and_then(Value::as_i64).unwrap_or(0);
            let all = images.as_array().into_iter().flatten();
            let active = all.filter(|image| number(image, "Containers") > 0);
            let used: i64 = active
                .clone()
                .map(|image| number(image, "Size") - number(image, "SharedSize").max(0))
                .sum();
            let total = sums.get("TotalSize").and_then(Value::as_i64).unwrap_or(0);
            sums.insert("ActiveCount".to_owned(), active.count().into());
            sums.insert("Reclaimable".to_owned(), (total - used).max(0).into());
        }
        usage
    }

    /// An error, without the containers of others that it names.
    fn told_of(&self, message: &str) -> String {
        without_others(message, |word| {
            let is_name = |name: &String| name.trim_start_matches('/') == word;
            let mut others = self.others.iter();
            others.any(|it| it.id.starts_with(word) || it.names.iter().any(is_name))
        })
    }
}

/// The body of a refusal as it is shown to a caller who sees its own objects alone.
pub(super) async fn refusal(
    pool: &Pool,
    scope: &Scope,
    whole: &[u8],
) -> Result<Option<Vec<u8>>, GuardError> {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let Ok(Refusal { message }) = serde_json::from_slice(whole) else {
        return Ok(None);
    };
    if named_in(&message).is_empty() {
        return Ok(None);
    }
    let told = Containers::ask(pool, scope).await?.told_of(&message);
    Ok(Some(lockgate_api::encode(&json!({ "message": told }))))
}

#[cfg(test)]
mod tests {
    use super::super::list::tests::alices;
    use super::*;

    fn containers() -> Containers {
        let own = json!({ "lockgate.owner": "cn=alice" });
        let list = json!([
            { "Id": "a".repeat(64), "Names": ["/his"], "ImageID": "i", "State": "running" },
            { "Id": "b".repeat(64), "Names": ["/hers"], "ImageID": "i", "State": "paused", "Labels": own },
            { "Id": "c".repeat(64), "Names": ["/old"], "ImageID": "j", "State": "exited", "Labels": own },
            { "Id": "d".repeat(64), "Names": null, "ImageID": "i", "State": "exited", "Labels": null },
        ]);
        // Names may be missing, and are not null.
        let list = list.to_string().replace("\"Names\":null,", "");
        Containers::read(list.as_bytes(), &alices()).unwrap()
    }

    // T: response-side
    #[test]
    fn others_are_counted_neither_by_the_daemon_nor_by_images() {
        let info = json!({ "Containers": 4, "ContainersRunning": 1, "ContainersPaused": 1, "ContainersStopped": 2, "Images": 7 });
        let own = json!({ "Containers": 2, "ContainersRunning": 0, "ContainersPaused": 1, "ContainersStopped": 1, "Images": 7 });
        assert_eq!(containers().info(info), own);
        let image = |id: &str, containers: i64| json!({ "Id": id, "Containers": containers, "Size": 9, "SharedSize": 1 });
        let all = json!([image("i", 3), image("j", 1), image("k", 2), image("l", -1)]);
        let left = json!([image("i", 1), image("j", 1), image("k", 0), image("l", -1)]);
        let mut images = all.clone();
        containers().images(&mut images);
        assert_eq!(images, left);
        let sums = |items: &Value, active: i64, idle: i64| json!({ "ImageUsage": { "ActiveCount": active, "TotalCount": 4, "Reclaimable": idle, "TotalSize": 33, "Items": items } });
        assert_eq!(containers().usage(sums(&all, 3, 9)), sums(&left, 2, 17));
    }

    // T: response-side
    #[test]
    fn a_refusal_names_nobody_elses_container() {
        let of_his = format!("is already in use by container \"{}\"", "a".repeat(64));
        assert_eq!(
            containers().told_of(&of_his),
            "is already in use by container \"(another's)\""
        );
        let of_hers = format!("container {} is using it", "b".repeat(12));
        assert_eq!(containers().told_of(&of_hers), of_hers);
        assert_eq!(
            containers().told_of("endpoints (name:\"his\" id:\"0123456789ab\")"),
            "endpoints (name:\"(another's)\" id:\"0123456789ab\")"
        );
    }
}
