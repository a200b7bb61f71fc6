//! Frames: messages as bytes.

use lockgate_types::ErrorKind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{MAX_FRAME, VERSION};

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// The announced length is zero or more than [`MAX_FRAME`].
    #[error("frame of {0} bytes, 1 to {MAX_FRAME} are allowed")]
    Length(usize),
    /// The JSON text is no message of this protocol.
    #[error("malformed message")]
    Json(#[from] serde_json::Error),
    /// The peer speaks another version.
    #[error("protocol version {0}, this side speaks {VERSION}")]
    Version(u32),
}

impl ProtocolError {
    /// Whose fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Length(_) | Self::Json(_) => ErrorKind::InvalidInput,
            Self::Version(_) => ErrorKind::Unsupported,
        }
    }
}

/// The frame of one message.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, ProtocolError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(
        &mut frame,
        &Envelope {
            v: VERSION,
            body: message,
        },
    )?;
    let length = frame.len() - 4;
    if length > MAX_FRAME {
        return Err(ProtocolError::Length(length));
    }
    // Fits: MAX_FRAME is less than u32::MAX.
    let header = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    frame[..4].copy_from_slice(&header);
    Ok(frame)
}

/// The message of one frame's JSON text (without the length).
pub fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, ProtocolError> {
    // The version is read by itself first, so that a later version's body cannot hide it.
    let OnlyVersion { v } = serde_json::from_slice(json)?;
    if v != VERSION {
        return Err(ProtocolError::Version(v));
    }
    let Envelope { body, .. } = serde_json::from_slice(json)?;
    Ok(body)
}

/// Puts frames together from bytes as they arrive.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
}

impl Decoder {
    /// A decoder with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one. After an error the connection is of no more use.
    pub fn next_message<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ProtocolError> {
        let Some((header, rest)) = self.bytes.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*header) as usize;
        if length == 0 || length > MAX_FRAME {
            return Err(ProtocolError::Length(length));
        }
        let Some(json) = rest.get(..length) else {
            return Ok(None);
        };
        let message = decode(json)?;
        self.bytes.drain(..4 + length);
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
        Ok(Some(message))
    }

    /// Takes the bytes after the last message: after the answer to an attach they belong to the stream.
    pub fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    v: u32,
    body: T,
}

#[derive(Deserialize)]
struct OnlyVersion {
    v: u32,
}
