//! Output as docker formats it: Go templates, tables, JSON.

mod functions;
pub(crate) mod json;
mod table;
mod template;
pub(crate) mod time;

pub(crate) use table::{Column, Listing, Row, align, align_wide};
pub(crate) use template::{Template, plain_path, value_of};

/// The text after which a long identifier is cut.
const SHORT_ID: usize = 12;

/// `sha256:0123…` and `0123…` become their first twelve digits.
pub(crate) fn short_id(id: &str) -> String {
    let bare = id.strip_prefix("sha256:").unwrap_or(id);
    bare.chars().take(SHORT_ID).collect()
}

/// At most `width` columns, the last one an ellipsis if something is left out.
pub(crate) fn ellipsis(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}
