//! How rows change: insert, update and delete; commit and rollback; and the end of old versions.

use super::image::{Packed, Source, fit, overwrite, pack};
use super::pages::Row;
use super::{Clash, NewValue, RowNumber, TableStore};
use crate::words::{ColumnId, RowId, TransactionId};

/// Working space that is kept from call to call, so that writing allocates nothing. It has no
/// content between calls, and a clone begins without any.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) image: Vec<u8>,
    ends: Vec<u32>,
    /// For each column, the position in the list of what is set, from 1; 0 for none.
    set: Vec<u32>,
    pub(super) key: Vec<u8>,
    pub(super) other: Vec<u8>,
}

impl Clone for Scratch {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl TableStore {
    /// Adds a row; columns that are not set are null, and of a column that is set twice the last
    /// value counts. A row that the same transaction has deleted may be added again. With no
    /// transaction the row is loaded: committed at `stamp`, which is not used otherwise.
    ///
    /// # Errors
    ///
    /// When another row has the id or an alternate key, or may get it back.
    pub fn insert(
        &mut self,
        transaction: Option<TransactionId>,
        id: RowId,
        values: &[impl NewValue],
        row_version: u64,
        stamp: u64,
    ) -> Result<RowNumber, Clash> {
        let found = self.find(id);
        if let Some(with) = found
            && (self.others_wrote(with, transaction) || self.newest(with).is_some())
        {
            let key = Clash::PRIMARY;
            return Err(Clash { key, with });
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        self.pack(None, values, &mut scratch);
        self.scratch = scratch;
        self.check_keys(transaction, found)?;
        let row = found.unwrap_or_else(|| self.open(id));
        let image = std::mem::take(&mut self.scratch.image);
        self.write(transaction, row, Some(&image), row_version, true);
        if transaction.is_none() {
            self.load(row, stamp);
        }
        self.scratch.image = image;
        Ok(row)
    }

    /// Changes columns of a row; the others keep what they hold. Whether it is the transaction's
    /// first write of the row.
    ///
    /// # Errors
    ///
    /// When another row has an alternate key that this one would have, or may get it back.
    ///
    /// # Panics
    ///
    /// When the row is not there in the latest view, or when another transaction has an uncommitted
    /// write on it: the caller holds the row's lock and has read the row.
    pub fn update(
        &mut self,
        transaction: TransactionId,
        row: RowNumber,
        values: &[impl NewValue],
        row_version: u64,
    ) -> Result<bool, Clash> {
        let sets_index = self.shape.sets_index(values);
        if !sets_index && let Some(first) = self.amend(transaction, row, values, row_version) {
            return Ok(first);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        self.pack(Some(self.writable(transaction, row)), values, &mut scratch);
        self.scratch = scratch;
        if sets_index {
            self.check_keys(Some(transaction), Some(row))?;
        }
        let image = std::mem::take(&mut self.scratch.image);
        let first = self.write(Some(transaction), row, Some(&image), row_version, sets_index);
        self.scratch.image = image;
        Ok(first)
    }

    /// Changes columns, of which no index has one, where they lie, if every value takes as many
    /// bytes as the one that it replaces. Whether it is the transaction's first write of the row;
    /// `None` when it is not as easy as that, and nothing has changed.
    fn amend(
        &mut self,
        transaction: TransactionId,
        row: RowNumber,
        values: &[impl NewValue],
        row_version: u64,
    ) -> Option<bool> {
        let mut packed = std::mem::take(&mut self.scratch.image);
        let fits = fit(self.writable(transaction, row), values, &mut packed);
        let first = if fits { self.pages.amend(row, transaction, row_version) } else { None };
        let first = first.map(|(first, image)| {
            overwrite(image, self.shape.columns, values, &packed);
            first
        });
        self.scratch.image = packed;
        first
    }

    /// Removes a row. Whether it is the transaction's first write of the row.
    ///
    /// # Panics
    ///
    /// When the row is not there in the latest view, or when another transaction has an uncommitted
    /// write on it.
    pub fn delete(&mut self, transaction: TransactionId, row: RowNumber, row_version: u64) -> bool {
        self.writable(transaction, row);
        self.write(Some(transaction), row, None, row_version, true)
    }

    /// Commits what the transaction wrote to the row, as of `stamp`, and forgets what is older than
    /// anybody can see. No effect on a row that the transaction has not written.
    ///
    /// Stamps ascend from commit to commit. `oldest_snapshot` is the least stamp as of which
    /// anybody may still read (`View::Snapshot`); `u64::MAX` when nobody does.
    pub fn commit(
        &mut self,
        transaction: TransactionId,
        row: RowNumber,
        stamp: u64,
        oldest_snapshot: u64,
    ) {
        if self.writer(row) != Some(transaction) {
            return;
        }
        // The usual commit: an update that no snapshot outlives and that left the indexes alone.
        if !self.pages.commit(row, stamp, stamp <= oldest_snapshot) {
            let mut versions = self.pages.row(row).into_iter().flat_map(Row::versions);
            let is_there = versions.next().is_some_and(|newest| newest.image.is_some());
            let was_there = versions.next().map(|before| before.image.is_some());
            drop(versions);
            self.committed += usize::from(is_there);
            self.committed -= usize::from(was_there == Some(true));
            if was_there.is_some() || !is_there {
                self.trim(row, oldest_snapshot);
                if self.has_history(row) {
                    self.history.push_back((stamp, row));
                }
            }
        }
        self.prune(oldest_snapshot);
    }

    /// Takes back what the transaction wrote to the row, and tells the row version that the row has
    /// again; `None` when it is not there. No effect on a row that the transaction has not written.
    pub fn rollback(&mut self, transaction: TransactionId, row: RowNumber) -> Option<u64> {
        if self.writer(row) == Some(transaction) {
            let found = self.pages.row(row)?;
            if !found.newest().same_entries {
                let versions = found.versions().count();
                self.retire(row, 0..1, 1..versions);
            }
            if !self.pages.pop(row) {
                self.vacate(row);
                return None;
            }
        }
        let version = self.pages.row(row)?.newest();
        version.image.map(|_| version.row_version)
    }

    /// Forgets the versions that nobody can see any more, now that nobody reads as of a stamp below
    /// `oldest_snapshot`.
    pub fn prune(&mut self, oldest_snapshot: u64) {
        while let Some(&(stamp, row)) = self.history.front()
            && stamp <= oldest_snapshot
        {
            self.history.pop_front();
            self.trim(row, oldest_snapshot);
        }
    }

    /// Packs a new image: what is set, and the rest as `base` has it, or null.
    fn pack(&self, base: Option<Packed<'_>>, values: &[impl NewValue], scratch: &mut Scratch) {
        let columns = self.shape.columns;
        scratch.set.clear();
        scratch.set.resize(columns, 0);
        for (it, position) in values.iter().zip(1..) {
            if let Some(set) = scratch.set.get_mut(it.column().index()) {
                *set = position;
            }
        }
        let sources = scratch.set.iter().zip(0..).map(|(position, column)| {
            match (*position as usize).checked_sub(1) {
                Some(set) => Source::Value(values[set].value()),
                None => Source::Packed(base.map_or(&[], |base| base.column(ColumnId(column)))),
            }
        });
        pack(columns, sources, &mut scratch.ends, &mut scratch.image);
    }

    /// The newest version of a row that the transaction is about to write.
    fn writable(&self, transaction: TransactionId, row: RowNumber) -> Packed<'_> {
        let found = self.pages.row(row);
        let writer = found.and_then(|found| found.cell.writer());
        assert!(
            writer.is_none_or(|writer| writer == transaction),
            "{transaction:?} writes {row:?}, on which {writer:?} has an uncommitted write"
        );
        let image = found.and_then(|found| found.newest().image);
        let Some(image) = image else {
            panic!("{row:?} is written, but not there");
        };
        self.packed(image)
    }

    /// Whether the row has, or may get back, a version that fits: the newest one, and where another
    /// transaction wrote that, the committed one below it too.
    fn holds(
        &self,
        row: RowNumber,
        transaction: Option<TransactionId>,
        mut fits: impl FnMut(Packed<'_>) -> bool,
    ) -> bool {
        let Some(found) = self.pages.row(row) else {
            return false;
        };
        let others = self.others_wrote(row, transaction);
        found
            .versions()
            .take(if others { 2 } else { 1 })
            .filter_map(|version| version.image)
            .any(|image| fits(self.packed(image)))
    }

    /// Refuses the packed image when another row than `own` has one of its alternate keys.
    fn check_keys(
        &self,
        transaction: Option<TransactionId>,
        own: Option<RowNumber>,
    ) -> Result<(), Clash> {
        let image = self.packed(&self.scratch.image);
        let keys = self.shape.indexes.iter().take_while(|index| index.is_key());
        for (number, index) in keys.enumerate() {
            let unchanged = own.is_some_and(|own| {
                let newest = self.newest(own);
                newest.is_some_and(|newest| index.is_same(newest, image))
            });
            if unchanged {
                continue;
            }
            let with = self.other_row(number, image, transaction, own);
            if let (Some(with), Ok(key)) = (with, u16::try_from(number)) {
                return Err(Clash { key, with });
            }
        }
        Ok(())
    }

    /// The first row but `own` that has or may get back the key of this image.
    fn other_row(
        &self,
        number: usize,
        image: Packed<'_>,
        transaction: Option<TransactionId>,
        own: Option<RowNumber>,
    ) -> Option<RowNumber> {
        let index = &self.shape.indexes[number];
        let rows = self.entries[number].hashed.as_ref()?;
        rows.find_from(index.half_hash(image)?, 0, |row| {
            Some(row) != own
                && self.holds(row, transaction, |other| index.is_same_key(other, image))
        })
    }

    fn others_wrote(&self, row: RowNumber, transaction: Option<TransactionId>) -> bool {
        let writer = self.writer(row);
        writer.is_some() && writer != transaction
    }

    /// What the row holds in the latest view.
    pub(super) fn newest(&self, row: RowNumber) -> Option<Packed<'_>> {
        let image = self.pages.row(row)?.newest().image?;
        Some(self.packed(image))
    }
}
