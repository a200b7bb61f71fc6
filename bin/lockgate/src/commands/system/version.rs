//! `version`.

use serde_json::{Value, json};

use super::super::context::Context;
use super::super::view::View;
use crate::args::VersionArgs;
use crate::client::{ClientError, NEWEST};
use crate::failure::{Failure, Outcome};
use crate::format::{Template, align_wide, json as text, time, value_of};
use crate::output::Output;

/// Runs `version`: the client's half is told even if there is no server.
pub(crate) async fn run(context: &Context, args: &VersionArgs, out: &mut Output) -> Outcome {
    let server = fetch(context).await;
    let spoken = context.client.version().await.unwrap_or(NEWEST).to_owned();
    let mut shown = json!({ "Client": client(&spoken, &context.client.endpoint().context) });
    if let (Some(object), Ok(server)) = (shown.as_object_mut(), &server) {
        object.insert("Server".to_owned(), server.clone());
    }
    match args.format.as_deref() {
        None | Some("") => {
            let client = client_text(&spoken, &context.client.endpoint().context);
            out.text(align_wide(&client))?;
            if let Ok(server) = &server {
                out.text("\n")?;
                out.text(align_wide(&server_text(View::new(server))))?;
            }
        }
        Some("json") => {
            if server.is_err()
                && let Some(object) = shown.as_object_mut()
            {
                object.insert("Server".to_owned(), Value::Null);
            }
            out.line(text::escape_html(&shown.to_string()))?;
        }
        Some(format) => {
            let template = Template::parse(format).map_err(|error| {
                Failure::new(format!("template parsing error: {error}")).status(64)
            })?;
            out.line(template.render(value_of(&shown))?)?;
        }
    }
    match server {
        Ok(_) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

async fn fetch(context: &Context) -> Result<Value, ClientError> {
    context.client.get("/version").fetch().await
}

fn client(spoken: &str, context: &str) -> Value {
    json!({
        "Platform": { "Name": "Lockgate" },
        "Version": env!("CARGO_PKG_VERSION"),
        "ApiVersion": spoken,
        "DefaultAPIVersion": NEWEST,
        "GitCommit": super::super::BUILD,
        "Os": "linux",
        "Arch": architecture(),
        "Context": context,
    })
}

fn client_text(spoken: &str, context: &str) -> String {
    let downgraded = if spoken == NEWEST {
        String::new()
    } else {
        format!(" (downgraded from {NEWEST})")
    };
    format!(
        "Client: Lockgate\n Version:\t{}\n API version:\t{spoken}{downgraded}\n Git commit:\t{}\n \
         OS/Arch:\tlinux/{}\n Context:\t{context}\n",
        env!("CARGO_PKG_VERSION"),
        super::super::BUILD,
        architecture(),
    )
}

/// Go's name of the processor.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn server_text(server: View<'_>) -> String {
    let platform = server.at("Platform").text("Name");
    let mut text = if platform.is_empty() {
        "Server:\n".to_owned()
    } else {
        format!("Server: {platform}\n")
    };
    for component in server.list("Components") {
        let details = component.at("Details");
        let line = |name: &str, value: String| format!("  {name}:\t{value}\n");
        text += &format!(" {}:\n", component.text("Name"));
        text += &line("Version", component.text("Version").to_owned());
        if component.text("Name") == "Engine" {
            text += &engine_text(details);
            continue;
        }
        for (name, value) in details.members() {
            text += &line(name, value.as_text().to_owned());
        }
    }
    text
}

fn engine_text(details: View<'_>) -> String {
    let least = details.text("MinAPIVersion");
    let api = details.text("ApiVersion");
    let os = format!("{}/{}", details.text("Os"), details.text("Arch"));
    let mut text = format!("  API version:\t{api} (minimum version {least})\n");
    let built = time::readable(details.text("BuildTime"));
    let optional = [
        ("Go version", details.text("GoVersion")),
        ("Git commit", details.text("GitCommit")),
        ("Built", &built),
        ("OS/Arch", &os),
        ("Experimental", details.text("Experimental")),
    ];
    for (name, value) in optional.iter().filter(|(_, value)| !value.is_empty()) {
        text += &format!("  {name}:\t{value}\n");
    }
    text
}
