//! `GET /lockgate/observe?identity=NAME`: what an identity does, as it does it, for `lockgate policy learn`.

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Response, header};
use lockgate_access::Admitted;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::body::{self, Body};
use crate::serve::Visit;
use crate::watch::Sighting;

pub(super) fn observe(visit: &Visit, admitted: &Admitted) -> Response<Body> {
    let wanted = admitted.call().query().text("identity").to_owned();
    let wanted = if wanted.contains('=') {
        wanted
    } else {
        format!("cn={wanted}")
    };
    let sightings = visit.door.watch.sightings();
    let lines = stream::unfold((sightings, wanted), |(mut sightings, wanted)| async {
        let line = next(&mut sightings, &wanted).await?;
        Some((Ok(line), (sightings, wanted)))
    });
    let mut response = Response::new(body::stream(lines));
    let kind = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// One JSON object a line; `{"missed":3}` where the reader was too slow for three.
async fn next(sightings: &mut Receiver<Sighting>, wanted: &str) -> Option<Bytes> {
    loop {
        match sightings.recv().await {
            Ok(sighting) if sighting.who == wanted => return Some(sighting.line),
            Ok(_of_others) => {}
            Err(RecvError::Lagged(count)) => {
                return Some(format!("{{\"missed\":{count}}}\n").into());
            }
            Err(RecvError::Closed) => return None,
        }
    }
}
