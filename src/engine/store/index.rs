//! The indexes of a table: what their entries are, how a scan goes from one to the next, and which
//! of them a write changes.
//!
//! Indexes are numbered: the alternate keys first, then the others. An *entry* is a string of
//! bytes, the values of the index's columns and then the number of the row, so entries sort by the
//! values and, among rows with the same ones, by slot:
//!
//! ```text
//!   by (country, city):   null, null, row 4 │ CH, Bern, row 7 │ CH, Bern, row 9 │ DE, Ulm, row 1
//! ```
//!
//! There is an entry for each row and each value that *some* version of the row has, so an index
//! serves every view at once. Who follows it asks of each entry whether his view shows it
//! ([`TableStore::shows`]); a row that has moved in the index has two, and a view shows at most one
//! of them.
//!
//! An index that is no key takes in every row, null before all else. An alternate key takes in
//! only the rows that have no null in its columns.
//!
//! A scan holds nothing but a *position*, a string of bytes that sorts before, between or after the
//! entries, whether or not one of them is equal to it. So what comes and goes between two steps of
//! a scan can't hurt it. But it meets a row twice, or not at all, when the row moves across the
//! position meanwhile, as it would in the product.
//! Source: Microsoft Learn, "Transaction locking and row versioning guide", Isolation levels: rows
//! seen twice or missed when their index key changes during a scan.

use std::ops::Bound;

use xxhash_rust::xxh3::xxh3_64;

use super::image::Packed;
use super::{NewValue, RowNumber, TableStore, ValueRef, View, key};
use crate::plan::Table;
use crate::words::{ColumnId, ColumnType, Value};

/// How many bytes an entry is given room for before its length is known.
const ROOM: usize = 64;

/// One entry of an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    /// The encoded values, then the row's number: the entry's own position.
    pub bytes: &'a [u8],
    /// The row.
    pub row: RowNumber,
    /// The entry as a lock knows it. Of an alternate key it is a hash of the values alone, so all
    /// rows that have, had or will have them share it; of another index each entry has its own.
    pub hash: u64,
}

/// What a write does to one index.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EntryChange {
    /// The number of the index.
    pub index: u16,
    /// The hash of the entry that the row has before; `None` when it has none.
    pub before: Option<u64>,
    /// The hash of the entry that it will have; `None` when it will have none, and when the hash
    /// is not known before the write because the row has no number yet.
    pub after: Option<u64>,
}

/// The smallest position above all entries that begin with this one: `prefix` is what
/// [`TableStore::encode`] answered.
///
/// With the two, any stretch of an index goes from one position to before another. With `p` for
/// the values that the columns before are to have:
///
/// ```text
///   = v     from encode(p, v)                   to prefix_end(encode(p, v))
///   < v     from prefix_end(encode(p, null))    to encode(p, v)
///   <= v    from prefix_end(encode(p, null))    to prefix_end(encode(p, v))
///   >= v    from encode(p, v)                   to prefix_end(encode(p))
///   > v     from prefix_end(encode(p, v))       to prefix_end(encode(p))
/// ```
///
/// An entry is in the stretch while its bytes are less than the end: byte strings compare as
/// slices do.
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX);
    match kept {
        Some(last) => {
            let mut end = prefix[..=last].to_vec();
            end[last] += 1;
            end
        }
        None => vec![key::BEYOND],
    }
}

/// What one index is.
pub(super) struct Index {
    columns: Vec<(ColumnId, ColumnType)>,
    /// Whether it is an alternate key.
    is_key: bool,
}

impl Index {
    /// Every index of a table, in the order of their numbers.
    pub(super) fn all_of(table: &Table) -> Vec<Self> {
        let keys = table.keys.iter().map(|key| (&key.columns, true));
        let others = table.indexes.iter().map(|index| (&index.columns, false));
        let typed = |column: &ColumnId| {
            let definition = table.columns.get(column.index())?;
            Some((*column, definition.kind.clone()))
        };
        keys.chain(others)
            .map(|(columns, is_key)| Self {
                columns: columns.iter().filter_map(typed).collect(),
                is_key,
            })
            .collect()
    }

