//! `GET /system/df`

use lockgate_api::latest::usage::{BuildCache, DiskUsage, Lists, Usage};
use lockgate_api::latest::{container, image, volume};
use lockgate_api::{Query, Shape};
use lockgate_engine::ListQuery;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::{containers, images, reply, volumes};

pub(crate) async fn disk_usage(ask: &Ask) -> Result<Reply, Failure> {
    let version = ask.version();
    let wanted = if version.since(42) {
        Kinds::parse(ask.query())?
    } else {
        Kinds::ALL
    };
    let mut lists = measure(ask, wanted).await?;
    lists.shape(version);
    if version.before(52) {
        return Ok(reply::json(&lists));
    }
    let is_verbose = ask.query().flag("verbose");
    Ok(reply::json(
        &DiskUsage {
            image_usage: lists
                .images
                .as_ref()
                .map(|list| image_usage(list, lists.layers_size)),
            container_usage: lists.containers.as_ref().map(|list| container_usage(list)),
            volume_usage: lists.volumes.as_ref().map(|list| volume_usage(list)),
            build_cache_usage: lists.build_cache.as_ref().map(|_empty| Usage::default()),
            lists: None,
        }
        .with_details(lists, is_verbose),
    ))
}

/// Which kinds of objects are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kinds {
    build_cache: bool,
    containers: bool,
    images: bool,
    volumes: bool,
}

impl Kinds {
    const ALL: Self = Self {
        build_cache: true,
        containers: true,
        images: true,
        volumes: true,
    };

    fn parse(query: &Query) -> Result<Self, Failure> {
        let mut kinds = Self::default();
        for word in query.all("type") {
            match word {
                "build-cache" => kinds.build_cache = true,
                "container" => kinds.containers = true,
                "image" => kinds.images = true,
                "volume" => kinds.volumes = true,
                _ => return Err(Failure::invalid(format!("unknown object type: {word}"))),
            }
        }
        Ok(if kinds == Self::default() {
            Self::ALL
        } else {
            kinds
        })
    }
}

async fn measure(ask: &Ask, wanted: Kinds) -> Result<Lists, Failure> {
    let mut lists = Lists {
        build_cache: wanted.build_cache.then(Vec::new),
        ..Lists::default()
    };
    if wanted.images || wanted.volumes {
        let usage = ask.engine.disk_usage().await?;
        if wanted.images {
            lists.layers_size = usage.layers_size;
            let mut found: Vec<_> = usage.images.into_iter().map(images::summary).collect();
            images::count_own(ask, &mut found).await?;
            lists.images = Some(found);
        }
        if wanted.volumes {
            lists.volumes = Some(
                usage
                    .volumes
                    .into_iter()
                    .filter(|usage| ask.sees(usage.volume.labels.as_ref()))
                    .map(volumes::with_usage)
                    .collect(),
            );
        }
    }
    if wanted.containers {
        let query = ListQuery {
            all: true,
            size: true,
            ..ListQuery::default()
        };
        let found = ask.engine.containers().list(&query).await?;
        lists.containers = Some(
            found
                .into_iter()
                .filter(|summary| ask.sees(Some(&summary.labels)))
                .map(containers::summary)
                .collect(),
        );
    }
    Ok(lists)
}

fn image_usage(images: &[image::Summary], layers_size: i64) -> Usage<image::Summary> {
    let active = images.iter().filter(|image| image.containers > 0);
    let used: i64 = active
        .clone()
        .map(|image| image.size - image.shared_size.max(0))
        .sum();
    Usage {
        active_count: count(active),
        total_count: count(images.iter()),
        reclaimable: (layers_size - used).max(0),
        total_size: layers_size,
        items: None,
    }
}

fn container_usage(containers: &[container::Summary]) -> Usage<container::Summary> {
    let is_active = |container: &&container::Summary| {
        matches!(
            container.state.as_str(),
            "running" | "paused" | "restarting"
        )
    };
    let size = |container: &container::Summary| container.size_rw;
    Usage {
        active_count: count(containers.iter().filter(is_active)),
        total_count: count(containers.iter()),
        reclaimable: containers
            .iter()
            .filter(|it| !is_active(it))
            .map(size)
            .sum(),
        total_size: containers.iter().map(size).sum(),
        items: None,
    }
}

fn volume_usage(volumes: &[volume::Volume]) -> Usage<volume::Volume> {
    let usage = |volume: &volume::Volume| volume.usage_data.clone().unwrap_or_default();
    let sizes = volumes.iter().map(usage).filter(|usage| usage.size > 0);
    Usage {
        active_count: count(volumes.iter().filter(|volume| usage(volume).ref_count > 0)),
        total_count: count(volumes.iter()),
        reclaimable: sizes
            .clone()
            .filter(|it| it.ref_count == 0)
            .map(|it| it.size)
            .sum(),
        total_size: sizes.map(|usage| usage.size).sum(),
        items: None,
    }
}

fn count(items: impl Iterator) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

/// The objects: in the summaries for those who ask for them, beside them for all others.
trait Details {
    fn with_details(self, lists: Lists, is_verbose: bool) -> Self;
}

impl Details for DiskUsage {
    fn with_details(mut self, lists: Lists, is_verbose: bool) -> Self {
        fn put<T>(usage: &mut Option<Usage<T>>, items: Option<Vec<T>>) {
            if let Some(usage) = usage {
                usage.items = items;
            }
        }
        if !is_verbose {
            self.lists = Some(lists);
            return self;
        }
        put(&mut self.image_usage, lists.images);
        put(&mut self.container_usage, lists.containers);
        put(&mut self.volume_usage, lists.volumes);
        put::<BuildCache>(&mut self.build_cache_usage, lists.build_cache);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(containers: i64, size: i64, shared_size: i64) -> image::Summary {
        image::Summary {
            containers,
            size,
            shared_size,
            ..image::Summary::default()
        }
    }

    #[test]
    fn what_no_container_needs_is_reclaimable() {
        let usage = image_usage(&[image(1, 100, 40), image(0, 70, 40)], 130);
        assert_eq!((usage.active_count, usage.total_count), (1, 2));
        assert_eq!((usage.reclaimable, usage.total_size), (70, 130));
    }

    #[test]
    fn objects_are_in_one_place() {
        let lists = Lists {
            images: Some(vec![image(0, 1, 0)]),
            ..Lists::default()
        };
        let usage = DiskUsage {
            image_usage: Some(Usage {
                total_count: 1,
                ..Usage::default()
            }),
            ..DiskUsage::default()
        };
        let terse = usage.clone().with_details(lists.clone(), false);
        assert!(terse.lists.is_some() && terse.image_usage.unwrap().items.is_none());
        let verbose = usage.with_details(lists, true);
        assert!(verbose.lists.is_none() && verbose.image_usage.unwrap().items.is_some());
    }
}
