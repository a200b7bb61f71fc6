//! What is said of containers in numbers and sentences, to a caller who sees its own alone.

use lockgate_access::without_others;
use lockgate_engine::{ListQuery, Summary};

use crate::ask::Ask;
use crate::error::Failure;

impl Ask {
    /// The containers that the caller sees; `None` if it sees all there are.
    pub(crate) async fn own_containers(&self) -> Result<Option<Vec<Summary>>, Failure> {
        if !self.is_scoped() {
            return Ok(None);
        }
        let all = ListQuery {
            all: true,
            ..ListQuery::default()
        };
        let mut found = self.engine.containers().list(&all).await?;
        found.retain(|summary| self.sees(Some(&summary.labels)));
        Ok(Some(found))
    }

    /// An error without the containers of others that stand in the way.
    pub(crate) fn discreet(&self, failure: Failure) -> Failure {
        if !self.is_scoped() {
            return failure;
        }
        let containers = self.engine.containers();
        failure.map_message(|message| {
            without_others(&message, |word| {
                let asked = containers.asked(word);
                asked.is_ok_and(|asked| !self.sees(Some(&asked.labels)))
            })
        })
    }
}