    pub(super) const fn is_key(&self) -> bool {
        self.is_key
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = ColumnId> {
        self.columns.iter().map(|(column, _)| *column)
    }

    /// Whether two images have the same bytes in the index's columns, and so the same entry. Two
    /// images may have the same entry with different bytes too: 1.0 and 1.00.
    pub(super) fn is_same(&self, a: Packed<'_>, b: Packed<'_>) -> bool {
        self.columns().all(|column| a.column(column) == b.column(column))
    }

    /// Whether two images have the same values in the columns of an alternate key.
    pub(super) fn is_same_key(&self, a: Packed<'_>, b: Packed<'_>) -> bool {
        self.columns().all(|column| {
            a.column(column) == b.column(column) || key::is_same(a.value(column), b.value(column))
        })
    }

    /// Whether an image has these values of an alternate key.
    pub(super) fn has_values(&self, image: Packed<'_>, values: &[Value]) -> bool {
        self.fitted(values)
            .zip(self.columns())
            .all(|(value, column)| value.is_some_and(|value| image.holds(column, value)))
    }

    /// The half hash by which the rows with these values of an alternate key are found; `None`
    /// when no row has them: when one is null or of another kind than its column, or when there
    /// are too few or too many.
    pub(super) fn half_hash_of(&self, values: &[Value]) -> Option<u32> {
        let is_complete = values.len() == self.columns.len();
        if is_complete { half_hash(self.fitted(values)) } else { None }
    }

    /// The same for the values that an image has.
    pub(super) fn half_hash(&self, image: Packed<'_>) -> Option<u32> {
        half_hash(self.columns().map(|column| Some(image.value(column))))
    }

    fn fitted<'v>(&self, values: &'v [Value]) -> impl Iterator<Item = Option<ValueRef<'v>>> {
        let typed = values.iter().zip(&self.columns);
        typed.map(|(value, (_, kind))| key::fitted(value, kind))
    }

    /// Appends the values that an image has in the index's columns. False when the image is
    /// outside the index; then `out` is not to be used.
    pub(super) fn encode(&self, image: Packed<'_>, out: &mut Vec<u8>) -> bool {
        self.encode_each(|column| image.value(column), out)
    }

    /// The same for what an image becomes when these values are written over it; `None` stands
    /// for an image of nulls.
    fn encode_written(
        &self,
        image: Option<Packed<'_>>,
        values: &[impl NewValue],
        out: &mut Vec<u8>,
    ) -> bool {
        self.encode_each(
            |column| match values.iter().rfind(|it| it.column() == column) {
                Some(set) => ValueRef::of(set.value()).unwrap_or(ValueRef::Null),
                None => image.map_or(ValueRef::Null, |image| image.value(column)),
            },
            out,
        )
    }

    fn encode_each<'a>(
        &self,
        value_of: impl Fn(ColumnId) -> ValueRef<'a>,
        out: &mut Vec<u8>,
    ) -> bool {
        for column in self.columns() {
            let value = value_of(column);
            if self.is_key && value.is_null() {
                return false;
            }
            key::encode(value, out);
        }
        true
    }

    /// The hash of the entry with these values, of the row with this number. `None` when the
    /// number counts and is not known.
    fn hash(&self, mut values: Vec<u8>, row: Option<RowNumber>) -> Option<u64> {
        if !self.is_key {
            append_row(row?, &mut values);
        }
        Some(xxh3_64(&values))
    }

    fn entry<'a>(&self, bytes: &'a [u8]) -> Option<Entry<'a>> {
        let (values, row) = bytes.split_last_chunk()?;
        let row = RowNumber(u32::from_be_bytes(*row));
        let hash = xxh3_64(if self.is_key { values } else { bytes });
        Some(Entry { bytes, row, hash })
    }
}

fn half_hash<'v>(mut values: impl Iterator<Item = Option<ValueRef<'v>>>) -> Option<u32> {
    let hash = values.try_fold(0, |hash, value| {
        let value = value.filter(|value| !value.is_null())?;
        Some(key::mix(hash, value))
    });
    hash.map(key::half)
}

/// Makes an entry of the values of a row.
pub(super) fn append_row(row: RowNumber, out: &mut Vec<u8>) {
    out.extend_from_slice(&row.0.to_be_bytes());
}

/// The row in an entry, if it has exactly these values.
pub(super) fn row_of(entry: &[u8], values: &[u8]) -> Option<RowNumber> {
    let row = entry.strip_prefix(values)?;
    Some(RowNumber(u32::from_be_bytes(row.try_into().ok()?)))
}

