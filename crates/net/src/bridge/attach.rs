//! Gives a container its place in the network.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

use ipnet::Ipv4Net;
use lockgate_sys::netns;
use lockgate_types::random_hex;

use super::{Bridge, VETH_PREFIX, link_error, lock, namespace_error};
use crate::netlink::{RouteSocket, VethPair};
use crate::{AttachRequest, Endpoint, Mac, NetError, firewall, sysctl};

impl Bridge {
    /// Gives a container its namespace, link, address, route and ports. After a failure nothing
    /// of it is left.
    pub fn attach(&self, request: &AttachRequest) -> Result<Endpoint, NetError> {
        self.firewall.pass_dropping_policies()?;
        if !lock(&self.attached).insert(request.container.clone()) {
            return Err(NetError::Attached(request.container.short().to_owned()));
        }
        let endpoint = self.reserve(request).inspect_err(|_| {
            lock(&self.attached).remove(&request.container);
        })?;
        match self.build(&endpoint, request) {
            Ok(()) => Ok(endpoint),
            Err(error) => {
                let failures = if request.place.joins {
                    self.disconnect(&endpoint)
                } else {
                    self.detach(&endpoint)
                };
                for failure in failures {
                    tracing::warn!(container = %request.container, %failure, "undoing an attach");
                }
                Err(error)
            }
        }
    }

    /// Takes address and host ports; the endpoint exists on paper only.
    fn reserve(&self, request: &AttachRequest) -> Result<Endpoint, NetError> {
        let ip = lock(&self.ipam).allocate(request.ip)?;
        let ports = self
            .shared
            .ports()
            .reserve(&request.ports, self.config.default_host_ip)
            .inspect_err(|_| {
                lock(&self.ipam).release(ip);
            })?;
        let mut host_veth = VETH_PREFIX.to_owned();
        host_veth.extend(random_hex().chars().take(12));
        Ok(Endpoint {
            container: request.container.clone(),
            netns: self.config.netns_dir.join(request.container.as_str()),
            host_veth,
            link: request.place.link.clone(),
            internal: self.config.bounds.internal,
            ip,
            prefix_len: self.config.subnet.prefix_len(),
            gateway: self.config.gateway,
            mac: request.mac.unwrap_or_else(|| Mac::of(ip)).to_string(),
            ports,
        })
    }

    fn build(&self, endpoint: &Endpoint, request: &AttachRequest) -> Result<(), NetError> {
        let mac = request.mac.unwrap_or_else(|| Mac::of(endpoint.ip));
        let leads_out = request.place.default_route && !endpoint.internal;
        if request.place.joins {
            let namespace = netns::open(&endpoint.netns)
                .map_err(namespace_error("cannot open the network namespace"))?;
            netns::run_in(namespace.as_fd(), || {
                self.connect(namespace.as_fd(), endpoint, mac, leads_out)
            })
            .map_err(namespace_error("cannot enter the network namespace"))??;
        } else {
            netns::create(&endpoint.netns, |namespace| {
                self.connect(namespace, endpoint, mac, leads_out)
            })
            .map_err(namespace_error("cannot create the network namespace"))??;
        }
        self.firewall.publish(&firewall::elements(endpoint))?;
        Ok(self.shared.ports().aim(&endpoint.ports, endpoint.ip)?)
    }

    /// Runs inside the container's namespace; the bridge's own socket still speaks for the host.
    fn connect(
        &self,
        namespace: BorrowedFd<'_>,
        endpoint: &Endpoint,
        mac: Mac,
        leads_out: bool,
    ) -> Result<(), NetError> {
        let failed = |step| link_error(step, &endpoint.host_veth);
        // Before the link exists, so that it never gets a link-local address nor looks for others.
        sysctl::set_if_present("ipv6/conf/default/disable_ipv6", "1")?;
        let pair = VethPair {
            host_name: &endpoint.host_veth,
            bridge: self.index,
            mtu: self.config.mtu,
            namespace,
            peer_name: &endpoint.link,
            peer_mac: mac,
        };
        let port = self
            .create_link(&pair)
            .map_err(failed("cannot create the container's link"))?;
        let mut inside = RouteSocket::open().map_err(failed("cannot open netlink"))?;
        let step = "cannot configure the container's link";
        let link = inside.link(&endpoint.link).map_err(failed(step))?;
        let index = link.map_or(0, |link| link.index);
        let address = Ipv4Net::new_assert(endpoint.ip, endpoint.prefix_len);
        inside
            .configure_container(index, address, leads_out.then_some(endpoint.gateway))
            .and_then(|()| self.take_over(port, endpoint, mac))
            .map_err(failed(step))
    }

    /// The host's end is complete before the other one comes up.
    fn create_link(&self, pair: &VethPair<'_>) -> io::Result<u32> {
        let mut links = lock(&self.links);
        links.create_veth(pair)?;
        let port = links.link(pair.host_name)?.ok_or(io::ErrorKind::NotFound)?;
        links.configure_port(port.index, !self.config.icc)?;
        Ok(port.index)
    }

    /// Everybody on the bridge finds the container under its address from now on.
    fn take_over(&self, port: u32, endpoint: &Endpoint, mac: Mac) -> io::Result<()> {
        let mut links = lock(&self.links);
        links.learn(port, mac)?;
        links.forget_neighbour(self.index, endpoint.ip)
    }
}
