//! Which objects the names in a judged call mean.

use crate::facts::Kind;

/// The objects that a judgement looked up, by the names that the call has for them. A backend works on
/// these ids: a name may lead elsewhere a moment later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meant(Option<Vec<(Kind, String, String)>>);

impl Meant {
    /// Kind, name and id of each that is there.
    pub(crate) fn these(objects: Vec<(Kind, String, String)>) -> Self {
        Self(Some(objects))
    }

    /// The id of what was judged under this name, `None` if that was not there. Where the judgement
    /// depended on no object it is the name.
    pub fn id<'a>(&'a self, kind: Kind, name: &'a str) -> Option<&'a str> {
        let Some(objects) = &self.0 else {
            return Some(name);
        };
        let found = objects.iter().find(|it| it.0 == kind && it.1 == name);
        found.map(|(_, _, id)| id.as_str())
    }

    /// Whether the judgement depended on objects.
    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }
}