impl TableStore {
    /// The position right before the entries that begin with these values, of as many of the
    /// index's columns as there are values. A whole number stands for the decimal number of its
    /// size, and the reverse, as they compare. `None` when there is no such index, or a value is of
    /// another kind than its column: then no row has it.
    pub fn encode(&self, index: u16, prefix: &[Value]) -> Option<Vec<u8>> {
        let index = self.shape.indexes.get(usize::from(index))?;
        if prefix.len() > index.columns.len() {
            return None;
        }
        let mut out = Vec::with_capacity(ROOM);
        for (value, (_, kind)) in prefix.iter().zip(&index.columns) {
            key::encode(key::fitted(value, kind)?, &mut out);
        }
        Some(out)
    }

    /// The first entry of an index that is at this position or behind it (`Included`), or behind it
    /// (`Excluded`). `None` at the end, and for an index that the table does not have.
    pub fn next_entry(&self, index: u16, from: Bound<&[u8]>) -> Option<Entry<'_>> {
        let index = usize::from(index);
        let tree = &self.entries.get(index)?.sorted;
        let bytes = match from {
            Bound::Unbounded => tree.range(&[]).next(),
            Bound::Included(position) => tree.range(position).next(),
            Bound::Excluded(position) => tree.range(position).find(|bytes| *bytes != position),
        };
        self.shape.indexes[index].entry(bytes?)
    }

    /// Whether the version of the row that the view shows has exactly this entry. If not, the
    /// entry is another version's, or nobody's any more, and is to be passed by.
    pub fn shows(&self, index: u16, entry: &[u8], row: RowNumber, view: View) -> bool {
        let Some(index) = self.shape.indexes.get(usize::from(index)) else {
            return false;
        };
        let mut own = Vec::with_capacity(ROOM);
        self.read(row, view).is_some_and(|image| {
            index.encode(image.packed, &mut own) && row_of(entry, &own) == Some(row)
        })
    }

    /// Appends which entries will change, and to what, when these values are written over the
    /// row's newest version; `None` stands for a row that is to be added. Columns that are not set
    /// keep what they hold, or are null in a row that is not there. An index whose entry stays as
    /// it is is left out, and where no column of an index is set nothing is encoded.
    pub fn changed_entries(
        &self,
        row: Option<RowNumber>,
        values: &[impl NewValue],
        out: &mut Vec<EntryChange>,
    ) {
        if self.shape.indexes.is_empty() {
            return;
        }
        let image = row.and_then(|row| self.newest(row));
        let sets = |column| values.iter().any(|it| it.column() == column);
        for (index, number) in self.shape.indexes.iter().zip(0..) {
            if image.is_some() && !index.columns().any(sets) {
                continue;
            }
            let (mut old, mut new) = (Vec::new(), Vec::with_capacity(ROOM));
            let was_in = image.is_some_and(|image| index.encode(image, &mut old));
            let will_be_in = index.encode_written(image, values, &mut new);
            if was_in == will_be_in && (!was_in || old == new) {
                continue;
            }
            out.push(EntryChange {
                index: number,
                before: was_in.then(|| index.hash(old, row)).flatten(),
                after: will_be_in.then(|| index.hash(new, row)).flatten(),
            });
        }
    }

    /// Where in an index a row will be once these values are written over its newest version: the
    /// position of its entry. A row that is to be added is named by its slot. `None` when it will
    /// be outside the index.
    pub fn position(
        &self,
        index: u16,
        row: RowNumber,
        values: &[impl NewValue],
    ) -> Option<Vec<u8>> {
        let index = self.shape.indexes.get(usize::from(index))?;
        let image = self.newest(row);
        let mut position = Vec::with_capacity(ROOM);
        index.encode_written(image, values, &mut position).then(|| {
            append_row(row, &mut position);
            position
        })
    }

    /// The hash by which a lock knows the entry at this position.
    pub fn lock_hash(&self, index: u16, position: &[u8]) -> Option<u64> {
        let index = self.shape.indexes.get(usize::from(index))?;
        index.entry(position).map(|entry| entry.hash)
    }

    /// Appends the number of each index in which the row's newest version is, with the hash of its
    /// entry there. Nothing when the newest version is a deletion.
    pub fn entries(&self, row: RowNumber, out: &mut Vec<(u16, u64)>) {
        let Some(image) = self.newest(row) else {
            return;
        };
        for (index, number) in self.shape.indexes.iter().zip(0..) {
            let mut values = Vec::with_capacity(ROOM);
            if index.encode(image, &mut values)
                && let Some(hash) = index.hash(values, Some(row))
            {
                out.push((number, hash));
            }
        }
    }
}
