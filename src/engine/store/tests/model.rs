//! A model of the store that is too plain to be wrong: it keeps every version for ever and answers
//! by looking at all of them.

use std::collections::BTreeMap;

use super::*;

pub(super) const COLUMNS: u16 = 4;
pub(super) const KEYS: [&[u16]; 2] = [&[0], &[1, 2]];
pub(super) const INDEXES: [&[u16]; 2] = [&[1], &[2, 0]];
pub(super) const IDS: u128 = 6;

#[derive(Clone, Debug)]
pub(super) struct Version {
    /// `None` for an uncommitted one.
    pub(super) stamp: Option<u64>,
    pub(super) row_version: u64,
    pub(super) columns: Option<Vec<Value>>,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) number: u32,
    pub(super) writer: Option<TransactionId>,
    /// The oldest first.
    pub(super) versions: Vec<Version>,
}

impl Row {
    pub(super) fn committed(&self) -> impl DoubleEndedIterator<Item = &Version> {
        self.versions.iter().filter(|version| version.stamp.is_some())
    }

    pub(super) fn newest(&self) -> Option<&Vec<Value>> {
        self.versions.last()?.columns.as_ref()
    }

    pub(super) fn read(&self, view: View) -> Option<&Version> {
        let (reader, stamp) = match view {
            View::Latest => (self.writer, u64::MAX),
            View::Committed { reader } => (reader, u64::MAX),
            View::Snapshot { stamp, reader } => (reader, stamp),
        };
        let seen = if self.writer.is_some() && self.writer == reader {
            self.versions.last()
        } else {
            self.committed().rfind(|version| version.stamp <= Some(stamp))
        };
        seen.filter(|version| version.columns.is_some())
    }

    /// The versions that somebody can see who reads as of `oldest` or later, or who is the writer.
    pub(super) fn kept(&self, oldest: u64) -> Vec<&Version> {
        let committed: Vec<_> = self.committed().collect();
        let ends = committed[..].iter().skip(1).map(|next| next.stamp);
        let ends = ends.chain([Some(u64::MAX)]);
        let uncommitted = self.versions.iter().filter(|version| version.stamp.is_none());
        let seen = committed.iter().zip(ends);
        seen.filter(|(_, end)| *end > Some(oldest) || *end == Some(u64::MAX))
            .map(|(version, _)| *version)
            .chain(uncommitted)
            .filter(|version| version.columns.is_some())
            .collect()
    }
}

pub(super) fn values_in(row: &[Value], columns: &[u16]) -> Vec<Value> {
    columns.iter().map(|column| row[usize::from(*column)].clone()).collect()
}

pub(super) fn key_of(columns: &[Value], key: usize) -> Option<Vec<Value>> {
    let values = values_in(columns, KEYS[key]);
    values.iter().all(|value| !value.is_null()).then_some(values)
}

#[derive(Clone, Default, Debug)]
pub(super) struct Model {
    pub(super) rows: BTreeMap<RowId, Row>,
    pub(super) snapshots: Vec<u64>,
    pub(super) stamp: u64,
    pub(super) row_version: u64,
}

impl Model {
    pub(super) fn oldest(&self) -> u64 {
        self.snapshots.iter().copied().min().unwrap_or(u64::MAX)
    }

    pub(super) fn forget_the_unseen(&mut self) {
        let oldest = self.oldest();
        self.rows.retain(|_, row| row.writer.is_some() || !row.kept(oldest).is_empty());
    }

    pub(super) fn free_number(&self) -> u32 {
        let taken: Vec<_> = self.rows.values().map(|row| row.number).collect();
        (0..).find(|number| !taken.contains(number)).expect("a number")
    }

    pub(super) fn clash(
        &self,
        transaction: Option<TransactionId>,
        own: RowId,
        columns: &[Value],
    ) -> Option<Clash> {
        let mut others: Vec<_> = self.rows.iter().filter(|(id, _)| **id != own).collect();
        others.sort_by_key(|(_, row)| row.number);
        for key in 0..KEYS.len() {
            let Some(wanted) = key_of(columns, key) else {
                continue;
            };
            let has = |columns: &Vec<Value>| key_of(columns, key).as_ref() == Some(&wanted);
            for (_, row) in &others {
                let by_other = row.writer.is_some() && row.writer != transaction;
                let before = row.committed().next_back();
                let before = before.and_then(|version| version.columns.as_ref());
                if row.newest().is_some_and(has) || by_other && before.is_some_and(has) {
                    let key = u16::try_from(key).expect("few");
                    let with = RowNumber(row.number);
                    return Some(Clash { key, with });
                }
            }
        }
        None
    }

    pub(super) fn put(&mut self, id: RowId, transaction: Option<TransactionId>, version: Version) {
        let number = self.free_number();
        let row = self.rows.entry(id).or_insert(Row { number, writer: None, versions: Vec::new() });
        row.versions.retain(|version| version.stamp.is_some());
        row.writer = transaction;
        row.versions.push(version);
    }

    pub(super) fn end(&mut self, transaction: TransactionId, commits: bool) {
        for row in self.rows.values_mut() {
            if row.writer != Some(transaction) {
                continue;
            }
            row.writer = None;
            if commits {
                row.versions.last_mut().expect("a version").stamp = Some(self.stamp);
            } else {
                row.versions.pop();
            }
        }
    }
}
