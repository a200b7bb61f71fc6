//! Who prepared which exec. The upstream daemon does not know.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// The daemon itself forgets an exec that ended within minutes. What is forgotten here is started by
/// nobody but those with all power.
const KEPT: usize = 16 * 1024;

/// The makers of the newest execs.
#[derive(Debug, Default)]
pub(crate) struct Execs(Mutex<Makers>);

#[derive(Debug, Default)]
struct Makers {
    by_id: HashMap<String, String>,
    oldest_first: VecDeque<String>,
}

impl Execs {
    pub(crate) fn made(&self, id: &str, by: &str) {
        let mut makers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if makers.oldest_first.len() >= KEPT
            && let Some(oldest) = makers.oldest_first.pop_front()
        {
            makers.by_id.remove(&oldest);
        }
        makers.by_id.insert(id.to_owned(), by.to_owned());
        makers.oldest_first.push_back(id.to_owned());
    }

    pub(super) fn creator(&self, id: &str) -> Option<String> {
        let makers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        makers.by_id.get(id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let execs = Execs::default();
        for number in 0..=KEPT {
            execs.made(&number.to_string(), "cn=alice");
        }
        assert_eq!(execs.creator("0"), None);
        assert_eq!(execs.creator("1").as_deref(), Some("cn=alice"));
        assert_eq!(
            execs.creator(&KEPT.to_string()).as_deref(),
            Some("cn=alice")
        );
    }
}
