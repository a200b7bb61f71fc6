//! All cases, in the order of the table.

mod archive;
mod escalation;
mod framing;
mod hello;
mod json;
mod lifetime;
mod only;
mod others;
mod path;
mod read;
mod tenant;
mod tls;

use crate::case::Case;

pub(crate) fn all() -> Vec<Case> {
    [
        tls::CASES,
        framing::CASES,
        json::CASES,
        path::CASES,
        read::CASES,
        escalation::CASES,
        only::CASES,
        tenant::CASES,
        others::CASES,
        archive::CASES,
        lifetime::CASES,
    ]
    .concat()
}
