//! `/containers/{id}/archive` and `/containers/{id}/export`

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use futures_util::Stream;
use http::header::{CONTENT_ENCODING, HeaderName, HeaderValue};
use lockgate_engine::{ExtractOptions, FilesError, PathStat};
use lockgate_gate::{Body, Reply};
use lockgate_types::Timestamp;
use serde::Serialize;

use crate::ask::Ask;
use crate::blocking::blocking;
use crate::error::Failure;
use crate::pipe::{self, BodyReader, BodyWriter};
use crate::reply;

/// `HEAD`: what is at the path.
pub(crate) async fn archive_info(ask: &Ask) -> Result<Reply, Failure> {
    let path = path(ask)?;
    let files = ask.engine.containers().files(ask.name()).await?;
    let stat = blocking(move || files.stat(&path)).await??;
    let mut reply = reply::empty(http::StatusCode::OK);
    describe(&mut reply, &stat);
    Ok(reply)
}

/// `GET`: what is at the path, as a tar stream.
pub(crate) async fn archive(ask: &Ask) -> Result<Reply, Failure> {
    let path = path(ask)?;
    let files = ask.engine.containers().files(ask.name()).await?;
    let archive = blocking(move || files.archive(&path)).await??;
    let (leaving, stat) = (archive.leaving(), archive.stat().clone());
    let encoding = Encoding::wanted(ask.header("accept-encoding").unwrap_or_default());
    let body = written(leaving, move |out| {
        encoding.write(out, |out| archive.write(out))
    });
    let mut reply = reply::streaming(reply::TAR, body);
    if let (Reply::Http(response), Some(name)) = (&mut reply, encoding.name()) {
        let name = HeaderValue::from_static(name);
        response.headers_mut().insert(CONTENT_ENCODING, name);
    }
    describe(&mut reply, &stat);
    Ok(reply)
}

/// `PUT`: unpacks the body into the directory at the path.
pub(crate) async fn put_archive(ask: &Ask, body: Body) -> Result<Reply, Failure> {
    let path = path(ask)?;
    let options = ExtractOptions {
        keep_kinds: ask.query().flag("noOverwriteDirNonDir"),
        own: ask.query().flag("copyUIDGID"),
    };
    let files = ask.engine.containers().files(ask.name()).await?;
    let reader = BodyReader::until(body, files.leaving());
    blocking(move || files.extract(&path, options, reader)).await??;
    Ok(reply::empty(http::StatusCode::OK))
}

/// `GET /export`: the root file system.
pub(crate) async fn export(ask: &Ask) -> Result<Reply, Failure> {
    let export = ask.engine.containers().export(ask.name()).await?;
    let body = written(export.leaving(), move |out| export.write(out));
    Ok(reply::streaming(reply::BYTES, body))
}

fn path(ask: &Ask) -> Result<String, Failure> {
    match ask.query().text("path") {
        // The stock daemon's own words.
        "" => Err(Failure::invalid("bad parameter: pathcannot be empty")),
        path => Ok(path.to_owned()),
    }
}

/// What `write` writes, until it fails or its container is to be started: then the body breaks off.
fn written(
    leaving: impl Future<Output = ()> + Send + 'static,
    write: impl FnOnce(&mut BodyWriter) -> Result<(), FilesError> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (mut writer, body) = pipe::writer_until(leaving);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = write(&mut writer) {
            tracing::info!(%error, "an archive of a container broke off");
            writer.fail(io::Error::other(error));
        }
    });
    body
}

/// The body that the client can read best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Deflate,
}

impl Encoding {
    fn wanted(accepted: &str) -> Self {
        let mut names = accepted.split(',').map(|name| {
            let (name, quality) = name.split_once(';').unwrap_or((name, ""));
            let is_refused = matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
            (name.trim().to_ascii_lowercase(), is_refused)
        });
        let first = names.find_map(|(name, is_refused)| match name.as_str() {
            "gzip" if !is_refused => Some(Self::Gzip),
            "deflate" if !is_refused => Some(Self::Deflate),
            _ => None,
        });
        first.unwrap_or(Self::Identity)
    }

    fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Deflate => Some("deflate"),
        }
    }

    fn write(
        self,
        out: &mut BodyWriter,
        write: impl FnOnce(&mut dyn Write) -> Result<(), FilesError>,
    ) -> Result<(), FilesError> {
        let level = Compression::default();
        let failed = |error| FilesError::Pack(lockgate_engine::PackError::Write(error));
        match self {
            Self::Identity => write(out),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(&mut *out, level);
                write(&mut encoder)?;
                encoder.finish().map(drop).map_err(failed)?;
                out.flush().map_err(failed)
            }
            Self::Deflate => {
                let mut encoder = DeflateEncoder::new(&mut *out, level);
                write(&mut encoder)?;
                encoder.finish().map(drop).map_err(failed)?;
                out.flush().map_err(failed)
            }
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stat<'a> {
    name: &'a str,
    size: i64,
    mode: u32,
    mtime: Timestamp,
    link_target: &'a str,
}

/// Adds the header that tells what was found, so that a client can decide before it reads.
fn describe(reply: &mut Reply, stat: &PathStat) {
    use base64::Engine as _;
    let stat = Stat {
        name: &stat.name,
        size: stat.size,
        mode: stat.mode,
        mtime: stat.mtime,
        link_target: &stat.link_target,
    };
    let text = serde_json::to_vec(&stat).unwrap_or_default();
    let text = base64::engine::general_purpose::STANDARD.encode(text);
    if let (Reply::Http(response), Ok(value)) = (reply, HeaderValue::from_str(&text)) {
        response.headers_mut().insert(STAT, value);
    }
}

const STAT: HeaderName = HeaderName::from_static("x-docker-container-path-stat");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_encoded_as_the_client_likes_it() {
        for (accepted, encoding) in [
            ("", Encoding::Identity),
            ("identity", Encoding::Identity),
            ("gzip", Encoding::Gzip),
            ("br, GZIP;q=0.5", Encoding::Gzip),
            ("gzip;q=0, deflate", Encoding::Deflate),
            ("*", Encoding::Identity),
        ] {
            assert_eq!(Encoding::wanted(accepted), encoding, "{accepted}");
        }
    }
}
