//! Images as rows of a list: one for each tag.

use std::collections::BTreeMap;

use lockgate_types::ImageRef;

use super::super::view::View;
use crate::format::{Column, Row, short_id, time};
use crate::spec::units::human_size;

/// The fields of a row.
pub(crate) const COLUMNS: &[Column] = &[
    Column("ID", "IMAGE ID"),
    Column("Repository", "REPOSITORY"),
    Column("Tag", "TAG"),
    Column("Digest", "DIGEST"),
    Column("CreatedSince", "CREATED"),
    Column("CreatedAt", "CREATED AT"),
    Column("Size", "SIZE"),
    Column("VirtualSize", "SIZE"),
    Column("Containers", "CONTAINERS"),
    Column("SharedSize", "SHARED SIZE"),
    Column("UniqueSize", "UNIQUE SIZE"),
];

const NONE: &str = "<none>";

/// A name, a tag and a digest under which an image is known.
type Name = (String, String, String);

/// The rows of one image.
pub(crate) fn rows(image: View<'_>, trunc: bool, digests: bool) -> Vec<Row> {
    names(image, digests)
        .into_iter()
        .map(|name| row(image, name, trunc))
        .collect()
}

fn row(image: View<'_>, (repository, tag, digest): Name, trunc: bool) -> Row {
    let id = image.text("Id");
    let created = image.int("Created");
    let known = |field: &str| image.at(field).is_there() && image.int(field) >= 0;
    let size_or = |field: &str| {
        if known(field) {
            human_size(image.float(field), 4)
        } else {
            "N/A".to_owned()
        }
    };
    let unique = if known("SharedSize") {
        human_size(image.float("Size") - image.float("SharedSize"), 4)
    } else {
        "N/A".to_owned()
    };
    let containers = if known("Containers") {
        image.int("Containers").to_string()
    } else {
        "N/A".to_owned()
    };
    Row::new()
        .with("ID", if trunc { short_id(id) } else { id.to_owned() })
        .with("Repository", repository)
        .with("Tag", tag)
        .with("Digest", digest)
        .with(
            "CreatedSince",
            if created > 0 {
                time::ago(created)
            } else {
                "N/A".to_owned()
            },
        )
        .with("CreatedAt", time::go_string(created))
        .with("Size", human_size(image.float("Size"), 3))
        .with("VirtualSize", human_size(image.float("Size"), 4))
        .with("Containers", containers)
        .with("SharedSize", size_or("SharedSize"))
        .with("UniqueSize", unique)
}

/// One entry for each tag; one for each digest if there is no tag or digests are shown.
fn names(image: View<'_>, digests: bool) -> Vec<Name> {
    let mut by_name: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    let mut entry = |name: String| {
        if !order.contains(&name) {
            order.push(name.clone());
        }
        name
    };
    for text in image.texts("RepoTags") {
        if let Ok(reference) = ImageRef::parse(text) {
            let name = entry(reference.familiar_name());
            let tag = reference.tag().unwrap_or(NONE).to_owned();
            by_name.entry(name).or_default().0.push(tag);
        }
    }
    for text in image.texts("RepoDigests") {
        if let Some((name, digest)) = text.split_once('@')
            && name != NONE
        {
            let name = entry(
                ImageRef::parse(name)
                    .map_or_else(|_error| name.to_owned(), |known| known.familiar_name()),
            );
            by_name.entry(name).or_default().1.push(digest.to_owned());
        }
    }
    let mut all = Vec::new();
    for name in order {
        let (tags, known) = by_name.remove(&name).unwrap_or_default();
        all.extend(of_repository(&name, &tags, &known, digests));
    }
    if all.is_empty() {
        all.push((NONE.to_owned(), NONE.to_owned(), NONE.to_owned()));
    }
    all
}

fn of_repository(name: &str, tags: &[String], known: &[String], digests: bool) -> Vec<Name> {
    let none = [NONE.to_owned()];
    let tags = if tags.is_empty() { &none[..] } else { tags };
    // Without the column for it, a digest is no reason for another row.
    let known = if known.is_empty() || (!digests && tags != none) {
        &none[..]
    } else {
        known
    };
    let known = if digests {
        known
    } else {
        known.get(..1).unwrap_or_default()
    };
    let pairs = tags
        .iter()
        .flat_map(|tag| known.iter().map(move |digest| (tag, digest)));
    pairs
        .map(|(tag, digest)| (name.to_owned(), tag.clone(), digest.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str, digests: bool) -> Vec<Name> {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        names(View::new(&value), digests)
    }

    fn name(repository: &str, tag: &str, digest: &str) -> Name {
        (repository.to_owned(), tag.to_owned(), digest.to_owned())
    }

    #[test]
    fn every_tag_has_a_row() {
        let json =
            r#"{"RepoTags":["busybox:latest","h:5000/a:b"],"RepoDigests":["busybox@sha256:1"]}"#;
        assert_eq!(
            shown(json, false),
            [name("busybox", "latest", NONE), name("h:5000/a", "b", NONE)]
        );
        assert_eq!(
            shown(json, true),
            [
                name("busybox", "latest", "sha256:1"),
                name("h:5000/a", "b", NONE)
            ]
        );
    }

    #[test]
    fn an_image_without_a_name_has_one_row() {
        for json in [
            "{}",
            r#"{"RepoTags":null,"RepoDigests":[]}"#,
            r#"{"RepoTags":["<none>:<none>"],"RepoDigests":["<none>@<none>"]}"#,
        ] {
            assert_eq!(shown(json, false), [name(NONE, NONE, NONE)], "{json}");
        }
        let json = r#"{"RepoDigests":["a@sha256:1"]}"#;
        assert_eq!(shown(json, false), [name("a", NONE, "sha256:1")]);
    }
}
