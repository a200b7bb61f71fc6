//! What is built of the API.

use crate::{ApiVersion, Family, Method, Operation, TABLE};

/// One endpoint and whether it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The operation.
    pub operation: Operation,
    /// Its family.
    pub family: Family,
    /// Its method.
    pub method: Method,
    /// Its path.
    pub pattern: &'static str,
    /// The first version that has it.
    pub since: ApiVersion,
    /// Whether it is answered, and not refused by name.
    pub built: bool,
}

/// Every endpoint in the order of the table.
pub fn coverage() -> impl Iterator<Item = Coverage> {
    TABLE.iter().map(|route| Coverage {
        operation: route.operation,
        family: route.operation.family(),
        method: route.method,
        pattern: route.pattern,
        since: route.since.unwrap_or(ApiVersion::MIN),
        built: route.operation.built(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_use_every_day_is_built() {
        let built = |operation| coverage().any(|line| line.operation == operation && line.built);
        assert!(built(Operation::ContainerCreate) && built(Operation::ImageLoad));
        assert!(!built(Operation::ImageBuild));
        assert_eq!(coverage().count(), TABLE.len());
    }
}
