//! A certificate as text for people.

use super::CertificateInfo;

pub(super) fn render(info: &CertificateInfo) -> String {
    let told = lines(info)
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    told.fold(String::new(), |text, (label, value)| {
        text + &row(label, &value)
    })
}

fn row(label: &str, value: &str) -> String {
    format!("{label:<16}{}\n", printable(value))
}

fn lines(info: &CertificateInfo) -> Vec<(&'static str, String)> {
    let authority = match (info.is_ca, info.path_length) {
        (false, _) => String::new(),
        (true, None) => "yes".to_owned(),
        (true, Some(0)) => "yes, for servers and clients only".to_owned(),
        (true, Some(length)) => format!("yes, with {length} further authorities below"),
    };
    vec![
        ("Subject:", info.subject.clone()),
        ("Issuer:", info.issuer.clone()),
        ("Names:", info.alternative_names().join(", ")),
        ("Valid from:", info.not_before.to_string()),
        ("Valid until:", info.not_after.to_string()),
        ("Authority:", authority),
        ("Good for:", info.extended_key_usage.join(", ")),
        ("Key usage:", info.key_usage.join(", ")),
        ("Permits names:", info.permitted_names.join(", ")),
        ("Excludes names:", info.excluded_names.join(", ")),
        ("Key:", info.key_algorithm.clone()),
        ("Signature:", info.signature_algorithm.clone()),
        ("Serial:", info.serial.clone()),
        ("Key id:", info.subject_key_id.clone().unwrap_or_default()),
        (
            "Issuer key id:",
            info.authority_key_id.clone().unwrap_or_default(),
        ),
        ("SHA-256:", info.fingerprint_sha256.clone()),
        ("Public key:", format!("sha256:{}", info.spki_sha256)),
    ]
}

/// A certificate is a stranger's text: it must not move the cursor or fake another line.
fn printable(text: &str) -> String {
    let marks = '\u{2000}'..='\u{206f}';
    text.chars()
        .map(|c| {
            if c.is_control() || marks.contains(&c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}
