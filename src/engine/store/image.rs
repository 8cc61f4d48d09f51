//! One version of a row, packed: the ends of its columns, then their bytes one after the other.
//!
//! ```text
//!   end of column 0 | end of column 1 | … | bytes of column 0 | bytes of column 1 | …
//! ```
//!
//! Ends count from the first byte after the ends, two bytes each, or four in an image of more than
//! 65,535 bytes; the image's length tells which. So any column is found in one step. A null takes
//! no byte; any other value takes one that says what it is, and its own: a whole number as few as
//! it needs, text its UTF-8.

use std::cmp::Ordering;
use std::ops::Range;

use jiff::Timestamp;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{NewValue, ValueRef, key};
use crate::words::{ColumnId, RowId, Value};

const FALSE: u8 = 0;
const TRUE: u8 = 1;
const WHOLE: u8 = 2;
const DECIMAL: u8 = 3;
const TEXT: u8 = 4;
const DATE_TIME: u8 = 5;
const ID: u8 = 6;

/// The longest image whose ends take two bytes.
const SHORT: usize = u16::MAX as usize;

/// Where the value of a column of a new image comes from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// From another image, as it is packed there.
    Packed(&'a [u8]),
    /// From outside.
    Value(&'a Value),
}

/// Packs one image, of as many sources as columns, into `out`, replacing what is there. `ends` is
/// working space.
pub(super) fn pack<'a>(
    columns: usize,
    sources: impl Iterator<Item = Source<'a>>,
    ends: &mut Vec<u32>,
    out: &mut Vec<u8>,
) {
    out.clear();
    out.resize(columns * 2, 0);
    ends.clear();
    for source in sources {
        match source {
            Source::Packed(bytes) => out.extend_from_slice(bytes),
            Source::Value(value) => pack_value(value, out),
        }
        ends.push(narrow(out.len() - columns * 2));
    }
    if out.len() <= SHORT {
        for (place, end) in out.chunks_exact_mut(2).zip(ends) {
            place.copy_from_slice(&end.to_le_bytes()[..2]);
        }
    } else {
        let wide = ends.iter().flat_map(|end| end.to_le_bytes());
        out.splice(..columns * 2, wide);
    }
}

/// Packs values one after the other into `out`, if an image that differs from `base` only in these
/// columns is as easy as that: if each value takes as many bytes as the one that it replaces.
/// Whether it is.
pub(super) fn fit(base: Packed<'_>, values: &[impl NewValue], out: &mut Vec<u8>) -> bool {
    out.clear();
    values.iter().filter(|it| it.column().index() < base.columns).all(|it| {
        let begin = out.len();
        pack_value(it.value(), out);
        base.place(it.column()).len() == out.len() - begin
    })
}

/// Puts values that [`fit`], as it has packed them, into their places in an image.
pub(super) fn overwrite(
    image: &mut [u8],
    columns: usize,
    values: &[impl NewValue],
    mut packed: &[u8],
) {
    for column in values.iter().map(NewValue::column).filter(|it| it.index() < columns) {
        let place = Packed::new(image, columns).place(column);
        let (value, rest) = packed.split_at(place.len());
        image[place].copy_from_slice(value);
        packed = rest;
    }
}

/// A length inside a page.
///
/// # Panics
///
/// At 4 GiB. A scenario file is limited to far less text than that.
pub(super) fn narrow(length: usize) -> u32 {
    u32::try_from(length).unwrap_or_else(|_| panic!("{length} bytes in one page"))
}

fn pack_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Boolean(value) => out.push(if *value { TRUE } else { FALSE }),
        Value::Whole(value) => {
            out.push(WHOLE);
            pack_number(i128::from(*value), out);
        }
        Value::Decimal(value) => {
            out.push(DECIMAL);
            out.extend_from_slice(&value.serialize());
        }
        Value::Text(value) => {
            out.push(TEXT);
            out.extend_from_slice(value.as_bytes());
        }
        Value::DateTime(value) => {
            out.push(DATE_TIME);
            pack_number(value.as_nanosecond(), out);
        }
        Value::Id(value) => {
            out.push(ID);
            out.extend_from_slice(value.0.as_bytes());
        }
        Value::Record(_) | Value::List(_) | Value::Delta(_) => {
            debug_assert!(false, "no column holds {}", value.kind());
        }
    }
}

/// The number's lowest bytes, as many as it needs to keep its sign.
fn pack_number(number: i128, out: &mut Vec<u8>) {
    let magnitude = if number < 0 { !number } else { number };
    let bits = 129 - magnitude.leading_zeros() as usize;
    out.extend_from_slice(&number.to_le_bytes()[..bits.div_ceil(8)]);
}

/// The whole number in these bytes, at most eight.
fn unpack_whole(bytes: &[u8]) -> i64 {
    let Some((highest, rest)) = bytes.split_last() else {
        return 0;
    };
    let number = i64::from(highest.cast_signed());
    rest.iter().rev().fold(number, |number, byte| number << 8 | i64::from(*byte))
}

fn unpack_number(bytes: &[u8]) -> i128 {
    let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut all = [if negative { 0xff } else { 0 }; 16];
    for (to, from) in all.iter_mut().zip(bytes) {
        *to = *from;
    }
    i128::from_le_bytes(all)
}

