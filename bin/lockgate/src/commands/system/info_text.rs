//! `info` as people read it.

use super::super::view::View;
use crate::spec::units::binary_size;

/// What there is to say about us.
pub(super) fn client(context: &str) -> String {
    format!(
        "Client: Lockgate\n Version:    {}\n Context:    {context}\n Debug Mode: false\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// What there is to say about the server, and its warnings.
pub(super) fn server(info: View<'_>) -> (String, String) {
    let mut page = Page::default();
    counts(&mut page, info);
    drivers(&mut page, info);
    runtimes(&mut page, info);
    security(&mut page, info);
    machine(&mut page, info);
    registry(&mut page, info);
    let warnings: Vec<String> = info
        .texts("Warnings")
        .into_iter()
        .map(|line| format!("{line}\n"))
        .collect();
    (page.text, warnings.concat())
}

/// Lines of `name: value`.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        self.text += &format!(" {name}: {value}\n");
    }

    fn inner(&mut self, name: &str, value: impl std::fmt::Display) {
        self.text += &format!("  {name}: {value}\n");
    }

    fn heading(&mut self, name: &str) {
        self.text += &format!(" {name}:\n");
    }

    fn item(&mut self, text: impl std::fmt::Display) {
        self.text += &format!("  {text}\n");
    }

    /// A line that is left out if there is nothing to say.
    fn known(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.line(name, value);
        }
    }
}

fn counts(page: &mut Page, info: View<'_>) {
    page.line("Containers", info.int("Containers"));
    page.inner("Running", info.int("ContainersRunning"));
    page.inner("Paused", info.int("ContainersPaused"));
    page.inner("Stopped", info.int("ContainersStopped"));
    page.line("Images", info.int("Images"));
    page.known("Server Version", info.text("ServerVersion"));
}

fn drivers(page: &mut Page, info: View<'_>) {
    page.known("Storage Driver", info.text("Driver"));
    for pair in info.list("DriverStatus") {
        let parts: Vec<&str> = pair.items().map(View::as_text).collect();
        if let [name, value] = parts.as_slice() {
            page.inner(name, value);
        }
    }
    page.known("Logging Driver", info.text("LoggingDriver"));
    page.known("Cgroup Driver", info.text("CgroupDriver"));
    page.known("Cgroup Version", info.text("CgroupVersion"));
    let plugins = info.at("Plugins");
    page.heading("Plugins");
    page.inner("Volume", plugins.texts("Volume").join(" "));
    page.inner("Network", plugins.texts("Network").join(" "));
    if plugins.list("Authorization").next().is_some() {
        page.inner("Authorization", plugins.texts("Authorization").join(" "));
    }
    page.inner("Log", plugins.texts("Log").join(" "));
    page.line("Swarm", info.at("Swarm").text("LocalNodeState"));
}

fn runtimes(page: &mut Page, info: View<'_>) {
    let runtimes: Vec<&str> = info
        .at("Runtimes")
        .members()
        .map(|(name, _)| name)
        .collect();
    if !runtimes.is_empty() {
        page.line("Runtimes", runtimes.join(" "));
        page.line("Default Runtime", info.text("DefaultRuntime"));
    }
    page.known("Init Binary", info.text("InitBinary"));
    for (name, field) in [
        ("containerd", "ContainerdCommit"),
        ("runc", "RuncCommit"),
        ("init", "InitCommit"),
    ] {
        if info.at(field).is_there() {
            page.line(&format!("{name} version"), info.at(field).text("ID"));
        }
    }
}

/// `name=seccomp,profile=builtin` is a name and its options.
fn security(page: &mut Page, info: View<'_>) {
    let options = info.texts("SecurityOptions");
    if options.is_empty() {
        return;
    }
    page.heading("Security Options");
    for option in options {
        for (index, part) in option.split(',').enumerate() {
            let (key, value) = part.split_once('=').unwrap_or(("name", part));
            if index == 0 {
                page.item(value);
            } else {
                let mut letters = key.chars();
                let first = letters
                    .next()
                    .map(|c| c.to_ascii_uppercase())
                    .unwrap_or_default();
                page.text += &format!("   {first}{}: {value}\n", letters.as_str());
            }
        }
    }
}

fn machine(page: &mut Page, info: View<'_>) {
    page.known("Kernel Version", info.text("KernelVersion"));
    page.known("Operating System", info.text("OperatingSystem"));
    page.known("OSType", info.text("OSType"));
    page.known("Architecture", info.text("Architecture"));
    page.line("CPUs", info.int("NCPU"));
    page.line("Total Memory", binary_size(info.float("MemTotal")));
    page.known("Name", info.text("Name"));
    page.known("ID", info.text("ID"));
    page.line("Docker Root Dir", info.text("DockerRootDir"));
    page.line("Debug Mode", info.is("Debug"));
    if info.is("Debug") {
        page.inner("File Descriptors", info.int("NFd"));
        page.inner("Goroutines", info.int("NGoroutines"));
        page.inner("System Time", info.text("SystemTime"));
        page.inner("EventsListeners", info.int("NEventsListener"));
    }
    page.known("HTTP Proxy", info.text("HttpProxy"));
    page.known("HTTPS Proxy", info.text("HttpsProxy"));
    page.known("No Proxy", info.text("NoProxy"));
    let labels = info.texts("Labels");
    if !labels.is_empty() {
        page.heading("Labels");
        for label in labels {
            page.item(label);
        }
    }
}

fn registry(page: &mut Page, info: View<'_>) {
    page.line("Experimental", info.is("ExperimentalBuild"));
    let config = info.at("RegistryConfig");
    let indexes = config.at("IndexConfigs").members();
    let insecure = indexes
        .filter(|(_, index)| !index.is("Secure"))
        .map(|(name, _)| name);
    let ranges = config.texts("InsecureRegistryCIDRs");
    let all: Vec<&str> = insecure.chain(ranges).collect();
    if !all.is_empty() {
        page.heading("Insecure Registries");
        for name in all {
            page.item(name);
        }
    }
    let mirrors = config.texts("Mirrors");
    if !mirrors.is_empty() {
        page.heading("Registry Mirrors");
        for mirror in mirrors {
            page.item(mirror);
        }
    }
    page.line("Live Restore Enabled", info.is("LiveRestoreEnabled"));
    page.known("Product License", info.text("ProductLicense"));
}
