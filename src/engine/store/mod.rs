//! The rows of one table in one instance, with the versions of each that somebody can still see.
//!
//! A table store keeps what was written and answers what a given reader sees of it. It does not
//! decide who may write: that is the lock table's business, and the caller's, who holds a row's
//! lock before it writes. It reads no clock and draws no number; row versions and commit stamps
//! come from the caller.
//!
//! # Versions
//!
//! Each row has a *slot* with a chain of versions, the newest first:
//!
//! ```text
//!   slot 7, id 3f2a…, writer: transaction 12
//!     │
//!     ▼                       committed at 90            committed at 40
//!   { name: B, version 31 } ─▶ { name: A, version 20 } ─▶ { name: null, version 9 }
//!     not committed             what others see            what a snapshot of 40 to 89 sees
//! ```
//!
//! - At most the newest version is uncommitted. A transaction's first write to a row puts a version
//!   on top; its further writes replace that one; its commit gives it a stamp, and its rollback
//!   takes it off.
//! - A deletion is a version too, one without columns, for as long as an older one can be seen.
//!   Then the slot is free, and the row that comes next takes the free slot with the lowest number.
//! - A version is kept while a snapshot may see it: until the version above it was committed at or
//!   before the *oldest snapshot*, of which the caller tells with each commit and with
//!   [`TableStore::prune`].
//!
//! # Indexes
//!
//! An index has an entry for each row and each value that *some* version of the row has. So the
//! rows behind a value are found whether they have it for everybody, for their writer only, or for
//! an old snapshot only (`index`). Alternate keys are unique: [`TableStore::insert`] and
//! [`TableStore::update`] refuse one that another row has or may get back: see [`Clash`].
//!
//! # Clones
//!
//! A clone shares all memory with its original. Rows lie in pages, ids and keys in parts, and the
//! first write to one of them copies that one. So a clone costs next to nothing, and a world that
//! is cloned at every step pays only for what changes.
//!
//! # Memory
//!
//! What costs time in a large table are the misses of the cache, so the layout counts them: one in
//! the index of ids (`row_index`), which leads to the row's number, and one in the page, where the
//! row's newest version lies in place (`pages`, `page`, `cell`), packed so that any column is found
//! in one step (`image`). A version that is no more the newest lies in a cell like it (`older`).
//! The other indexes are sorted trees that hold the values themselves (`tree`, `key`): sorted,
//! because a range is a stretch of one, and a key-range lock needs to know the next entry. Beside
//! the tree of an alternate key stands an index of its rows by hash, as of the ids (`entries`),
//! since one whole key is what is looked for as a rule.
//!
//! Two stores with the same rows in the same slots, with the same versions, have the same [`Hash`],
//! on every machine.

mod cell;
mod entries;
mod image;
mod index;
mod invariants;
mod key;
mod older;
mod page;
mod pages;
mod row_index;
mod scan;
#[cfg(test)]
mod tests;
mod tree;
mod undo;
mod value_ref;
mod versions;
mod write;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub use image::RowImage;
pub use index::{Entry, EntryChange, prefix_end};
pub use undo::Saved;
pub use value_ref::ValueRef;

use self::cell::Version;
use self::entries::Entries;
use self::image::Packed;
use self::index::Index;
use self::pages::{Pages, Row};
use self::row_index::RowIndex;
use self::write::Scratch;
use crate::plan::Table;
use crate::words::{ColumnId, RowId, TransactionId, Value};

/// A row's slot in its table. It stands for the row while any version of it can be seen, and may
/// stand for another one afterwards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RowNumber(pub u32);

/// As whom, and as of when, a row is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// What was written last, committed or not: what a nolock read sees, and a writer under the
    /// row's lock.
    Latest,
    /// What is committed, and what the reader itself has written.
    Committed {
        /// The reader's transaction; `None` for a reader that has written nothing.
        reader: Option<TransactionId>,
    },
    /// What was committed at or before the stamp, and what the reader itself has written.
    Snapshot {
        /// The stamp.
        stamp: u64,
        /// The reader's transaction; `None` for a reader that has written nothing.
        reader: Option<TransactionId>,
    },
}

/// Why a row can't be written as asked: another row has one of its keys, or had it and may get it
/// back. Nothing has been changed.
///
/// The caller looks at [`TableStore::writer`] of the other row. Has another transaction an
/// uncommitted write on it, it must wait for that one's end and try again; else the key is taken.
///
/// Source: Microsoft Learn, "Transaction locking and row versioning guide": an insert waits for the
/// transaction that has inserted or deleted the same unique key and not committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clash {
    /// The position of the key among the table's alternate keys, or [`Clash::PRIMARY`].
    pub key: u16,
    /// The row that has it.
    pub with: RowNumber,
}

