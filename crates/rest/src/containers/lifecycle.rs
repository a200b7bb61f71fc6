//! What changes a container's state and answers with a status alone.

use http::StatusCode;
use lockgate_engine::StopOptions;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply::{empty, no_content};

/// `POST /containers/{id}/start`
pub(crate) async fn start(ask: &Ask) -> Result<Reply, Failure> {
    if ask.judged().len() > LONGEST_EMPTY_BODY {
        return Err(Failure::invalid(
            "starting container with non-empty request body was deprecated since API v1.22 and \
             removed in v1.24",
        ));
    }
    if !ask.query().text("checkpoint").is_empty() {
        return Err(Failure::invalid(
            "checkpoint is only supported in experimental mode",
        ));
    }
    ask.engine.containers().start(ask.name()).await?;
    Ok(no_content())
}

/// Old clients send `{}` or `null`.
const LONGEST_EMPTY_BODY: usize = 7;

/// `POST /containers/{id}/stop`
pub(crate) async fn stop(ask: &Ask) -> Result<Reply, Failure> {
    ask.engine
        .containers()
        .stop(ask.name(), stop_options(ask)?)
        .await?;
    Ok(no_content())
}

/// `POST /containers/{id}/restart`
pub(crate) async fn restart(ask: &Ask) -> Result<Reply, Failure> {
    ask.engine
        .containers()
        .restart(ask.name(), stop_options(ask)?)
        .await?;
    Ok(no_content())
}

fn stop_options(ask: &Ask) -> Result<StopOptions, Failure> {
    let signal = ask
        .query()
        .get("signal")
        .filter(|signal| !signal.is_empty());
    Ok(StopOptions {
        timeout: ask.query().signed("t")?,
        signal: signal
            .filter(|_| ask.version().since(42))
            .map(str::to_owned),
    })
}

/// `POST /containers/{id}/kill`
pub(crate) async fn kill(ask: &Ask) -> Result<Reply, Failure> {
    let signal = ask
        .query()
        .get("signal")
        .filter(|signal| !signal.is_empty());
    ask.engine.containers().kill(ask.name(), signal).await?;
    Ok(no_content())
}

/// `POST /containers/{id}/rename`
pub(crate) async fn rename(ask: &Ask) -> Result<Reply, Failure> {
    ask.engine
        .containers()
        .rename(ask.name(), ask.query().text("name"))
        .await?;
    Ok(no_content())
}

/// `POST /containers/{id}/pause`
pub(crate) async fn pause(ask: &Ask) -> Result<Reply, Failure> {
    ask.engine.containers().pause(ask.name()).await?;
    Ok(no_content())
}

/// `POST /containers/{id}/unpause`
pub(crate) async fn unpause(ask: &Ask) -> Result<Reply, Failure> {
    ask.engine.containers().unpause(ask.name()).await?;
    Ok(no_content())
}

/// `POST /containers/{id}/resize`
pub(crate) async fn resize(ask: &Ask) -> Result<Reply, Failure> {
    let (height, width) = window(ask)?;
    ask.engine
        .containers()
        .resize(ask.name(), height, width)
        .await?;
    Ok(empty(StatusCode::OK))
}

/// Height and width of a terminal. The kernel knows 16 bits; more than that is as good as that.
pub(crate) fn window(ask: &Ask) -> Result<(u16, u16), Failure> {
    let side = |key: &str, name: &str| match ask.query().unsigned(key) {
        Ok(value) => Ok(u16::try_from(value).unwrap_or(u16::MAX)),
        Err(error) => {
            let text = ask.query().text(key);
            let why = error.reason();
            Err(Failure::invalid(format!(
                "invalid resize {name} {text:?}: {why}"
            )))
        }
    };
    Ok((side("h", "height")?, side("w", "width")?))
}
