//! What the administrator and two tenants have, for others to get at.

use anyhow::{Result, bail};
use lockgate_testkit::busybox_archive;

use super::{Endpoint, Who};
use crate::wire::Answer;

/// A running container of the administrator's, with a secret and a volume.
pub(crate) const VICTIM: &str = "attack-victim";
/// One with power over the host.
pub(crate) const POWERFUL: &str = "attack-powerful";
/// What nobody else may read.
pub(crate) const SECRET: &str = "hunter2-is-the-secret";

impl Endpoint {
    pub(super) fn furnish(&self) -> Result<()> {
        for name in [VICTIM, POWERFUL] {
            self.remove(name)?;
        }
        let archive = busybox_archive(&["busybox:latest"]);
        let load = self.ask_as(
            Who::Admin,
            "POST",
            "/images/load",
            "application/x-tar",
            Some(&archive),
        )?;
        if !load.is_success() {
            bail!("the image cannot be loaded: {load:?}");
        }
        let victim = format!(
            r#"{{"Image":"busybox","Cmd":["sleep","6000"],"Env":["PASSWORD={SECRET}"],"Labels":{{"of":"admin"}},
               "HostConfig":{{"NetworkMode":"none","Binds":["attack-volume:/data"]}}}}"#
        );
        self.make(VICTIM, &victim)?;
        let started = self.start(VICTIM)?;
        if !started.is_success() {
            bail!("{VICTIM} cannot be started: {}", started.summary());
        }
        self.control()?;
        self.make(
            POWERFUL,
            r#"{"Image":"busybox","Cmd":["sleep","6000"],"HostConfig":{"NetworkMode":"none","Privileged":true,"Binds":["/:/host"]}}"#,
        )?;
        // An old runc gives up where the machine itself lacks a capability: made is enough.
        self.start(POWERFUL).map(drop)
    }

    /// What is refused later shall not be refused because nothing works at all.
    fn control(&self) -> Result<()> {
        let name = crate::runner::fresh();
        let path = format!("/containers/create?name={name}");
        let body = r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none"}}"#;
        let made = self.ask(Who::Operator, "POST", &path, Some(body))?;
        self.remove(&name)?;
        let seen = self.ask(Who::Viewer, "GET", "/containers/json", None)?;
        if !made.is_success() || !seen.is_success() {
            bail!(
                "an operator must be able to make a harmless container, and a viewer to look: {}, {}",
                made.summary(),
                seen.summary()
            );
        }
        Ok(())
    }

    fn make(&self, name: &str, body: &str) -> Result<()> {
        let path = format!("/containers/create?name={name}");
        let made = self.ask(Who::Admin, "POST", &path, Some(body))?;
        if !made.is_success() {
            bail!("{name} cannot be made: {}", made.summary());
        }
        Ok(())
    }

    fn start(&self, name: &str) -> Result<Answer> {
        let path = format!("/containers/{name}/start");
        self.ask(Who::Admin, "POST", &path, None)
    }

    /// Puts away what was made for the cases.
    pub(crate) fn clear(&self) -> Result<()> {
        for name in [VICTIM, POWERFUL] {
            self.remove(name)?;
        }
        self.ask(Who::Admin, "DELETE", "/volumes/attack-volume?force=1", None)
            .map(drop)
    }
}
