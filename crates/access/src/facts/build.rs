//! What a build asks for. Its context and its Dockerfile, with the images that it names, are not read: this is the
//! query alone.

use lockgate_api::Call;

use super::container::cpus;
use super::{Facts, Kind, Power, Resources, Unread};

impl Facts {
    pub(super) fn build(&mut self, call: &Call) {
        let query = call.query();
        let number = |key: &str| query.signed(key).ok().flatten().unwrap_or(-1);
        self.build_network(query.text("networkmode"));
        // `client-session` and its like are the caller's own.
        let remote = query.text("remote");
        if !matches!(remote, "" | "client-session" | "upload-request") {
            self.wish(Power::Driver, "build from a URL");
        }
        let parent = query.text("cgroupparent");
        if !parent.is_empty() {
            self.wish(Power::ControlGroup, parent);
        }
        let isolation = query.text("isolation");
        if !matches!(isolation, "" | "default") {
            self.wish(Power::Security, format!("isolation {isolation}"));
        }
        for option in query.all("securityopt") {
            self.wish(Power::Security, option);
        }
        self.details.unread = Some(Unread::Build);
        // Its steps run as whom the images and the Dockerfile say.
        self.details.user = Some(String::new());
        let given = |key: &str| {
            query
                .get(key)
                .filter(|text| !text.is_empty())
                .map(|_| number(key))
        };
        self.details.resources = Some(Resources {
            memory: given("memory").unwrap_or(0),
            memory_swap: given("memswap").unwrap_or(0),
            nano_cpus: cpus(
                0,
                given("cpuquota").unwrap_or(0),
                given("cpuperiod").unwrap_or(0),
            ),
            // A build has no such limit.
            pids: 0,
            is_update: false,
        });
    }

    fn build_network(&mut self, mode: &str) {
        let name = match mode {
            "" | "default" => "bridge",
            mode => mode,
        };
        self.details.networks.push(name.to_owned());
        if mode == "host" {
            self.wish(Power::HostNamespace, "network");
        } else if let Some(other) = mode.strip_prefix("container:") {
            self.uses(Kind::Container, other, true);
        } else {
            self.uses(Kind::Network, name, false);
        }
    }
}