/// The value that these bytes are. Bytes that [`pack`] did not write are null.
#[inline]
fn unpack(bytes: &[u8]) -> ValueRef<'_> {
    let Some((&kind, rest)) = bytes.split_first() else {
        return ValueRef::Null;
    };
    match kind {
        FALSE => ValueRef::Boolean(false),
        TRUE => ValueRef::Boolean(true),
        WHOLE if rest.len() <= size_of::<i64>() => ValueRef::Whole(unpack_whole(rest)),
        DECIMAL => rest
            .try_into()
            .map_or(ValueRef::Null, |bytes| ValueRef::Decimal(Decimal::deserialize(bytes))),
        TEXT => std::str::from_utf8(rest).map_or(ValueRef::Null, ValueRef::Text),
        DATE_TIME => Timestamp::from_nanosecond(unpack_number(rest))
            .map_or(ValueRef::Null, ValueRef::DateTime),
        ID => Uuid::from_slice(rest).map_or(ValueRef::Null, |id| ValueRef::Id(RowId(id))),
        _ => ValueRef::Null,
    }
}

/// The columns of one image.
#[derive(Clone, Copy)]
pub(super) struct Packed<'a> {
    bytes: &'a [u8],
    columns: usize,
}

impl<'a> Packed<'a> {
    pub(super) const fn new(bytes: &'a [u8], columns: usize) -> Self {
        Self { bytes, columns }
    }

    /// The bytes of one column; none for a column that the table does not have.
    #[inline]
    pub(super) fn column(self, column: ColumnId) -> &'a [u8] {
        if column.index() >= self.columns {
            return &[];
        }
        &self.bytes[self.place(column)]
    }

    /// Where the bytes of a column lie.
    #[inline]
    fn place(self, column: ColumnId) -> Range<usize> {
        let index = column.index();
        let width = if self.bytes.len() <= SHORT { 2 } else { 4 };
        let data = self.columns * width;
        let begin = match index {
            0 => 0,
            _ => self.end(index - 1, width),
        };
        data + begin..data + self.end(index, width)
    }

    #[inline]
    pub(super) fn value(self, column: ColumnId) -> ValueRef<'a> {
        unpack(self.column(column))
    }

    /// The whole number that the column holds; `None` when it holds anything else.
    #[inline]
    pub(super) fn whole(self, column: ColumnId) -> Option<i64> {
        match self.column(column).split_first() {
            Some((&WHOLE, bytes)) => Some(unpack_whole(bytes)),
            _ => None,
        }
    }

    /// The bytes of the text that the column holds; `None` when it holds anything else.
    #[inline]
    pub(super) fn text(self, column: ColumnId) -> Option<&'a [u8]> {
        match self.column(column).split_first() {
            Some((&TEXT, bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// Whether the column holds this value: one of the same kind that is equal. It is for keys,
    /// which as a rule are texts, whose bytes tell.
    #[inline]
    pub(super) fn holds(self, column: ColumnId, value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::Text(text) => self.text(column) == Some(text.as_bytes()),
            other => key::is_same(self.value(column), other),
        }
    }

    fn end(self, index: usize, width: usize) -> usize {
        let at = index * width;
        if width == 2 {
            usize::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]))
        } else {
            word(self.bytes, at) as usize
        }
    }
}

/// The four bytes at `at` as a number.
pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

/// One version of one row, as a view shows it. It borrows from the table, and reading a column
/// allocates nothing.
#[derive(Clone, Copy)]
pub struct RowImage<'a> {
    pub(super) id: RowId,
    pub(super) row_version: u64,
    pub(super) packed: Packed<'a>,
}

impl<'a> RowImage<'a> {
    /// The row's primary key.
    pub const fn id(&self) -> RowId {
        self.id
    }

    /// The row version (ETag) of this version of the row.
    pub const fn row_version(&self) -> u64 {
        self.row_version
    }

    /// What the column holds; null for a column that the table does not have.
    #[inline]
    pub fn get(&self, column: ColumnId) -> ValueRef<'a> {
        self.packed.value(column)
    }

    /// The order of what the column holds against a value of the same kind, without the held value
    /// being made. `None` when they are of two kinds, and for kinds that are not looked for often.
    #[inline]
    pub fn order(&self, column: ColumnId, value: &Value) -> Option<Ordering> {
        match value {
            Value::Whole(value) => self.packed.whole(column).map(|held| held.cmp(value)),
            Value::Text(value) => self.packed.text(column).map(|held| held.cmp(value.as_bytes())),
            _ => None,
        }
    }

    /// What the column holds, as a value on its own.
    pub fn value(&self, column: ColumnId) -> Value {
        self.get(column).to_value()
    }

    /// Every column of the table with what it holds, in the order of the table.
    pub fn columns(&self) -> impl Iterator<Item = (ColumnId, ValueRef<'a>)> + use<'a> {
        let packed = self.packed;
        (0..packed.columns).filter_map(move |index| {
            let column = ColumnId(u16::try_from(index).ok()?);
            Some((column, packed.value(column)))
        })
    }
}

impl std::fmt::Debug for RowImage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {} ", self.id, self.row_version)?;
        f.debug_list().entries(self.columns().map(|(_, value)| value)).finish()
    }
}
