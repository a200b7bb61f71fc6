//! What the administrator and two tenants have, for others to get at.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use lockgate_testkit::{busybox_archive, busybox_layer, docker_archive};
use serde_json::json;

use super::{Endpoint, Who};
use crate::wire::Answer;

/// A running container of the administrator's, with a secret and a volume.
pub(crate) const VICTIM: &str = "attack-victim";
/// One with power over the host.
pub(crate) const POWERFUL: &str = "attack-powerful";
/// One of an image that is not for everybody.
pub(crate) const STRANGE: &str = "attack-strange";
/// That image.
pub(crate) const EVIL: &str = "attack-evil";
/// What `kept` makes when it keeps to everything.
pub(crate) const KEPT: &str = r#"{"Image":"busybox","User":"1000","Cmd":["true"],"Labels":{"team":"kept"},
    "HostConfig":{"NetworkMode":"none","Memory":67108864,"NanoCpus":500000000,"PidsLimit":50}}"#;
/// What nobody else may read.
pub(crate) const SECRET: &str = "hunter2-is-the-secret";

/// A path that may be looked at below `files`, and ways out of it.
pub(super) fn paths(files: &Path) -> Result<PathBuf> {
    let given = files.join("given");
    std::fs::create_dir(&given)?;
    std::fs::create_dir(files.join("given-not"))?;
    symlink("/etc", given.join("out"))?;
    symlink("../../nothing", given.join("dangling"))?;
    Ok(given)
}

impl Endpoint {
    pub(super) fn furnish(&self) -> Result<()> {
        for name in [VICTIM, POWERFUL, STRANGE] {
            self.remove(name)?;
        }
        self.load(&busybox_archive(&["busybox:latest"]))?;
        let config = json!({ "Cmd": ["id"] });
        let evil = [
            "attack-evil:latest",
            "busybox:evil",
            "localhost:5000/busybox:latest",
        ];
        self.load(&docker_archive(&evil, &config, &[busybox_layer()]))?;
        self.make(
            STRANGE,
            r#"{"Image":"attack-evil","HostConfig":{"NetworkMode":"none"}}"#,
        )?;
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

    fn load(&self, archive: &[u8]) -> Result<()> {
        let kind = "application/x-tar";
        let load = self.ask_as(Who::Admin, "POST", "/images/load", kind, Some(archive))?;
        if !load.is_success() {
            bail!("the image cannot be loaded: {load:?}");
        }
        Ok(())
    }

    /// What is refused later shall not be refused because nothing works at all.
    fn control(&self) -> Result<()> {
        let name = crate::runner::fresh();
        let path = format!("/containers/create?name={name}");
        let body = r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none"}}"#;
        let made = self.ask(Who::Operator, "POST", &path, Some(body))?;
        self.remove(&name)?;
        let kept = self.ask(Who::Kept, "POST", &path, Some(KEPT))?;
        self.remove(&name)?;
        if !kept.is_success() {
            bail!("who keeps to everything must be let in: {}", kept.summary());
        }
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
        for name in [VICTIM, POWERFUL, STRANGE] {
            self.remove(name)?;
        }
        self.ask(Who::Admin, "DELETE", "/volumes/attack-volume?force=1", None)
            .map(drop)
    }
}