impl Clash {
    /// Stands for the primary key: there is a row with this id.
    pub const PRIMARY: u16 = u16::MAX;
}

/// A value that a column gets, in whatever form the caller has it, so that nobody has to copy his
/// values into another form only to write them.
pub trait NewValue {
    /// The column.
    fn column(&self) -> ColumnId;
    /// Its value from now on.
    fn value(&self) -> &Value;
}

impl NewValue for (ColumnId, Value) {
    fn column(&self) -> ColumnId {
        self.0
    }

    fn value(&self) -> &Value {
        &self.1
    }
}

/// The rows of one table in one instance. See the module's description.
#[derive(Clone)]
pub struct TableStore {
    shape: Arc<Shape>,
    pages: Pages,
    ids: RowIndex,
    /// What each index has.
    entries: Vec<Entries>,
    /// Free slots below `pages.slots()`.
    free: BinaryHeap<Reverse<u32>>,
    /// Rows with versions that the commit at this stamp has made old, in the order of the stamps.
    history: VecDeque<(u64, RowNumber)>,
    committed: usize,
    scratch: Scratch,
}

/// What the store needs to know of its table's definition.
struct Shape {
    columns: usize,
    /// Alternate keys first.
    indexes: Vec<Index>,
    /// For each column, whether an index has it.
    is_indexed: Vec<bool>,
}

impl Shape {
    fn new(table: &Table) -> Self {
        let indexes = Index::all_of(table);
        let mut is_indexed = vec![false; table.columns.len()];
        for column in indexes.iter().flat_map(Index::columns) {
            is_indexed[column.index()] = true;
        }
        Self { columns: table.columns.len(), indexes, is_indexed }
    }

    /// Whether one of these columns belongs to an index.
    fn sets_index(&self, values: &[impl NewValue]) -> bool {
        values.iter().any(|it| self.is_indexed.get(it.column().index()) == Some(&true))
    }
}

impl TableStore {
    /// An empty table of this definition.
    pub fn new(table: &Table) -> Self {
        let shape = Shape::new(table);
        Self {
            pages: Pages::new(),
            ids: RowIndex::new(),
            entries: shape.indexes.iter().map(Entries::of).collect(),
            shape: Arc::new(shape),
            free: BinaryHeap::new(),
            history: VecDeque::new(),
            committed: 0,
            scratch: Scratch::default(),
        }
    }

    /// How many rows are committed.
    pub const fn len(&self) -> usize {
        self.committed
    }

    /// Whether no row is committed.
    pub const fn is_empty(&self) -> bool {
        self.committed == 0
    }

    /// The slot of the row with this id: of a row that somebody can see, or that somebody has
    /// written and not committed, a deletion included.
    pub fn find(&self, id: RowId) -> Option<RowNumber> {
        self.ids.find(half_hash_of(id), |row| self.id(row) == id)
    }

    /// Asks the cache for where the search for this id begins. What costs time in a large table is
    /// the wait for its memory, so who knows the ids of several rows in advance asks for all of
    /// them, then for all rows ([`TableStore::expect_row`]), and waits once in place of many times.
    pub fn expect(&self, id: RowId) {
        self.ids.expect(half_hash_of(id));
    }

    /// Asks the cache for the row with this id, or for one whose id has a like hash.
    pub fn expect_row(&self, id: RowId) {
        if let Some(row) = self.ids.find(half_hash_of(id), |_| true) {
            self.pages.expect(row);
        }
    }

