//! What a network is asked to be, and how a container is to be on one.

use std::collections::BTreeMap;

use lockgate_api::latest::network;
use lockgate_types::network::EndpointSettings;

use super::{Facts, Kind, Power};

/// Options of networks that reach no further than the network itself. All others count as power over
/// the host's own network: which bridge or interface is used, what is masqueraded as whom, who may
/// come in. A daemon behind a guard may have options that nobody here has heard of.
const HARMLESS: [&str; 8] = [
    "com.docker.network.bridge.enable_icc",
    "com.docker.network.bridge.enable_ip_masquerade",
    "com.docker.network.container_iface_prefix",
    "com.docker.network.driver.mtu",
    "com.docker.network.enable_ipv4",
    "com.docker.network.enable_ipv6",
    "isolate",
    "mtu",
];
/// Where ports are published that name no address.
const BINDINGS: [&str; 1] = ["com.docker.network.bridge.host_binding_ipv4"];
/// How the bridge forwards: these two let nobody in who would not be otherwise.
const GATEWAY_MODES: [&str; 2] = [
    "com.docker.network.bridge.gateway_mode_ipv4",
    "com.docker.network.bridge.gateway_mode_ipv6",
];
const CLOSED_MODES: [&str; 2] = ["isolated", "nat"];

impl Facts {
    pub(super) fn network(&mut self, request: &network::CreateRequest) {
        self.network_kind(&request.driver, request.options.as_ref());
        let ipam = request.ipam.as_ref();
        let ipam_driver = ipam.map(|ipam| ipam.driver.as_str()).unwrap_or_default();
        if !matches!(ipam_driver, "" | "default" | "host-local") {
            self.wish(Power::Driver, ipam_driver);
        }
        if let Some(from) = &request.config_from
            && !from.network.is_empty()
        {
            // Its options are taken over, whatever they are.
            self.uses(Kind::Network, &from.network, true);
        }
        let labels = request.labels.iter().flatten();
        let pair = |(key, value): (&String, &String)| (key.clone(), value.clone());
        self.details.labels.extend(labels.map(pair));
        self.details.networks.push(request.name.clone());
        self.details.makes = Some(Kind::Network);
    }

    pub(super) fn network_kind(
        &mut self,
        driver: &str,
        options: Option<&BTreeMap<String, String>>,
    ) {
        if !matches!(driver, "" | "bridge") {
            self.host_network(format!("network driver {driver}"));
        }
        for (key, value) in options.into_iter().flatten() {
            self.network_option(key, value);
        }
    }

    fn network_option(&mut self, key: &str, value: &str) {
        if BINDINGS.contains(&key) {
            self.details.ports.push((value.to_owned(), String::new()));
        } else if !(HARMLESS.contains(&key)
            || (GATEWAY_MODES.contains(&key) && CLOSED_MODES.contains(&value)))
        {
            self.host_network(format!("network option {key}={value}"));
        }
    }

    fn host_network(&mut self, detail: String) {
        self.wish(Power::HostNamespace, detail);
    }

    /// Who joins a network, and how.
    pub(super) fn joins(&mut self, request: &network::ConnectRequest) {
        self.member(&request.container);
        if let Some(settings) = &request.endpoint_config {
            self.endpoint(settings);
        }
    }

    pub(super) fn endpoint(&mut self, settings: &EndpointSettings) {
        for link in settings.links.iter().flatten() {
            self.linked(link);
        }
        self.endpoint_options(settings.driver_opts.as_ref());
    }

    fn endpoint_options(&mut self, options: Option<&BTreeMap<String, String>>) {
        for (key, value) in options.into_iter().flatten() {
            match key.as_str() {
                "com.docker.network.endpoint.ifname" => {}
                "com.docker.network.endpoint.sysctls" => self.wish(Power::Sysctls, value),
                _ => self.host_network(format!("endpoint option {key}={value}")),
            }
        }
    }

    /// Who joins or leaves a network.
    pub(super) fn member(&mut self, container: &str) {
        self.uses(Kind::Container, container, false);
    }
}
