//! What exists, for the judge at the door.

use lockgate_access::{Kind, Object, Objects, Power, Wish};
use lockgate_engine::{Engine, Filters};

/// The engine's objects.
#[derive(Debug)]
pub(crate) struct EngineObjects(pub(crate) Engine);

impl Objects for EngineObjects {
    fn find(&self, kind: Kind, name: &str) -> Option<Object> {
        match kind {
            Kind::Container => self.container(name),
            Kind::Exec => self.exec(name),
            Kind::Network => self.network(name),
            Kind::Volume => self.volume(name),
        }
    }
}

impl EngineObjects {
    /// With the power that its volumes give: a volume can be a path of the host.
    fn container(&self, name: &str) -> Option<Object> {
        let asked = self.0.containers().asked(name).ok()?;
        let id = asked.id.to_string();
        let mut found = Object::container(id, asked.image, asked.labels, &asked.host_config);
        let volumes = asked.volumes.iter().filter_map(|name| self.volume(name));
        found
            .wishes
            .extend(volumes.flat_map(|volume| volume.wishes));
        Some(found)
    }

    /// An exec has what its container has.
    fn exec(&self, id: &str) -> Option<Object> {
        let asked = self.0.execs().asked(id).ok()?;
        let container = self.container(asked.container.as_str())?;
        let mut wishes = container.wishes;
        if asked.privileged {
            wishes.push(Wish {
                power: Power::Privileged,
                detail: String::new(),
                read_only: false,
            });
        }
        Some(Object {
            id: asked.id.to_string(),
            creator: asked.owner,
            wishes,
            ..container
        })
    }

    /// The networks that were there from the beginning are everybody's.
    fn network(&self, name: &str) -> Option<Object> {
        let networks = self.0.networks();
        let id = networks.inspect(name).ok()?.id;
        let mut all = networks.list(&Filters::default()).ok()?.into_iter();
        let network = all.find(|network| network.id == id)?;
        let is_common = is_common(&network.name);
        let found = Object::network(
            network.id.to_string(),
            network.labels,
            network.driver,
            Some(&network.options),
        );
        Some(Object { is_common, ..found })
    }

    fn volume(&self, name: &str) -> Option<Object> {
        let found = self.0.volumes().inspect(name).ok()?;
        let labels = found.labels.unwrap_or_default();
        Some(Object::volume(
            found.name.to_string(),
            labels,
            found.options.as_ref(),
        ))
    }
}

/// Whether a network is there by itself.
pub(crate) fn is_common(network: &str) -> bool {
    matches!(network, "bridge" | "host" | "none")
}