    /// The rows of which some version, committed or not, has these values of an alternate key, in
    /// the order of their slots. The caller checks what its view shows of them. There are several
    /// only while transactions or snapshots are open. None for null values, and for a key that the
    /// table does not have.
    pub fn find_by_key<'a>(
        &'a self,
        key: u16,
        values: &'a [Value],
    ) -> impl Iterator<Item = RowNumber> + use<'a> {
        let key = usize::from(key);
        let found = self.shape.indexes.get(key).and_then(|index| {
            let rows = self.entries[key].hashed.as_ref()?;
            Some((index, rows, index.half_hash_of(values)?))
        });
        let mut least = 0;
        std::iter::from_fn(move || {
            let (index, rows, hash) = found?;
            let row = rows.find_from(hash, least, |row| self.has_key(row, index, values))?;
            least = row.0 + 1;
            Some(row)
        })
    }

    /// Whether some version of a row has these values of an alternate key.
    fn has_key(&self, row: RowNumber, index: &Index, values: &[Value]) -> bool {
        let versions = self.pages.row(row).into_iter().flat_map(Row::versions);
        let mut images = versions.filter_map(|version| version.image);
        images.any(|image| index.has_values(self.packed(image), values))
    }

    /// The id of the row in this slot.
    ///
    /// # Panics
    ///
    /// When the table never gave out this number.
    #[inline]
    pub fn id(&self, row: RowNumber) -> RowId {
        self.pages.id(row.0)
    }

    /// Who has an uncommitted write on the row.
    pub fn writer(&self, row: RowNumber) -> Option<TransactionId> {
        self.pages.row(row)?.cell.writer()
    }

    /// The version of the row's deletion, where that is what was written last, committed or not.
    pub fn deleted_as(&self, row: RowNumber) -> Option<u64> {
        let newest = self.pages.row(row)?.newest();
        newest.image.is_none().then_some(newest.row_version)
    }

    /// The row as this view shows it; `None` where it is not there.
    pub fn read(&self, row: RowNumber, view: View) -> Option<RowImage<'_>> {
        self.seen(self.pages.row(row)?, view)
    }

    /// The row as it was written last.
    #[inline]
    fn written_last<'a>(&self, row: Row<'a>) -> Option<RowImage<'a>> {
        let newest = row.newest();
        let packed = self.packed(newest.image?);
        Some(RowImage { id: row.cell.id(), row_version: newest.row_version, packed })
    }

    /// The row as this view shows it: as a rule, as it was written last.
    #[inline]
    fn seen<'a>(&self, row: Row<'a>, view: View) -> Option<RowImage<'a>> {
        match view {
            View::Latest => self.written_last(row),
            View::Committed { .. } if row.cell.writer().is_none() => self.written_last(row),
            _ => self.seen_among_versions(row, view),
        }
    }

    #[inline(never)]
    fn seen_among_versions<'a>(&self, row: Row<'a>, view: View) -> Option<RowImage<'a>> {
        let writer = row.cell.writer();
        let (reader, stamp) = match view {
            View::Latest => (writer, u64::MAX),
            View::Committed { reader } => (reader, u64::MAX),
            View::Snapshot { stamp, reader } => (reader, stamp),
        };
        let newest = row.newest();
        let sees_newest = if writer.is_some() { writer == reader } else { newest.stamp <= stamp };
        let version = if sees_newest {
            newest
        } else {
            row.committed().find(|version| version.stamp <= stamp)?
        };
        Some(RowImage {
            id: row.cell.id(),
            row_version: version.row_version,
            packed: self.packed(version.image?),
        })
    }

    /// Whether a version of the row was committed after this stamp, a deletion included: whether a
    /// snapshot as of the stamp must not write it.
    ///
    /// What a snapshot sees of a row is kept, and the slot with it, as long as every commit and
    /// [`TableStore::prune`] are told of the snapshot. So the answer is right for each row that
    /// the snapshot sees. A slot that is free was given up by a row that the snapshot does not see;
    /// the answer is yes then.
    pub fn changed_since(&self, row: RowNumber, stamp: u64) -> bool {
        let Some(row) = self.pages.row(row) else {
            return true;
        };
        row.committed().next().is_some_and(|version| version.stamp > stamp)
    }

    /// How many bytes the table takes, allocations included, as far as it knows. What clones share
    /// is counted in each of them.
    pub fn memory(&self) -> usize {
        let indexes: usize = self.entries.iter().map(Entries::memory).sum();
        let free = self.free.capacity() * size_of::<Reverse<u32>>();
        let history = self.history.capacity() * size_of::<(u64, RowNumber)>();
        size_of::<Self>() + self.pages.memory() + self.ids.memory() + indexes + free + history
    }

    fn packed<'a>(&self, image: &'a [u8]) -> Packed<'a> {
        Packed::new(image, self.shape.columns)
    }
}

/// The half hash by which the row with this id is found.
fn half_hash_of(id: RowId) -> u32 {
    key::half(key::mix_id(0, id))
}

impl Hash for TableStore {
    /// The slots in use, in their order, each with its id, writer and versions. Where in memory
    /// they lie, and which slots were in use once, stays out of it.
    fn hash<H: Hasher>(&self, state: &mut H) {
        for number in self.rows() {
            if let Some(row) = self.pages.row(number) {
                hash_row(number, row, state);
            }
        }
    }
}

fn hash_row<H: Hasher>(number: RowNumber, row: Row<'_>, state: &mut H) {
    state.write(&number.0.to_le_bytes());
    state.write(row.cell.id().0.as_bytes());
    let writer = row.cell.writer();
    let writer = writer.map_or(0, |writer| u64::from(writer.0) + 1);
    state.write(&writer.to_le_bytes());
    for version in row.versions() {
        let Version { row_version, stamp, image, .. } = version;
        let length = image.map_or(u64::MAX, |image| image.len() as u64);
        for number in [row_version, stamp, length] {
            state.write(&number.to_le_bytes());
        }
        state.write(image.unwrap_or_default());
    }
}
