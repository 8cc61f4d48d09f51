//! Scans: a statement's way through the rows that it looks at, one row at a time.
//!
//! A scan is a position in a live table or index, not a copy of it: between two of its rows others
//! may write, and what they write ahead of it is seen and what they write behind it is not. So a
//! nolock scan meets rows that are not committed, misses rows that move behind it and meets others
//! twice, for the reasons for which SQL Server does.
//!
//! For each row the locks come first, as the level wants them ([`Manner`]), then the look at the
//! row, then the condition. A scan that has to wait stays where it is and does the same again
//! when it is woken: what it has locked is granted at once, and the row may have changed or gone.
//!
//! At serializable a scan locks the gaps too: each entry of the stretch with the gap below it, and
//! then the next entry, or the end of the index, for the gap above the last.
//!
//! Source: Microsoft Learn, "Transaction locking and row versioning guide", Isolation levels in the
//! Database Engine and Key-range locking; "Optimized locking", Lock after qualification.

use std::ops::Bound;

use crate::engine::database::Database;
use crate::engine::database::candidate::Locked;
use crate::engine::database::context::Context;
use crate::engine::database::gap::absence;
use crate::engine::database::locking::{Asked, Temporary};
use crate::engine::database::manner::{Manner, Purpose};
use crate::engine::database::marks::RowMarks;
use crate::engine::database::read::{Caller, LinkedRows};
use crate::engine::database::search::{Access, SharedSearch};
use crate::engine::lock::Resource;
use crate::engine::store::{RowImage, RowNumber, View};
use crate::fault::Fault;
use crate::plan::{Hint, Hints, Isolation};
use crate::trace::LockResource;
use crate::words::LockMode;

/// A scan under way.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Scan {
    pub(super) search: SharedSearch,
    pub(super) purpose: Purpose,
    pub(super) hints: Hints,
    pub(super) manner: Manner,
    /// Whether it looks for the rows that are linked to a row.
    pub(super) is_linked: bool,
    place: Place,
    /// The row for whose locks it waits.
    waits_for: Option<RowNumber>,
    /// What it holds for the row at hand only.
    pub(super) taken: Vec<Temporary>,
    /// What it holds to its end.
    whole: Vec<Temporary>,
    /// The version of the latest write when it began: what its own statement writes is newer.
    since: u64,
    /// How many rows and index entries it has looked at.
    pub(super) examined: u32,
    /// How many of them matched.
    pub(super) matched: u32,
    /// How many locks it has taken on rows, or on entries that stand for them, to the end of its
    /// transaction.
    pub(super) locks: u32,
    /// How often it was tried to make one lock of them.
    pub(super) escalations_tried: u32,
    /// The rows that it has answered; kept for the trace only, where rows may move under it.
    pub(super) answered: RowMarks,
    /// The rows that matched when it began; likewise.
    pub(super) awaited: RowMarks,
}

/// Where a scan stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// At its beginning.
    Beginning,
    /// Before the first row with this number or a greater one.
    Row(u32),
    /// Before this of its ids.
    Id(usize),
    /// In this stretch of its index, after this entry; before the first without one.
    Entry(usize, Option<Vec<u8>>),
    /// Behind its last row.
    End,
}

/// What a scan looks at.
pub(super) struct Candidate {
    pub(super) row: RowNumber,
    /// Its entry in the index that is scanned, with the entry's hash.
    pub(super) entry: Option<(Vec<u8>, u64)>,
    /// Where the scan stands when it has looked.
    next: Place,
}

/// What a scan came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// A row that matches. What the scan holds for it is given back with the next step.
    Row(RowNumber),
    /// A row that does not, or one that is not there any more.
    Nothing,
    /// The end.
    End,
    /// A lock, for which it must wait.
    Waits,
}

