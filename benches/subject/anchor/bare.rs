//! The bare bound: rows behind a concurrent map and a mutex each, and nothing else. There is no
//! lock table, no queue, no search for deadlocks, no version, no undo and no trace, so that no
//! store of rows behind locks does the same work for less.

use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use foldhash::fast::FixedState;
use multiverse::words::{ColumnId, RowId, Value};
use parking_lot::{Mutex, MutexGuard};

use super::UPDATES;

/// The bytes of a record's columns, packed.
const PACKED: usize = 104;
const WORDS: usize = PACKED / 8;
/// The word of the column that is counted up.
const NUMBER: usize = 0;

/// A record. What readers without a lock may look at is atomic; that costs nothing on its own.
struct Row {
    lock: Mutex<()>,
    version: AtomicU64,
    columns: [AtomicU64; WORDS],
}

impl Row {
    /// Counts the number and the version up, under the row's lock.
    fn update(&self) {
        for word in [&self.columns[NUMBER], &self.version] {
            word.store(word.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }
}

/// See the module.
#[derive(Default)]
pub struct Bare {
    numbers: DashMap<RowId, u32, FixedState>,
    /// The alternate key.
    keys: DashMap<Box<str>, u32, FixedState>,
    rows: Vec<Row>,
}

impl Bare {
    /// Adds a record.
    pub fn load(&mut self, id: RowId, key: Option<&str>, values: &[(ColumnId, Value)]) {
        let number = u32::try_from(self.rows.len()).expect("few rows");
        let row = Row { lock: Mutex::new(()), version: AtomicU64::new(0), columns: pack(values) };
        self.rows.push(row);
        self.numbers.insert(id, number);
        if let Some(key) = key {
            self.keys.insert(Box::from(key), number);
        }
    }

    fn row(&self, id: RowId) -> &Row {
        let number = *self.numbers.get(&id).expect("it was loaded");
        &self.rows[number as usize]
    }

    /// Locks and updates rows, all of whose locks are held to the end.
    pub fn transact(&self, ids: &[RowId; UPDATES]) {
        let mut held: [Option<MutexGuard<'_, ()>>; UPDATES] = [const { None }; UPDATES];
        for (slot, id) in held.iter_mut().zip(ids) {
            let row = self.row(*id);
            *slot = Some(row.lock.lock());
            row.update();
        }
    }

    /// The same, but nobody waits: where a row is locked, all is given up, and the answer is
    /// `false`. What was counted up stays so, since nothing is kept to undo it with.
    pub fn try_transact(&self, ids: &[RowId; UPDATES]) -> bool {
        let mut held: [Option<MutexGuard<'_, ()>>; UPDATES] = [const { None }; UPDATES];
        for (slot, id) in held.iter_mut().zip(ids) {
            let row = self.row(*id);
            let Some(guard) = row.lock.try_lock() else {
                return false;
            };
            *slot = Some(guard);
            row.update();
        }
        true
    }

    /// Reads a column of a row, under its lock.
    pub fn read(&self, id: RowId) -> u64 {
        let row = self.row(id);
        let _held = row.lock.lock();
        row.columns[NUMBER].load(Ordering::Relaxed)
    }

    /// The same, by the alternate key.
    pub fn read_by_key(&self, key: &str) -> u64 {
        let number = *self.keys.get(key).expect("it was loaded");
        let row = &self.rows[number as usize];
        let _held = row.lock.lock();
        row.columns[NUMBER].load(Ordering::Relaxed)
    }

    /// Counts the rows with a number, without a look at their locks.
    pub fn scan(&self, number: u64) -> usize {
        let holds = |row: &&Row| row.columns[NUMBER].load(Ordering::Relaxed) == number;
        self.rows.iter().filter(holds).count()
    }

    /// The same, with each row locked while it is looked at.
    pub fn scan_locking(&self, number: u64) -> usize {
        let holds = |row: &&Row| {
            let _held = row.lock.lock();
            row.columns[NUMBER].load(Ordering::Relaxed) == number
        };
        self.rows.iter().filter(holds).count()
    }
}

/// The number, and behind it the bytes of all texts.
fn pack(values: &[(ColumnId, Value)]) -> [AtomicU64; WORDS] {
    let mut bytes = [0; PACKED];
    let mut end = 8;
    for (_, value) in values {
        match value {
            Value::Text(text) => {
                bytes[end..end + text.len()].copy_from_slice(text.as_bytes());
                end += text.len();
            }
            Value::Whole(number) => bytes[..8].copy_from_slice(&number.to_le_bytes()),
            _ => {}
        }
    }
    std::array::from_fn(|word| {
        let bytes = bytes[word * 8..][..8].try_into().expect("eight bytes");
        AtomicU64::new(u64::from_le_bytes(bytes))
    })
}
