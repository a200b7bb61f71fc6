//! `create`, and the creating half of `run`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use lockgate_types::ImageRef;
use serde_json::Value;

use super::super::context::Context;
use super::super::image::pull;
use super::super::view::View;
use super::exit::{not_run, refused};
use crate::args::RunArgs;
use crate::client::ClientError;
use crate::config::go_error;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::spec::{self, CreateBody};

/// Runs `create`.
pub(crate) async fn run(context: &Context, args: &RunArgs, out: &mut Output) -> Outcome {
    let body = spec::build(args).map_err(|reason| refused("create", &reason))?;
    let id = create(context, args, &body, out)
        .await
        .map_err(|e| e.told_by("create"))?;
    out.line(id)?;
    Ok(0)
}

/// Why there is no container.
#[derive(Debug)]
pub(crate) enum NotCreated {
    /// In the words of the daemon, or ours.
    Reason(String),
    /// A failure of its own.
    Failure(Failure),
}

impl NotCreated {
    /// As a failure of `run` or `create`.
    pub(crate) fn told_by(self, verb: &str) -> Failure {
        match self {
            Self::Reason(reason) => not_run(verb, &reason),
            Self::Failure(failure) => failure,
        }
    }
}

impl From<ClientError> for NotCreated {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Tls { .. } => Self::Failure(Failure::from(error).status(125)),
            other => Self::Reason(other.to_string()),
        }
    }
}

impl From<std::io::Error> for NotCreated {
    fn from(error: std::io::Error) -> Self {
        Self::Reason(error.to_string())
    }
}

/// Creates the container, with its image pulled if that is missing; says its ID.
pub(crate) async fn create(
    context: &Context,
    args: &RunArgs,
    body: &CreateBody,
    out: &mut Output,
) -> Result<String, NotCreated> {
    let policy = args.given("pull").unwrap_or("missing");
    if !matches!(policy, "always" | "missing" | "never" | "") {
        return Err(NotCreated::Reason(format!(
            "invalid pull option: '{policy}': must be one of \"always\", \"missing\" or \"never\""
        )));
    }
    let image = ImageRef::parse(args.image());
    let is_id = is_image_id(args.image());
    if let Err(error) = &image
        && !is_id
    {
        return Err(NotCreated::Reason(error.to_string()));
    }
    let id_file = IdFile::open(args.text("cidfile"))?;
    if policy == "always" {
        pull_now(context, args, out).await?;
    }
    let answer = match send(context, args, body).await {
        Err(error) if policy == "missing" && is_missing_image(&error) => {
            let Ok(image) = image else {
                return Err(error.into());
            };
            out.note(format!(
                "Unable to find image '{}' locally",
                image.familiar()
            ))?;
            pull_now(context, args, out).await?;
            send(context, args, body).await
        }
        other => other,
    }?;
    let answer = View::new(&answer);
    for warning in answer.texts("Warnings") {
        out.note(format!("WARNING: {warning}"))?;
    }
    let id = answer.text("Id").to_owned();
    id_file.keep(&id)?;
    Ok(id)
}

async fn send(context: &Context, args: &RunArgs, body: &CreateBody) -> Result<Value, ClientError> {
    let name = args.given("name").filter(|name| !name.is_empty());
    let call = context
        .client
        .post("/containers/create")
        .maybe("name", name);
    let platform = platform(args).filter(|platform| !platform.is_empty());
    call.maybe("platform", platform).json(body)?.fetch().await
}

fn platform(args: &RunArgs) -> Option<String> {
    let default = || std::env::var("DOCKER_DEFAULT_PLATFORM").ok();
    args.given("platform").map(str::to_owned).or_else(default)
}

async fn pull_now(context: &Context, args: &RunArgs, out: &mut Output) -> Result<(), NotCreated> {
    let platform = platform(args);
    let shown = if args.is("quiet") {
        pull::Shown::Nowhere
    } else {
        pull::Shown::OnStderr
    };
    pull::pull(context, args.image(), platform.as_deref(), shown, out)
        .await
        .map_err(|failure| NotCreated::Reason(failure.to_string()))
}

fn is_missing_image(error: &ClientError) -> bool {
    error.is_not_found() && error.message().contains("No such image")
}

/// A whole or shortened image ID is no reference.
fn is_image_id(text: &str) -> bool {
    text.starts_with("sha256:") || (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `--cidfile`: made before the container, removed if there is none in the end.
struct IdFile<'a> {
    path: Option<&'a Path>,
    is_written: bool,
}

impl<'a> IdFile<'a> {
    fn open(path: &'a str) -> Result<Self, NotCreated> {
        if path.is_empty() {
            return Ok(Self {
                path: None,
                is_written: false,
            });
        }
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(_) => Ok(Self {
                path: Some(Path::new(path)),
                is_written: false,
            }),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(NotCreated::Reason(format!(
                    "container ID file found, make sure the other container isn't running or \
                     delete {path}"
                )))
            }
            Err(error) => Err(NotCreated::Reason(format!(
                "failed to create the container ID file: open {path}: {}",
                go_error(&error)
            ))),
        }
    }

    fn keep(mut self, id: &str) -> Result<(), NotCreated> {
        if let Some(path) = self.path {
            let mut file = OpenOptions::new().write(true).open(path)?;
            file.write_all(id.as_bytes())?;
            self.is_written = true;
        }
        Ok(())
    }
}

impl Drop for IdFile<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.path.filter(|_| !self.is_written) {
            // It is empty and of no use to anybody.
            fs::remove_file(path).unwrap_or_default();
        }
    }
}