impl Scan {
    /// A scan about to begin.
    pub(super) fn new(
        database: &Database,
        search: SharedSearch,
        caller: &Caller,
        purpose: Purpose,
        hints: Hints,
    ) -> Self {
        Self {
            manner: Manner::of(caller, purpose, hints, database.locking),
            search,
            purpose,
            hints,
            is_linked: false,
            place: Place::Beginning,
            waits_for: None,
            taken: Vec::new(),
            whole: Vec::new(),
            since: database.row_version,
            examined: 0,
            matched: 0,
            locks: 0,
            escalations_tried: 0,
            answered: RowMarks::default(),
            awaited: RowMarks::default(),
        }
    }

    /// Whether everything that it reads is as of one instant, so that it may as well read all of it
    /// at that instant.
    pub(super) const fn is_of_one_instant(&self) -> bool {
        self.manner.versions && matches!(self.purpose, Purpose::Read)
    }

    /// Whether rows may move under it: it neither reads versions nor locks the gaps that it has
    /// passed. At repeatable read a row that it has passed stays where it is, but one that it has
    /// not come to yet can still move behind it. Searches for linked rows are short and many; what
    /// moves under one of them is not told.
    pub(super) const fn is_disturbed(&self) -> bool {
        matches!(self.purpose, Purpose::Read)
            && !self.manner.versions
            && !self.manner.ranges
            && !self.is_linked
    }

    /// Whether it locks and reads the entries of an index that has all it needs, and never the
    /// rows.
    pub(super) fn reads_entries_only(&self) -> bool {
        let covering = matches!(self.search.access, Access::Index { covering: true, .. });
        covering && self.purpose == Purpose::Read && self.manner.lock.is_some()
    }

    /// Notes that a row which it has found was locked to be written, unless it has kept the lock
    /// from its look at the row.
    pub(super) fn note_written(&mut self) {
        self.locks += u32::from(!self.manner.keeps);
    }

    /// The slot before which it stands, when it looks at every row of the table without a lock.
    pub(super) fn runs_freely_from(&self) -> Option<u32> {
        match self.place {
            Place::Row(next) if self.manner.lock.is_none() => Some(next),
            _ => None,
        }
    }

    /// Goes on from this slot.
    pub(super) fn go_on_from(&mut self, next: u32) {
        self.place = Place::Row(next);
    }
}

impl Database {
    /// Takes a scan one row further.
    ///
    /// # Errors
    ///
    /// The table is not there or has changed; or a lock is held and the statement will not wait.
    pub(super) fn advance(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &mut Scan,
    ) -> Result<Met, Fault> {
        let table = scan.search.table;
        if let Place::Beginning = scan.place {
            self.check_schema(context, caller, table)?;
            if self.enter_to_scan(context, caller, scan)? == Asked::Waiting {
                return Ok(Met::Waits);
            }
            scan.place = match &scan.search.access {
                Access::All => Place::Row(0),
                Access::Ids(_) => Place::Id(0),
                Access::Index { .. } => Place::Entry(0, None),
            };
            if scan.is_disturbed() && context.log.is_on() {
                self.mark_matching(context, scan);
            }
        }
        let candidate = self.candidate(scan)?;
        // What was granted after a wait is kept, unless the row is gone: else whoever waits behind
        // would get it, and the two would hand it to each other for ever.
        let row = candidate.as_ref().map(|candidate| candidate.row);
        if scan.waits_for.take().is_none_or(|awaited| Some(awaited) != row) {
            self.pass_by(context, caller, scan);
        }
        let Some(candidate) = candidate else {
            return self.pass_end(context, caller, scan);
        };
        match self.lock_candidate(context, caller, scan, &candidate)? {
            Locked::Held => {}
            Locked::Waits => {
                scan.waits_for = Some(candidate.row);
                return Ok(Met::Waits);
            }
            Locked::PassedBy => {
                scan.place = candidate.next;
                return Ok(Met::Nothing);
            }
        }
        if !scan.search.lookups.is_empty() {
            let search = scan.search.clone();
            if self.lock_lookups(context, caller, scan, candidate.row, &search.lookups)?
                == Asked::Waiting
            {
                scan.waits_for = Some(candidate.row);
                return Ok(Met::Waits);
            }
        }
        scan.examined += 1;
        let view = self.view_of(caller, scan);
        let matches = self.matches(context, caller, scan, &candidate, view)?;
        scan.place = candidate.next;
        if matches {
            scan.matched += 1;
            return Ok(Met::Row(candidate.row));
        }
        self.pass_by(context, caller, scan);
        Ok(Met::Nothing)
    }

