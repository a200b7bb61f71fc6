//! The tag of a container's log: a Go template over a few fields.

use crate::container::record::Record;

/// The tag of drivers that need one.
pub(super) const DEFAULT: &str = "{{.ID}}";
/// `json-file` writes a tag only if it is asked for.
pub(super) const DEFAULT_NONE: &str = "";

/// Fills in the fields. Pipelines and functions are refused.
pub(super) fn render(template: &str, record: &Record) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (action, after) = after
            .split_once("}}")
            .ok_or("template: log-tag:1: unclosed action")?;
        out.push_str(&field(action.trim(), record)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn field(action: &str, record: &Record) -> Result<String, String> {
    let image = || {
        record
            .image
            .map(|image| image.to_string())
            .unwrap_or_default()
    };
    let Some(name) = action.strip_prefix('.') else {
        return Err(format!(
            "template: log-tag:1: `{action}`: functions are not supported in a tag"
        ));
    };
    Ok(match name {
        "ID" => record.id.short().to_owned(),
        "FullID" | "ContainerID" => record.id.to_string(),
        "Name" => record.name.to_string(),
        "ContainerName" => format!("/{}", record.name),
        "ImageID" => image()
            .trim_start_matches("sha256:")
            .chars()
            .take(12)
            .collect(),
        "ImageFullID" | "ContainerImageID" => image(),
        "ImageName" | "ContainerImageName" => record.config.image.clone(),
        "Command" => record.command(),
        "ContainerEntrypoint" => record.path.clone(),
        "ContainerCreated" => record.created.to_string(),
        "DaemonName" => "docker".to_owned(),
        "Hostname" => rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        other => {
            let column = 2;
            return Err(format!(
                "template: log-tag:1:{column}: executing \"log-tag\" at <.{other}>: can't evaluate field {other} in type *logger.Info"
            ));
        }
    })
}
