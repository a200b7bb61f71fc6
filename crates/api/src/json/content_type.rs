//! The header that must stand over a JSON body.

/// Why a body is not read as JSON; the wording is the stock daemon's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentTypeError {
    /// No media type at all.
    #[error("malformed Content-Type header ({0}): mime: no media type")]
    Malformed(String),
    /// Another media type.
    #[error("unsupported Content-Type header ({0}): must be 'application/json'")]
    Unsupported(String),
}

/// Checks `Content-Type` for a JSON body; an empty body needs none.
pub fn check_content_type(
    header: Option<&str>,
    body_is_empty: bool,
) -> Result<(), ContentTypeError> {
    let header = header.unwrap_or_default();
    if header.is_empty() && body_is_empty {
        return Ok(());
    }
    let media_type = header.split(';').next().unwrap_or_default().trim();
    if media_type.is_empty() {
        return Err(ContentTypeError::Malformed(header.to_owned()));
    }
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(ContentTypeError::Unsupported(header.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_json() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
        ] {
            assert_eq!(check_content_type(Some(good), false), Ok(()));
        }
        assert_eq!(check_content_type(None, true), Ok(()));
        for bad in [
            "text/plain",
            "application/x-tar",
            "application/jsonx",
            "json",
        ] {
            assert_eq!(
                check_content_type(Some(bad), false)
                    .unwrap_err()
                    .to_string(),
                format!("unsupported Content-Type header ({bad}): must be 'application/json'")
            );
        }
        assert_eq!(
            check_content_type(None, false).unwrap_err().to_string(),
            "malformed Content-Type header (): mime: no media type"
        );
    }
}