    /// What the scan sees of a row, once it has the row's lock where it wants one.
    pub(super) fn view_of(&mut self, caller: &Caller, scan: &Scan) -> View {
        let reader = caller.transaction();
        match (scan.manner.versions, caller.level) {
            (true, Isolation::Snapshot) => self.view(caller),
            (true, _) => View::Committed { reader },
            // What is read is the entry, which is locked. Who writes the row and leaves the entry
            // as it is has changed nothing of that.
            (false, _) if scan.reads_entries_only() => View::Committed { reader },
            (false, _) => View::Latest,
        }
    }

    /// Gives back what the scan holds for the row at hand.
    pub(super) fn pass_by(&mut self, context: &mut Context<'_>, caller: &Caller, scan: &mut Scan) {
        if let Some(by) = caller.by
            && !scan.taken.is_empty()
        {
            self.give_back(context, by.transaction, &mut scan.taken);
        }
    }

    /// Gives back what the scan holds: its statement is done, or has failed.
    pub(super) fn end_scan(&mut self, context: &mut Context<'_>, caller: &Caller, scan: &mut Scan) {
        self.pass_by(context, caller, scan);
        if let Some(by) = caller.by
            && !scan.whole.is_empty()
        {
            self.give_back(context, by.transaction, &mut scan.whole);
        }
    }

    /// Takes the lock on the table that goes before everything else.
    fn enter_to_scan(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &mut Scan,
    ) -> Result<Asked, Fault> {
        let table = scan.search.table;
        let Some(by) = caller.by else {
            return Ok(Asked::Held);
        };
        let whole = scan.hints.has(Hint::TabLock);
        let writes = scan.purpose == Purpose::Change
            || scan.hints.has(Hint::UpdLock)
            || scan.hints.has(Hint::XLock);
        let mode = match (whole, writes, scan.manner.lock) {
            (true, true, _) => LockMode::Exclusive,
            (true, false, _) => LockMode::Shared,
            (false, true, _) => LockMode::IntentExclusive,
            (false, false, Some(_)) => LockMode::IntentShared,
            // What is over in one instant asks only where somebody is in its way.
            (false, false, None) if scan.is_of_one_instant() && self.altering == 0 => {
                return Ok(Asked::Held);
            }
            (false, false, None) => LockMode::SchemaStability,
        };
        self.refuse_to_wait(by, scan.hints, Resource::Table(table), mode)?;
        if writes || scan.manner.keeps {
            return Ok(self.enter(context, by, table, mode));
        }
        let resource = Resource::Table(table);
        let asked = self.lock_for_now(context, by, resource, mode, &mut scan.whole);
        if whole && asked == Asked::Held {
            scan.manner.lock = None;
        }
        Ok(asked)
    }

    /// What the scan looks at next; `None` at the end of the stretch, or of everything.
    fn candidate(&self, scan: &Scan) -> Result<Option<Candidate>, Fault> {
        let store = self.store(scan.search.table)?;
        Ok(match (&scan.place, &scan.search.access) {
            (Place::Row(from), _) => store.next_row(*from).map(|row| Candidate {
                row,
                entry: None,
                next: Place::Row(row.0 + 1),
            }),
            (Place::Id(position), Access::Ids(ids)) => ids.get(*position).and_then(|id| {
                let next = Place::Id(position + 1);
                store.find(*id).map(|row| Candidate { row, entry: None, next })
            }),
            (Place::Entry(number, after), Access::Index { index, stretches, .. }) => {
                let stretch = &stretches[*number];
                let from = after.as_ref().map_or(Bound::Included(&stretch.from[..]), |after| {
                    Bound::Excluded(&after[..])
                });
                store.next_entry(*index, from).filter(|entry| entry.bytes < &stretch.until[..]).map(
                    |entry| Candidate {
                        row: entry.row,
                        entry: Some((entry.bytes.to_vec(), entry.hash)),
                        next: Place::Entry(*number, Some(entry.bytes.to_vec())),
                    },
                )
            }
            _ => None,
        })
    }

