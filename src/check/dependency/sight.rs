//! What a search saw of the rows that it did not answer.
//!
//! Of a row that it answered it saw the version that it read. Of every other row it saw what its
//! level shows:
//!
//! | the search | saw |
//! |---|---|
//! | a query at read committed snapshot | what was committed at its instant |
//! | every search at snapshot | what was committed when the snapshot was taken |
//! | another locking query; the search of an update or a delete | what was committed by its end |
//! | a query at read uncommitted | what was written by its end |
//!
//! **By its end**, though a scan comes to each row at its own time, and one that it has passed may
//! change and be committed before the end. At serializable that can't be: the row is locked. Below,
//! such a change counts as seen and was not. But who made it was committed before the searcher, and
//! that is all that an obligation says; so no promise is ever found broken that was kept.
//!
//! **When its instant was** a trace tells by the rows that were answered. Of a search that answered
//! none, it was somewhere between beginning and end; a snapshot was taken between the beginning of
//! its transaction's first request and its first access. Of what was committed in between nobody
//! can say whether it was seen, and it makes no edge.

use std::collections::BTreeMap;

use crate::check::dependency::parties::{Parties, PartyIndex};
use crate::check::dependency::predicate::Flip;
use crate::check::{History, Moment, RowKey, RowMiss, Selection};
use crate::plan::Isolation;

/// What one search can see of rows that it does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// What was committed at an event not before the first and not after the second of these.
    Committed(Moment, Moment),
    /// What was written before this event.
    Written(Moment),
}

impl Sight {
    /// The sight of a search, with the versions that it answered.
    pub(super) fn of_search(
        history: &History,
        (parties, party): (&Parties, PartyIndex),
        search: &Selection,
        answered: &BTreeMap<RowKey, (usize, Moment)>,
    ) -> Self {
        let request = history.requests.get(&search.request);
        let writes = request.is_some_and(|it| !it.kind.is_read());
        match search.level {
            Isolation::Snapshot => Self::of_snapshot(parties, party, search.at),
            Isolation::ReadUncommitted if !writes => Self::Written(search.at),
            Isolation::ReadCommittedSnapshot if !writes => {
                let first = answered.values().map(|(_, at)| *at).min();
                let began = request.and_then(|it| it.began);
                let least = first.or(began).unwrap_or(search.at);
                Self::Committed(least, first.unwrap_or(search.at))
            }
            _ => Self::Committed(search.at, search.at),
        }
    }

    /// The sight of a look for one row by its id, which takes one instant.
    pub(super) fn of_miss((parties, party): (&Parties, PartyIndex), miss: &RowMiss) -> Self {
        match miss.level {
            Isolation::ReadUncommitted => Self::Written(miss.at),
            Isolation::Snapshot => Self::of_snapshot(parties, party, miss.at),
            _ => Self::Committed(miss.at, miss.at),
        }
    }

    fn of_snapshot(parties: &Parties, party: PartyIndex, at: Moment) -> Self {
        let (from, until) = parties.snapshots[party as usize].unwrap_or((at, at));
        Self::Committed(from, until)
    }

    /// Whether a change is seen; `None` where that is not known.
    pub(super) fn sees(self, flip: &Flip) -> Option<bool> {
        match self {
            Self::Committed(least, most) => {
                let (surely, maybe) = (flip.settled < least, flip.settled < most);
                (surely == maybe).then_some(surely)
            }
            Self::Written(until) => Some(flip.written < until),
        }
    }

    /// How many of these changes are surely seen, and how many may be: both count from the first,
    /// where the changes are in the order in which they come into sight.
    pub(super) fn reach(self, flips: &[Flip]) -> (usize, usize) {
        let surely = flips.partition_point(|it| self.sees(it) == Some(true));
        let maybe = flips.partition_point(|it| self.sees(it) != Some(false));
        (surely, maybe)
    }

    /// Whether changes come into this sight and another one in the same order.
    pub(super) const fn is_like(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Committed(..), Self::Committed(..)) | (Self::Written(_), Self::Written(_))
        )
    }
}
