//! A backend that does next to nothing, and remembers what reached it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream;
use http_body_util::BodyExt;
use lockgate_api::Operation;
use lockgate_gate::{Backend, Duplex, Hijack, Reply, Request, UpgradeTo, body};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

#[derive(Default)]
pub(crate) struct Fake {
    /// Operations with their targets, in the order they came.
    pub(crate) served: Mutex<Vec<String>>,
    /// Lets `ContainerStop` finish.
    pub(crate) release: Notify,
    /// What the streams have done.
    pub(crate) ends: Mutex<Vec<String>>,
}

impl Fake {
    pub(crate) fn served(&self) -> Vec<String> {
        self.served.lock().unwrap().clone()
    }

    pub(crate) fn ended(&self, what: &str) -> bool {
        self.ends.lock().unwrap().iter().any(|end| end == what)
    }

    fn note(&self, what: &str) {
        self.ends.lock().unwrap().push(what.to_owned());
    }
}

impl Backend for Fake {
    fn container_states(&self) -> Vec<(&'static str, u64)> {
        vec![("running", 2), ("exited", 1)]
    }

    fn serve(self: Arc<Self>, request: Request) -> BoxFuture<'static, Reply> {
        Box::pin(async move {
            let call = request.admitted.call();
            let target = call.target().unwrap_or_default().to_owned();
            let operation = call.operation();
            self.served
                .lock()
                .unwrap()
                .push(format!("{operation} {target}").trim_end().to_owned());
            match (operation, target.as_str()) {
                (Operation::ContainerInspect | Operation::ContainerKill, "panic") => {
                    panic!("told to")
                }
                (Operation::ContainerInspect | Operation::ContainerAttach, "missing") => {
                    return error(404, "No such container: missing");
                }
                _ => {}
            }
            match operation {
                Operation::ContainerAttach => self.hijack(&target, false),
                Operation::ExecStart if request.admitted.body().bytes().contains(&b'D') => {
                    text("detached")
                }
                Operation::ExecStart => self.hijack(&target, true),
                Operation::ContainerCreate => Reply::Http(http::Response::new(body::full(
                    request.admitted.body().bytes().clone(),
                ))),
                Operation::ContainerStop => {
                    self.release.notified().await;
                    self.note("stopped");
                    drop(request);
                    status(204)
                }
                Operation::ImageLoad | Operation::ImageBuild => {
                    let bytes = request
                        .body
                        .collect()
                        .await
                        .map(|body| body.to_bytes().len());
                    text(&format!("{bytes:?}"))
                }
                Operation::SystemEvents => events(self),
                Operation::ContainerExport => broken(),
                _ => text("OK"),
            }
        })
    }
}

impl Fake {
    fn hijack(self: &Arc<Self>, target: &str, api_headers: bool) -> Reply {
        let (fake, target) = (Arc::clone(self), target.to_owned());
        Reply::Hijack(Hijack {
            content_type: "application/vnd.docker.multiplexed-stream",
            protocol: UpgradeTo::Tcp,
            api_headers,
            run: Box::new(move |stream| Box::pin(async move { run(&fake, &target, stream).await })),
        })
    }
}

/// `echo` answers after the end of input what came before it; `chat` answers at once; `say`
/// talks and ends; `silent` is a container that reads and says nothing; `idle` never does anything.
async fn run(fake: &Fake, target: &str, mut stream: Duplex) {
    match target {
        "echo" => {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.unwrap();
            stream
                .write_all(format!("{} bytes: ", all.len()).as_bytes())
                .await
                .unwrap();
            stream.write_all(&all).await.unwrap();
        }
        "chat" => {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                stream.write_all(&buffer[..count]).await.unwrap();
            }
        }
        "say" => stream.write_all(b"hello").await.unwrap(),
        "panic" => panic!("told to"),
        "silent" => {
            let (_container, theirs) = tokio::io::duplex(64);
            lockgate_gate::relay(stream, theirs).await.unwrap();
        }
        _ => {
            let _guard = Guard(fake);
            drop(stream.read_u8().await);
            std::future::pending::<()>().await;
        }
    }
    fake.note("stream over");
}

struct Guard<'a>(&'a Fake);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.note("stream dropped");
    }
}

fn events(fake: Arc<Fake>) -> Reply {
    struct End(Arc<Fake>);
    impl Drop for End {
        fn drop(&mut self) {
            self.0.note("events dropped");
        }
    }
    let events = stream::unfold((0, End(fake)), |(count, end)| async move {
        if count > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some((
            Ok(bytes::Bytes::from(format!("{count}\n"))),
            (count + 1, end),
        ))
    });
    Reply::Http(http::Response::new(body::stream(events)))
}

fn broken() -> Reply {
    let parts = stream::unfold(true, |first| async move {
        if first {
            return Some((Ok(bytes::Bytes::from("half")), false));
        }
        Some((Err(std::io::Error::other("disk")), false))
    });
    Reply::Http(http::Response::new(body::stream(parts)))
}

fn text(text: &str) -> Reply {
    Reply::Http(http::Response::new(body::full(text.to_owned())))
}

fn status(status: u16) -> Reply {
    let response = http::Response::builder().status(status).body(body::empty());
    Reply::Http(response.unwrap())
}

fn error(status: u16, message: &str) -> Reply {
    let response = http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body::full(lockgate_api::error_body(message)));
    Reply::Http(response.unwrap())
}