    /// Whether the candidate is there, and meets the condition.
    fn matches(
        &self,
        context: &Context<'_>,
        caller: &Caller,
        scan: &Scan,
        candidate: &Candidate,
        view: View,
    ) -> Result<bool, Fault> {
        let table = scan.search.table;
        let store = self.store(table)?;
        let Some(image) = store.read(candidate.row, view) else {
            return Ok(false);
        };
        // What the statement itself has written it does not meet again.
        let own = store.writer(candidate.row).is_some_and(|it| Some(it) == caller.transaction());
        if own && scan.purpose == Purpose::Change && image.row_version() > scan.since {
            return Ok(false);
        }
        if let (Access::Index { index, .. }, Some((entry, _))) =
            (&scan.search.access, &candidate.entry)
            && !store.shows(*index, entry, candidate.row, view)
        {
            return Ok(false);
        }
        Ok(self.image_meets(context, scan, image, view))
    }

    /// Whether a row meets the condition in this view.
    pub(super) fn meets(
        &self,
        context: &Context<'_>,
        scan: &Scan,
        row: RowNumber,
        view: View,
    ) -> bool {
        let store = self.tables[scan.search.table.index()].as_ref();
        let image = store.and_then(|store| store.read(row, view));
        image.is_some_and(|image| self.image_meets(context, scan, image, view))
    }

    /// Whether a row that looks like this in this view meets the condition.
    fn image_meets(
        &self,
        context: &Context<'_>,
        scan: &Scan,
        image: RowImage<'_>,
        view: View,
    ) -> bool {
        let search = &scan.search;
        let linked = LinkedRows {
            plan: context.plan,
            tables: &self.tables,
            view,
            visible: search.visible.as_deref(),
        };
        search.condition.holds(search.filter.as_ref(), image, search.table, context, &linked)
    }

    /// The end of a stretch, or of everything: at serializable the gap above it is locked.
    fn pass_end(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &mut Scan,
    ) -> Result<Met, Fault> {
        let table = scan.search.table;
        let search = scan.search.clone();
        let (gap, next) = match (&scan.place, &search.access) {
            (Place::Row(_), _) => {
                (Some(Resource::End { table, index: LockResource::PRIMARY }), Place::End)
            }
            (Place::Id(position), Access::Ids(ids)) => match ids.get(*position) {
                // A row that is not there.
                Some(id) => {
                    scan.examined += 1;
                    let absence = absence(table, *id);
                    (Some(absence), Place::Id(position + 1))
                }
                None => (None, Place::End),
            },
            (Place::Entry(number, after), Access::Index { index, stretches, unique, .. }) => {
                let until = &stretches[*number].until;
                let found = *unique && after.is_some();
                let gap = self.store(table)?.next_entry(*index, Bound::Included(&until[..]));
                let gap = match gap {
                    Some(entry) => Resource::Key { table, index: *index, hash: entry.hash },
                    None => Resource::End { table, index: *index },
                };
                let is_last = number + 1 == stretches.len();
                let next = if is_last { Place::End } else { Place::Entry(number + 1, None) };
                ((!found).then_some(gap), next)
            }
            _ => (None, Place::End),
        };
        if let (Some(gap), Some(by), true) = (gap, caller.by, scan.manner.ranges)
            && let Some(mode) = scan.manner.lock
            && !self.covers(by.transaction.owner, table, mode)
        {
            self.note_ranges(by.transaction);
            self.refuse_to_wait(by, scan.hints, gap, mode)?;
            if self.lock(context, by, gap, mode) == Asked::Waiting {
                return Ok(Met::Waits);
            }
        }
        scan.place = next;
        Ok(if scan.place == Place::End { Met::End } else { Met::Nothing })
    }
}
