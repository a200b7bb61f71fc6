//! What the judge is told of objects that another daemon has.

use lockgate_access::{Kind, Object, Objects, Power, Wish};

/// Networks that every daemon has and nobody owns.
const COMMON: [&str; 3] = ["bridge", "host", "none"];

/// Nothing is known of them here, so each is taken for somebody else's and for as powerful as can
/// be: whoever enters one (exec, attach, cp, a named volume) needs a role with all power over the
/// host, and a role for one's own objects reaches none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unknown;

impl Objects for Unknown {
    fn find(&self, kind: Kind, name: &str) -> Option<Object> {
        Some(Object {
            id: name.to_owned(),
            wishes: vec![Wish {
                power: Power::Privileged,
                detail: "what another daemon gave it".to_owned(),
                read_only: false,
            }],
            is_common: kind == Kind::Network && COMMON.contains(&name),
            ..Object::default()
        })
    }
}
