//! A BuildKit client in Rust: images are built by the daemon of `DOCKER_HOST` from what its sessions bring, once by the
//! daemon's `/grpc` and once by its `/build`.

use bollard::grpc::build::{ImageBuildFrontendOptions, ImageBuildLoadInput};
use bollard::grpc::driver::moby::Moby;
use bollard::grpc::driver::Build as _;
use bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};
use bollard::{body_full, Docker};
use bytes::Bytes;
use futures_util::StreamExt as _;

const DOCKERFILE: &str = "FROM busybox\nARG GREETING\nCOPY context /context\nRUN --mount=type=tmpfs,target=/t echo $GREETING > /said && touch /t/gone\nLABEL from=rust\n";

/// The Dockerfile, and a file of more than one frame of HTTP/2.
fn context() -> Bytes {
    let much = "0123456789abcdef\n".repeat(100_000);
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in [("Dockerfile", DOCKERFILE), ("context", much.as_str())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().into()
}

fn docker() -> Docker {
    Docker::connect_with_defaults().unwrap()
}

#[tokio::test]
async fn the_builder_is_asked_by_grpc_and_takes_the_context_from_the_session() {
    let options = ImageBuildFrontendOptions::builder()
        .buildarg("GREETING", "by grpc")
        .build();
    let input = ImageBuildLoadInput::Upload(context());
    Moby::new(&docker())
        .docker_build("by-grpc:1", options, input, None, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_builder_is_asked_by_build_and_reports_in_its_own_words() {
    let arguments = [("GREETING", "by build")].into_iter().collect();
    let options = BuildImageOptionsBuilder::default()
        .t("by-build:1")
        .buildargs(&arguments)
        .version(BuilderVersion::BuilderBuildKit)
        .session("by-build-session")
        .build();
    let docker = docker();
    let mut told = docker.build_image(options, None, Some(body_full(context())));
    let mut steps = 0;
    while let Some(said) = told.next().await {
        steps += usize::from(said.unwrap().aux.is_some());
    }
    assert!(steps > 3, "{steps} reports");
}
