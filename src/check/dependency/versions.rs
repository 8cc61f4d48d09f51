//! The committed versions of each row, in the order in which they were written.
//!
//! That is the order in which they replaced one another. Under exclusive locks it is the order of
//! the commits too; where it is not, a write was dirty, and the two orders must not be mixed.

use std::collections::BTreeMap;

use crate::check::dependency::parties::{Parties, PartyIndex};
use crate::check::{History, Moment, RowKey, Version};
use crate::trace::WriteKind;

/// Versions of one row that one transaction wrote one after the other: only the last is ever seen
/// by those who read what is committed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// Who; `None` for a row that was there when the world began.
    pub(super) party: Option<PartyIndex>,
    /// The position of its first version.
    pub(super) first: usize,
    /// The position of its last version.
    pub(super) last: usize,
    /// When the last was written.
    pub(super) written: Moment,
    /// When it was committed.
    pub(super) settled: Moment,
}

/// One row's committed versions.
#[derive(Debug)]
pub(super) struct Order<'h> {
    /// By position.
    pub(super) versions: Vec<&'h Version<'h>>,
    /// The same, grouped by who wrote.
    pub(super) turns: Vec<Turn>,
}

impl Order<'_> {
    /// The position of a version; `None` for one that was not committed, and for one of a row that
    /// its own transaction removed again.
    pub(super) fn position(&self, row_version: u64) -> Option<usize> {
        let place = self.versions.partition_point(|it| it.row_version < row_version);
        let found = self.versions.get(place)?;
        let in_turn = self.turns.get(self.turn_of(place)).is_some_and(|it| it.first <= place);
        (found.row_version == row_version && in_turn).then_some(place)
    }

    /// The turn that a position belongs to, by its place among the turns.
    pub(super) fn turn_of(&self, position: usize) -> usize {
        self.turns.partition_point(|it| it.last < position)
    }
}

/// The order of every row that has a committed version.
#[derive(Debug)]
pub(super) struct Versions<'h> {
    pub(super) orders: BTreeMap<RowKey, Order<'h>>,
    /// Which rows each party wrote, with the position of its first version there.
    pub(super) written_by: Vec<Vec<(RowKey, usize)>>,
}

impl<'h> Versions<'h> {
    pub(super) fn of(history: &'h History<'h>, parties: &Parties) -> Self {
        let mut written_by = vec![Vec::new(); parties.count()];
        let mut orders = BTreeMap::new();
        for (key, row) in &history.rows {
            if row.versions.is_empty() {
                continue;
            }
            let mut versions: Vec<&Version> = row.versions.iter().collect();
            versions.sort_by_key(|it| it.written);
            let mut turns: Vec<Turn> = Vec::new();
            for (position, version) in versions.iter().enumerate() {
                let party = version.writer.and_then(|it| parties.writer(it));
                let turn = Turn {
                    party,
                    first: position,
                    last: position,
                    written: version.written,
                    settled: version.settled,
                };
                match turns.last_mut().filter(|it| it.party == party && party.is_some()) {
                    Some(same) => *same = Turn { first: same.first, ..turn },
                    None => turns.push(turn),
                }
            }
            drop_fleeting(&mut turns, &versions);
            for turn in &turns {
                if let Some(party) = turn.party {
                    written_by[party as usize].push((*key, turn.first));
                }
            }
            orders.insert(*key, Order { versions, turns });
        }
        Self { orders, written_by }
    }
}

/// Leaves out the turns of those who added a row and removed it again: for everybody else nothing
/// has happened to it.
fn drop_fleeting(turns: &mut Vec<Turn>, versions: &[&Version<'_>]) {
    let is_there = |turn: &Turn| versions[turn.last].kind != WriteKind::Delete;
    let mut was_there = false;
    turns.retain(|turn| {
        let is_fleeting = turn.party.is_some() && !was_there && !is_there(turn);
        was_there = is_there(turn);
        !is_fleeting
    });
}
