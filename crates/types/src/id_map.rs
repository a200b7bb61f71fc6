//! Users and groups of a user namespace, and who they are outside of it.

/// A run of ids that follow each other inside as they do outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// The first one, as it is called inside.
    pub inside: u32,
    /// The same one, as it is called outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

/// One kind of ids, users or groups. Without any range nothing is mapped, and everybody is himself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdMap(Vec<IdRange>);

impl IdMap {
    /// A map of these ranges; the first one that has an id decides.
    pub fn new(ranges: Vec<IdRange>) -> Self {
        Self(ranges)
    }

    /// The ranges, in their order.
    pub fn ranges(&self) -> &[IdRange] {
        &self.0
    }

    /// What an id inside is called outside; `None` if there is no such id inside.
    pub fn outside(&self, id: u32) -> Option<u32> {
        self.look(id, |range| (range.inside, range.outside))
    }

    /// What an id outside is called inside; `None` if it does not exist there.
    pub fn inside(&self, id: u32) -> Option<u32> {
        self.look(id, |range| (range.outside, range.inside))
    }

    fn look(&self, id: u32, ends: impl Fn(&IdRange) -> (u32, u32)) -> Option<u32> {
        if self.0.is_empty() {
            return Some(id);
        }
        self.0.iter().find_map(|range| {
            let (from, to) = ends(range);
            let offset = id.checked_sub(from).filter(|n| *n < range.count)?;
            to.checked_add(offset)
        })
    }
}

/// Users and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdMapping {
    /// Users.
    pub uids: IdMap,
    /// Groups.
    pub gids: IdMap,
}

impl IdMapping {
    /// Whether everybody is himself.
    pub fn is_identity(&self) -> bool {
        self.uids.0.is_empty() && self.gids.0.is_empty()
    }

    /// Who the user and group inside are outside; `None` if one does not exist inside.
    pub fn outside(&self, (uid, gid): (u32, u32)) -> Option<(u32, u32)> {
        Some((self.uids.outside(uid)?, self.gids.outside(gid)?))
    }

    /// What an owner outside is called inside. Who does not exist there keeps his number.
    pub fn inside(&self, (uid, gid): (u32, u32)) -> (u32, u32) {
        (
            self.uids.inside(uid).unwrap_or(uid),
            self.gids.inside(gid).unwrap_or(gid),
        )
    }

    /// Root inside, outside. A mapping without root is nobody's.
    pub fn root(&self) -> (u32, u32) {
        self.outside((0, 0)).unwrap_or((NOBODY, NOBODY))
    }
}

/// Who the kernel shows instead of an id that does not exist.
const NOBODY: u32 = 65534;

#[cfg(test)]
mod tests {
    use super::*;

    fn map(ranges: &[(u32, u32, u32)]) -> IdMap {
        let range = |&(inside, outside, count): &(u32, u32, u32)| IdRange {
            inside,
            outside,
            count,
        };
        IdMap::new(ranges.iter().map(range).collect())
    }

    #[test]
    fn ids_go_there_and_back_within_their_ranges_and_no_further() {
        let map = map(&[(0, 100_000, 10), (10, 200_000, 5)]);
        for (inside, outside) in [(0, 100_000), (9, 100_009), (10, 200_000), (14, 200_004)] {
            assert_eq!(map.outside(inside), Some(outside));
            assert_eq!(map.inside(outside), Some(inside));
        }
        for beyond in [15, u32::MAX] {
            assert_eq!(map.outside(beyond), None);
        }
        for beyond in [0, 99_999, 100_010, 199_999, 200_005] {
            assert_eq!(map.inside(beyond), None);
        }
    }

    #[test]
    fn without_ranges_everybody_is_himself() {
        let none = IdMapping::default();
        assert!(none.is_identity());
        assert_eq!(none.outside((7, u32::MAX)), Some((7, u32::MAX)));
        assert_eq!(none.inside((7, 8)), (7, 8));
        assert_eq!(none.root(), (0, 0));
    }

    #[test]
    fn who_does_not_exist_inside_keeps_his_number() {
        let ids = map(&[(0, 100_000, 65_536)]);
        let mapping = IdMapping {
            uids: ids.clone(),
            gids: ids,
        };
        assert_eq!(mapping.root(), (100_000, 100_000));
        assert_eq!(mapping.inside((0, 100_003)), (0, 3));
        assert_eq!(mapping.outside((0, 65_536)), None);
    }

    #[test]
    fn ranges_at_the_end_of_all_numbers_do_not_wrap() {
        let map = map(&[(1, u32::MAX, 5)]);
        assert_eq!(map.outside(1), Some(u32::MAX));
        assert_eq!(map.outside(2), None);
    }
}
