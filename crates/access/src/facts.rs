//! What a call would do, as far as its body says so.

use bytes::Bytes;
use lockgate_api::json::{ContentTypeError, Document, JsonError, check_content_type};
use lockgate_api::{Call, Operation};
use lockgate_types::ErrorKind;
use serde::Serialize;
use serde_json::Value;

/// The body of a call, read whole within its limit, as it was judged.
///
/// A backend works on these bytes and on no others. Empty for calls whose body is not judged.
#[derive(Clone, Debug, Default)]
pub struct JudgedBody {
    bytes: Bytes,
    content_type: Option<String>,
}

impl JudgedBody {
    /// A body as it was read, with the `Content-Type` of the request.
    pub fn new(bytes: Bytes, content_type: Option<String>) -> Self {
        Self {
            bytes,
            content_type,
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The `Content-Type` that came with it.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }
}

/// Power over the host that a call asks for. The role `operator` has none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// More capabilities than the default set.
    Capabilities,
    /// Devices of the host, or rules for them.
    Devices,
    /// A place in the host's control groups.
    ControlGroup,
    /// A namespace of the host.
    HostNamespace,
    /// A path of the host.
    HostPath,
    /// A driver that makes the daemon send, load or mount what the caller says.
    Driver,
    /// Everything at once.
    Privileged,
    /// Another runtime than the default one.
    Runtime,
    /// Weaker confinement: security options, unmasked paths.
    Security,
    /// Kernel parameters.
    Sysctls,
}

impl std::fmt::Display for Power {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Capabilities => "added capabilities",
            Self::ControlGroup => "a control group of its choice",
            Self::Devices => "devices of the host",
            Self::Driver => "driver options",
            Self::HostNamespace => "a namespace of the host",
            Self::HostPath => "a path of the host",
            Self::Privileged => "privileged mode",
            Self::Runtime => "a runtime of its choice",
            Self::Security => "weaker confinement",
            Self::Sysctls => "kernel parameters",
        })
    }
}

/// A judged body and what it asks for.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub(crate) body: JudgedBody,
    pub(crate) powers: Vec<Power>,
}

/// Why a body cannot be judged. `Display` is for the client, in the stock daemon's words.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// It is not declared as JSON.
    #[error(transparent)]
    ContentType(#[from] ContentTypeError),
    /// It is no JSON, or JSON that two readers would understand differently.
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl FactsError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::ContentType(_) | Self::Json(_) => ErrorKind::InvalidInput,
        }
    }
}

impl Facts {
    /// Reads what `call` would do from its judged body.
    pub fn read(call: &Call, body: JudgedBody) -> Result<Self, FactsError> {
        let judge = judge_of(call.operation());
        let Some(judge) = judge.filter(|_| !body.bytes.trim_ascii().is_empty()) else {
            return Ok(Self {
                body,
                powers: Vec::new(),
            });
        };
        check_content_type(body.content_type(), false)?;
        let value: Value = Document::parse(&body.bytes)?.read()?;
        let mut powers = judge(&value);
        powers.sort_unstable();
        powers.dedup();
        Ok(Self { body, powers })
    }

    /// The powers over the host that are asked for.
    pub fn powers(&self) -> &[Power] {
        &self.powers
    }
}

type Judge = fn(&Value) -> Vec<Power>;

/// The operations whose bodies can ask for power.
const JUDGES: [(Operation, Judge); 5] = [
    (Operation::ContainerCreate, |body| {
        any(body, "HostConfig", host_config)
    }),
    (Operation::ContainerUpdate, resources),
    (Operation::ContainerExec, exec),
    (Operation::VolumeCreate, volume),
    (Operation::NetworkCreate, network),
];

fn judge_of(operation: Operation) -> Option<Judge> {
    JUDGES
        .iter()
        .find(|(judged, _)| *judged == operation)
        .map(|(_, judge)| *judge)
}

fn exec(body: &Value) -> Vec<Power> {
    powers(&[(Power::Privileged, has(body, "Privileged"))])
}

fn volume(body: &Value) -> Vec<Power> {
    powers(&[(
        Power::Driver,
        has(body, "DriverOpts") || text_is_not(body, "Driver", &["local"]),
    )])
}

fn network(body: &Value) -> Vec<Power> {
    powers(&[(
        Power::HostNamespace,
        text_is_not(body, "Driver", &["bridge"]),
    )])
}

