//! `POST /images/create`: import, and pull.

use lockgate_api::latest::progress::Progress;
use lockgate_engine::ImportImage;
use lockgate_gate::{Body, Reply};
use lockgate_types::ErrorKind;

use crate::ask::Ask;
use crate::error::Failure;
use crate::pipe::BodyReader;
use crate::reply;

pub(crate) async fn create(ask: &Ask, body: Body) -> Result<Reply, Failure> {
    let query = ask.query();
    let image = query.text("fromImage");
    if !image.is_empty() {
        return Err(pull(image, query.text("tag")));
    }
    match query.text("fromSrc") {
        "-" => import(ask, body).await,
        "" => Err(Failure::invalid(
            "either fromImage or fromSrc must be given",
        )),
        source => Err(Failure::new(
            ErrorKind::Unsupported,
            format!("cannot import {source}: only archives sent with the request are imported"),
        )),
    }
}

/// Clients print this sentence after "Error response from daemon:".
fn pull(image: &str, tag: &str) -> Failure {
    let divider = match tag {
        "" => "",
        digest if digest.contains(':') => "@",
        _ => ":",
    };
    Failure::new(
        ErrorKind::Unsupported,
        format!(
            "cannot pull {image}{divider}{tag}: lockgate does not talk to registries yet; \
             load the image with \"docker load\" or \"docker import\""
        ),
    )
}

/// Nothing is answered before the image is there, so that a failure has its status.
async fn import(ask: &Ask, body: Body) -> Result<Reply, Failure> {
    let query = ask.query();
    let wanted = ImportImage {
        repository: query.text("repo").to_owned(),
        tag: query.text("tag").to_owned(),
        message: query.text("message").to_owned(),
        changes: query.all("changes").map(str::to_owned).collect(),
        platform: query.text("platform").to_owned(),
    };
    let imported = ask
        .engine
        .images()
        .import(BodyReader::new(body), wanted)
        .await?;
    let line = Progress::status(imported.id.to_string()).encode();
    Ok(reply::json_bytes(http::StatusCode::OK, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_is_refused_in_a_sentence_that_helps() {
        let failure = pull("docker.io/library/busybox", "latest");
        assert_eq!(failure.status(), http::StatusCode::NOT_IMPLEMENTED);
        let text = failure.to_string();
        assert!(
            text.starts_with("cannot pull docker.io/library/busybox:latest: "),
            "{text}"
        );
        assert!(
            pull("a", "sha256:00")
                .to_string()
                .starts_with("cannot pull a@sha256:00: ")
        );
        assert!(pull("a", "").to_string().starts_with("cannot pull a: "));
    }
}
