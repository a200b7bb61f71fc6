//! What the administrator and two tenants have, for others to get at.

use anyhow::{Result, bail};
use lockgate_testkit::busybox_archive;

use super::{Endpoint, Who};

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
        self.run(VICTIM, &victim)?;
        self.control()?;
        self.run(
            POWERFUL,
            r#"{"Image":"busybox","Cmd":["sleep","6000"],"HostConfig":{"NetworkMode":"none","Privileged":true,"Binds":["/:/host"]}}"#,
        )
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

    fn run(&self, name: &str, body: &str) -> Result<()> {
        let path = format!("/containers/create?name={name}");
        let made = self.ask(Who::Admin, "POST", &path, Some(body))?;
        if !made.is_success() {
            bail!("{name} cannot be made: {}", made.summary());
        }
        let start = format!("/containers/{name}/start");
        let started = self.ask(Who::Admin, "POST", &start, None)?;
        if !started.is_success() {
            bail!("{name} cannot be started: {}", started.summary());
        }
        Ok(())
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
