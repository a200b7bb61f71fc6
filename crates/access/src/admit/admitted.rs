//! The token: what the judge hands out for a call, and nobody else can make.

use std::sync::Arc;

use lockgate_api::Call;

use crate::entry::Entry;
use crate::facts::JudgedBody;
use crate::meant::Meant;
use crate::policy::View;
use crate::principal::Principal;

/// A call that was judged, allowed and recorded. Nothing else gets into a backend.
///
/// It cannot be made outside this crate, nor copied. It owns the open record: when the last holder
/// drops it without an `Outcome`, the record ends as `aborted`.
///
/// ```compile_fail,E0451
/// fn forge(call: lockgate_api::Call) -> lockgate_access::Admitted {
///     lockgate_access::Admitted { call, ..todo!() }
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn copy(admitted: &lockgate_access::Admitted) -> lockgate_access::Admitted {
///     admitted.clone()
/// }
/// ```
#[derive(Debug)]
pub struct Admitted {
    pub(super) call: Call,
    pub(super) principal: Arc<Principal>,
    pub(super) body: JudgedBody,
    pub(super) view: View,
    pub(super) meant: Meant,
    pub(super) lent: Option<String>,
    pub(super) entry: Entry,
}

impl Admitted {
    /// What is asked for.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Who asks.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The body that was judged; empty if the operation has none.
    pub fn body(&self) -> &JudgedBody {
        &self.body
    }

    /// What the caller sees of what there is.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// What the names in the body mean.
    pub fn meant(&self) -> &Meant {
        &self.meant
    }

    /// The elevation without which less would have been allowed, if there is one.
    pub fn lent(&self) -> Option<&str> {
        self.lent.as_deref()
    }

    /// The id that joins the lines of the record; also good for log lines.
    pub fn id(&self) -> &str {
        self.entry.id()
    }

    /// Another handle on the open record, for whoever sees the end of the answer.
    pub fn entry(&self) -> Entry {
        self.entry.share()
    }
}
