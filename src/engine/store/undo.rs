//! Taking back one statement of a transaction that stays open.
//!
//! A transaction has at most one version of a row, so its second write to a row leaves nothing of
//! its first. Who may have to take a statement back keeps what was there before it:
//!
//! ```text
//!   saved      { name: B, not committed } ─▶ { name: A }
//!   update     { name: C, not committed } ─▶ { name: A }
//!   restore    { name: B, not committed } ─▶ { name: A }
//! ```

use std::sync::Arc;

use super::cell::Version;
use super::{RowNumber, TableStore};
use crate::words::TransactionId;

/// What a transaction had made of a row before a statement wrote it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Saved(Option<Own>);

/// A transaction's own version.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Own {
    row_version: u64,
    same_entries: bool,
    /// `None` for a deletion.
    image: Option<Arc<[u8]>>,
}

impl Saved {
    /// The transaction had not written the row, as of a row that the statement is about to add.
    pub const NOTHING: Self = Self(None);
}

impl TableStore {
    /// What the transaction has made of the row so far, to be kept until the statement that is
    /// about to write it can no longer fail. Costs a copy of the row where the transaction has
    /// written it before, and nothing else.
    pub fn saved(&self, transaction: TransactionId, row: RowNumber) -> Saved {
        let own = self.pages.row(row).filter(|row| row.cell.writer() == Some(transaction));
        Saved(own.map(|row| {
            let Version { row_version, same_entries, image, .. } = row.newest();
            Own { row_version, same_entries, image: image.map(Arc::from) }
        }))
    }

    /// Gives the row back what it was when [`TableStore::saved`] was asked: the transaction's own
    /// earlier version, or where it had none the committed one, as [`TableStore::rollback`] does;
    /// a row that was added since then is gone. Tells the row version that the row has again;
    /// `None` when it is not there. No effect on a row that the transaction has not written.
    pub fn restore(
        &mut self,
        transaction: TransactionId,
        row: RowNumber,
        saved: &Saved,
    ) -> Option<u64> {
        let own = match &saved.0 {
            Some(own) if self.writer(row) == Some(transaction) => own,
            _ => return self.rollback(transaction, row),
        };
        self.reindex(row, own.image.as_deref(), true);
        let version = Version {
            row_version: own.row_version,
            stamp: 0,
            same_entries: own.same_entries,
            image: own.image.as_deref(),
        };
        self.pages.replace(row, &version);
        own.image.as_ref().map(|_| own.row_version)
    }
}