fn resources(body: &Value) -> Vec<Power> {
    powers(&[
        (Power::ControlGroup, has(body, "CgroupParent")),
        (
            Power::Devices,
            ["Devices", "DeviceRequests", "DeviceCgroupRules"]
                .iter()
                .any(|key| has(body, key)),
        ),
    ])
}

fn host_config(host: &Value) -> Vec<Power> {
    let modes = [
        "PidMode",
        "IpcMode",
        "UTSMode",
        "NetworkMode",
        "UsernsMode",
        "CgroupnsMode",
    ];
    let mut found = powers(&[
        (Power::Privileged, has(host, "Privileged")),
        (Power::Capabilities, has(host, "CapAdd")),
        (
            Power::HostNamespace,
            modes.iter().any(|mode| text_is(host, mode, "host")),
        ),
        (
            Power::HostPath,
            any_of(host, "Binds", &|bind| bind_is_of_host(bind))
                || any_of(host, "Mounts", &mount_is_of_host),
        ),
        (
            Power::Driver,
            text_is_not(host, "VolumeDriver", &["local"])
                || any_of(host, "Mounts", &mount_has_driver),
        ),
        (
            Power::Driver,
            !any(host, "LogConfig", log_driver).is_empty(),
        ),
        (Power::Runtime, has(host, "Runtime")),
        (
            Power::Security,
            any_of(host, "SecurityOpt", &|option| !is_harmless(option)),
        ),
        (
            Power::Security,
            ["MaskedPaths", "ReadonlyPaths"]
                .iter()
                .any(|key| given(host, key)),
        ),
        (Power::Sysctls, has(host, "Sysctls")),
    ]);
    found.extend(resources(host));
    found
}

/// `/host:/here`, but not `name:/here`.
fn bind_is_of_host(bind: &Value) -> bool {
    bind.as_str()
        .is_none_or(|bind| !bind.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

fn mount_is_of_host(mount: &Value) -> bool {
    text_is_not(mount, "Type", &["volume", "tmpfs", "image"])
}

fn mount_has_driver(mount: &Value) -> bool {
    !any(mount, "VolumeOptions", |options| {
        powers(&[(Power::Driver, has(options, "DriverConfig"))])
    })
    .is_empty()
}

fn log_driver(config: &Value) -> Vec<Power> {
    powers(&[(
        Power::Driver,
        text_is_not(config, "Type", &["json-file", "local", "none"]),
    )])
}

fn is_harmless(option: &Value) -> bool {
    option
        .as_str()
        .is_some_and(|option| option.starts_with("no-new-privileges"))
}

fn powers(found: &[(Power, bool)]) -> Vec<Power> {
    found
        .iter()
        .filter(|(_, asked)| *asked)
        .map(|(power, _)| *power)
        .collect()
}

/// The values under a key in any spelling that a tolerant reader might accept: letters match
/// without regard to case, also the two letters beyond ASCII that fold into it.
fn values<'a>(object: &'a Value, key: &'a str) -> impl Iterator<Item = &'a Value> {
    let fields = object.as_object().into_iter().flatten();
    fields
        .filter(move |(name, _)| folded(name) == folded(key))
        .map(|(_, value)| value)
}

fn folded(key: &str) -> String {
    key.chars()
        .map(|c| match c {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

fn any(object: &Value, key: &str, judge: Judge) -> Vec<Power> {
    values(object, key).flat_map(judge).collect()
}

fn any_of(object: &Value, key: &str, holds: &dyn Fn(&Value) -> bool) -> bool {
    values(object, key).any(|list| match list {
        Value::Array(items) => items.iter().any(holds),
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::String(_) => true,
    })
}

/// Whether there is anything but the zero value.
fn has(object: &Value, key: &str) -> bool {
    values(object, key).any(|value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    })
}

/// Whether there is anything, an empty list included.
fn given(object: &Value, key: &str) -> bool {
    values(object, key).any(|value| !value.is_null())
}

fn text_is(object: &Value, key: &str, wanted: &str) -> bool {
    values(object, key).any(|value| value.as_str() == Some(wanted))
}

fn text_is_not(object: &Value, key: &str, harmless: &[&str]) -> bool {
    values(object, key).any(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty() && !harmless.contains(&text.as_str()),
        Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    })
}
