//! What the other calls ask for.

use lockgate_api::latest::{exec, volume};
use lockgate_api::{Call, Filters, Operation};

use super::top::may_show_environments;
use super::{Facts, Kind, Power};

impl Facts {
    pub(super) fn exec(&mut self, request: &exec::CreateRequest) {
        if request.privileged {
            self.wish(Power::Privileged, "");
        }
        // Without one it is the user of the container, who was judged when that was made.
        self.details.user = Some(request.user.clone()).filter(|user| !user.is_empty());
        self.details.makes = Some(Kind::Exec);
    }

    pub(super) fn volume(&mut self, request: &volume::CreateRequest) {
        if !matches!(request.driver.as_str(), "" | "local") {
            self.wish(Power::Driver, &request.driver);
        }
        self.volume_options(&request.driver, request.driver_opts.as_ref());
        let labels = request.labels.iter().flatten();
        let pair = |(key, value): (&String, &String)| (key.clone(), value.clone());
        self.details.labels.extend(labels.map(pair));
        self.details.makes = Some(Kind::Volume);
        if !request.name.is_empty() {
            // One that is there already is handed out as it is.
            self.uses(Kind::Volume, &request.name, false);
        }
    }

    /// Containers that a list is cut at: the answer says whether there is one, and how old it is.
    fn neighbours(&mut self, call: &Call) {
        // Filters that cannot be read are refused by whoever lists.
        let Ok(filters) = Filters::parse(call.query().text("filters")) else {
            return;
        };
        for name in ["before", "since"]
            .into_iter()
            .flat_map(|key| filters.get(key))
        {
            self.uses(Kind::Container, name, false);
        }
    }

    /// What the query or the path names.
    pub(super) fn read_query(&mut self, call: &Call) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the others name nothing that a condition looks at, or images"
        )]
        match call.operation() {
            // Who speaks to the builder itself may ask it for the host's network.
            Operation::Grpc => self.wish(Power::HostNamespace, "network"),
            Operation::NetworkConnect => {
                let network = call.target().unwrap_or_default().to_owned();
                self.details.networks.push(network);
            }
            Operation::ImageBuild => self.build(call),
            Operation::ContainerList => self.neighbours(call),
            Operation::ContainerTop => {
                let options = call.query().text("ps_args");
                self.details.shows_environments = may_show_environments(options);
            }
            _ => self.images(call),
        }
    }
}
