//! What the anchors' workloads have in common: their sizes, their draws, and the two contestants,
//! the kernel's database and the bare bound.

pub mod bare;
pub mod instance;
pub mod rounds;
pub mod sessions;

use multiverse::words::{ColumnId, RowId, Value};
use uuid::Uuid;

/// Rows of the large table.
pub const ROWS: u64 = 1_000_000;
/// Rows of the contended one.
pub const HOT_ROWS: u64 = 100;
/// Row updates of one transaction.
pub const UPDATES: usize = 10;
/// Columns of a record, of about 100 bytes together.
pub const COLUMNS: u16 = 10;
/// The seed of every draw.
const SEED: u64 = 42;

/// The column of the unique alternate key.
pub const KEY: ColumnId = ColumnId(0);
/// The column that is counted up.
pub const NUMBER: ColumnId = ColumnId(1);

/// In which order a transaction updates its rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// In the order of their numbers, so that nobody deadlocks.
    Sorted,
    /// As they are drawn.
    AsDrawn,
}

/// A small generator (xorshift), so that drawing a row costs a nanosecond.
pub struct Draw(u64);

impl Draw {
    /// One of many that draw apart from one another.
    pub const fn of(number: u64) -> Self {
        Self(SEED.wrapping_add(number).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u64::try_from((u128::from(self.0) * u128::from(bound)) >> 64).expect("below the bound")
    }

    /// The rows of one transaction, all different.
    pub fn rows(&mut self, of: u64, order: Order) -> [u64; UPDATES] {
        let mut rows = [0; UPDATES];
        for place in 0..UPDATES {
            rows[place] = self.below(of);
            while rows[..place].contains(&rows[place]) {
                rows[place] = self.below(of);
            }
        }
        if order == Order::Sorted {
            rows.sort_unstable();
        }
        rows
    }
}

/// An id with its bits spread as those of named rows are, worked out without a look into memory.
pub fn row_id(number: u64) -> RowId {
    let low = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let high = low.rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    RowId(Uuid::from_u64_pair(high, low))
}

/// The alternate key of a record: 12 bytes, in no order that follows the records'.
pub fn key_of(number: u64) -> String {
    format!("A-{:010}", number.wrapping_mul(2_654_435_761) % (1 << 32))
}

/// A record but for its alternate key.
pub fn values() -> Vec<(ColumnId, Value)> {
    let value = |column: ColumnId| match column {
        KEY => Value::Null,
        NUMBER => Value::Whole(1),
        _ => Value::text("ten bytes!"),
    };
    (0..COLUMNS).map(ColumnId).map(|column| (column, value(column))).collect()
}
