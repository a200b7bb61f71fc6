//! `info`.

use serde_json::{Value, json};

use super::super::context::Context;
use super::super::view::View;
use super::info_text;
use crate::args::InfoArgs;
use crate::failure::{Failure, Outcome};
use crate::format::{Template, json as text, value_of};
use crate::output::Output;

/// Runs `info`: the client's half is told even if there is no server.
pub(crate) async fn run(context: &Context, args: &InfoArgs, out: &mut Output) -> Outcome {
    let server = context.client.get("/info").fetch::<Value>().await;
    let name = &context.client.endpoint().context;
    let client = json!({ "Version": env!("CARGO_PKG_VERSION"), "Context": name, "Debug": false });
    match args.format.as_deref() {
        None | Some("") => {
            out.text(info_text::client(name))?;
            match &server {
                Ok(server) => {
                    let (shown, warnings) = info_text::server(View::new(server));
                    out.text(format!("\nServer:\n{shown}\n"))?;
                    out.notice(warnings)?;
                }
                Err(_) => out.text("\nServer:\n")?,
            }
        }
        Some(format) => {
            let mut all = server.as_ref().ok().cloned().unwrap_or_else(|| json!({}));
            if let Some(object) = all.as_object_mut() {
                object.insert("ClientInfo".to_owned(), client);
            }
            if format == "json" {
                out.line(text::escape_html(&all.to_string()))?;
            } else {
                let template = Template::parse(format).map_err(|error| {
                    Failure::new(format!("template parsing error: {error}")).status(64)
                })?;
                out.line(template.render(value_of(&all))?)?;
            }
        }
    }
    match server {
        Ok(_) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
