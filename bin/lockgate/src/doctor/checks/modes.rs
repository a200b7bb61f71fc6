//! Files whose writers are root by what they can write there.

use std::path::Path;

use crate::doctor::daemon::Daemon;
use crate::doctor::finding::Pen;

/// Checks configuration and units.
pub(crate) fn check(daemon: &Daemon, pen: &mut Pen<'_>) {
    let units = [&daemon.service, &daemon.socket].into_iter().flatten();
    let files = units.flat_map(|unit| &unit.files);
    for file in files.chain([&daemon.path]) {
        of(file, pen);
    }
}

fn of(file: &Path, pen: &mut Pen<'_>) {
    use std::os::unix::fs::MetadataExt;
    let Ok(metadata) = std::fs::metadata(file) else {
        return;
    };
    let (mode, shown) = (metadata.mode() & 0o7777, file.display());
    if mode & 0o022 != 0 {
        pen.error(
            "config-writable-by-others",
            format!("{shown} can be changed by others (mode {mode:04o}): whoever does is root"),
            format!("chmod go-w {shown}"),
        );
    }
    if metadata.uid() != 0 {
        pen.warn(
            "config-owner",
            format!("{shown} belongs to uid {}, not to root", metadata.uid()),
            format!("chown root:root {shown}"),
        );
    }
}
