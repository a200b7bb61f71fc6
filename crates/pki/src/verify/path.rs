//! The chain, judged by the library that the daemon's TLS uses.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::Purpose;

/// Checks signature, usage, constraints and dates of `certificate` at `seconds` after 1970.
pub fn verify_path(
    certificate: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    authority: &CertificateDer<'_>,
    purpose: Purpose,
    seconds: i64,
) -> Result<(), webpki::Error> {
    let anchors = [anchor_from_trusted_cert(authority)?];
    let leaf = EndEntityCert::try_from(certificate)?;
    let usage = match purpose {
        Purpose::Client => KeyUsage::client_auth(),
        Purpose::Server => KeyUsage::server_auth(),
    };
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    leaf.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        intermediates,
        time,
        usage,
        None,
        None,
    )
    .map(|_path| ())
}
