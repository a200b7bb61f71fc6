//! An engine in a folder of its own, and a client that is always let in.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use lockgate_access::{
    Access, AuditLog, Facts, JudgedBody, Policy, Principal, SocketOwners, UnixPeer, Verified,
};
use lockgate_api::{BodyUse, route};
use lockgate_engine::{Engine, EngineConfig};
use lockgate_gate::{Backend, Reply, body};
use lockgate_rest::Rest;
use serde_json::Value;

pub(crate) struct World {
    rest: Arc<Rest>,
    access: Access,
    principal: Verified<Principal>,
    _folder: tempfile::TempDir,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The message of a failure.
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| -> PathBuf { folder.path().join(name) };
        let config = EngineConfig::new(path("root"), path("exec"), path("no-shim"));
        let engine = Engine::open(config).await.unwrap();
        let audit = AuditLog::open(&path("audit.log")).unwrap();
        let peer = UnixPeer {
            uid: 0,
            gid: 0,
            pid: None,
            groups: Vec::new(),
        };
        Self {
            rest: Arc::new(Rest::new(engine)),
            access: Access::new(Policy::absent(), SocketOwners::default(), audit),
            principal: Verified::assertion(Principal::Unix(peer)),
            _folder: folder,
        }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, Bytes::new()).await
    }

    pub(crate) async fn post(&self, target: &str, body: impl Into<Bytes>) -> Answer {
        self.send("POST", target, body.into()).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Answer {
        self.send("DELETE", target, Bytes::new()).await
    }

    pub(crate) async fn send(&self, method: &str, target: &str, bytes: Bytes) -> Answer {
        match self.reply(method, target, bytes).await {
            Reply::Http(response) => {
                let (head, body) = response.into_parts();
                let bytes = body.collect().await.unwrap().to_bytes();
                Answer {
                    status: head.status,
                    headers: head.headers,
                    bytes,
                }
            }
            Reply::Hijack(_) => panic!("{method} {target} became a stream"),
        }
    }

    async fn reply(&self, method: &str, target: &str, bytes: Bytes) -> Reply {
        let call = route(method, target).unwrap_or_else(|e| panic!("{method} {target}: {e}"));
        let (judged, streamed) = match call.body() {
            BodyUse::Stream => (Bytes::new(), body::full(bytes)),
            BodyUse::None | BodyUse::Judge { .. } => (bytes, body::empty()),
        };
        let content_type = (!judged.is_empty()).then(|| "application/json".to_owned());
        let facts = match Facts::read(&call, JudgedBody::new(judged, content_type)) {
            Ok(facts) => facts,
            // What the gate answers.
            Err(error) => {
                let bytes = lockgate_api::error_body(&error.to_string());
                let mut refused = http::Response::new(body::full(bytes));
                *refused.status_mut() = StatusCode::BAD_REQUEST;
                return Reply::Http(refused);
            }
        };
        let admitted = self
            .access
            .admit(&self.principal, "test", call, facts, self.rest.objects())
            .unwrap();
        let (head, ()) = Request::new(()).into_parts();
        let request = lockgate_gate::Request {
            admitted,
            head,
            body: streamed,
            found: None,
        };
        Arc::clone(&self.rest).serve(request).await
    }

    /// An image with a shell that is none, under a name.
    pub(crate) async fn import(&self, name: &str) -> String {
        let target = format!("/images/create?fromSrc=-&repo={name}&changes=CMD+%5B%22sh%22%5D");
        let answer = self.post(&target, root_archive()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["status"].as_str().unwrap().to_owned()
    }
}

fn root_archive() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o755);
    header.set_cksum();
    builder
        .append_data(&mut header, "bin/sh", &b"#!"[..])
        .unwrap();
    builder.into_inner().unwrap()
}
