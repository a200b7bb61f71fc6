//! Who is told of decisions besides the audit trail: counters, and those who learn.

use std::fmt;

use lockgate_api::Operation;

use crate::facts::Wish;
use crate::{Facts, Principal};

/// A decision that was made.
#[derive(Clone, Copy)]
pub struct Decided<'a> {
    /// Who asked.
    pub principal: &'a Principal,
    /// What for.
    pub operation: Operation,
    /// The answer.
    pub allowed: bool,
    /// The role that decided, if one did.
    pub role: Option<&'a str>,
    /// What in a policy decided; one of a few words.
    pub rule: &'static str,
    /// What was judged.
    pub facts: &'a Facts,
    /// What the objects of the call add to that; looked up when it is asked for.
    pub entered: &'a dyn Fn() -> Entered,
}

/// What a call comes to by the objects that it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// Power over the host that they have.
    pub wishes: Vec<Wish>,
    /// Whether all of them belong to who asks; `None` if there are none.
    pub own: Option<bool>,
}

impl fmt::Debug for Decided<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decided")
            .field("operation", &self.operation)
            .field("allowed", &self.allowed)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

/// Is told of decisions, on the thread that makes them: it must not wait for anything.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A decision was made.
    fn decided(&self, decided: &Decided<'_>);
}
