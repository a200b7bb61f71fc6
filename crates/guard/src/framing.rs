//! Where an answer ends.

use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};

/// Why two readers could see two ends of an answer (RFC 9112, section 6.3), or one of them no answer at all.
pub(crate) fn ambiguous(head: &HeaderMap) -> Option<&'static str> {
    let mut codings = head.get_all(TRANSFER_ENCODING).iter();
    let coding = codings.next()?;
    if head.contains_key(CONTENT_LENGTH) {
        return Some("it has two lengths, Content-Length and Transfer-Encoding");
    }
    let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
    (!is_chunked).then_some("its Transfer-Encoding is another one than `chunked`")
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

    use super::*;

    fn refused(fields: &[(HeaderName, &'static str)]) -> bool {
        let fields = fields.iter().cloned();
        let head = fields.map(|(name, value)| (name, HeaderValue::from_static(value)));
        let mut all = HeaderMap::new();
        for (name, value) in head {
            all.append(name, value);
        }
        ambiguous(&all).is_some()
    }

    #[test]
    fn an_answer_has_one_length_or_chunks() {
        let (length, coding) = (CONTENT_LENGTH, TRANSFER_ENCODING);
        for good in [
            &[][..],
            &[(length.clone(), "2")],
            &[(coding.clone(), "chunked")],
            &[(coding.clone(), "Chunked")],
        ] {
            assert!(!refused(good), "{good:?}");
        }
        for bad in [
            &[(length, "2"), (coding.clone(), "chunked")][..],
            &[(coding.clone(), "gzip, chunked")],
            &[(coding.clone(), "chunked"), (coding.clone(), "chunked")],
            &[(coding.clone(), "identity")],
            &[(coding, "")],
        ] {
            assert!(refused(bad), "{bad:?}");
        }
    }
}
