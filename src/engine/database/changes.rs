//! Reading what has changed in a table: rows that are new or were updated, rows that are gone, and
//! a token with which to ask next time.
//!
//! The changes are net: each row is there once, as it is now, and a row that is gone once, also
//! when the reader never saw it. They come in the order of the row versions, the rows first and
//! the deletions behind them, page by page.
//!
//! # The token
//!
//! A row gets its version when it is written, and is seen when it is committed. So a row that was
//! written *before* others may come into view *after* them:
//!
//! ```text
//!   version     10              11                    12
//!   report app  writes a ─────────────────────────────────── commits a
//!   import                      writes and commits b
//!   reader                           │ sees b, not a; asks next time from … ?
//! ```
//!
//! A token of 11 would skip `a` for good. The token that is handed out is 9: it is below the first
//! write of every transaction that is open, so nothing at or below it can come into view later. The
//! reader meets `b` twice, which does no harm.
//!
//! *Invariant.* Who begins without a token, goes on with the token of each answer, and does to its
//! copy what each answer says (each row put in the place of its id, each deletion taken out), ends
//! with the committed rows of the table.

use std::ops::ControlFlow;

use crate::engine::database::Database;
use crate::engine::database::context::Context;
use crate::engine::database::locking::{Asked, Temporary};
use crate::engine::database::read::{Caller, record_of, selected};
use crate::engine::store::{RowNumber, View};
use crate::fault::Fault;
use crate::plan::{DeltaTokens, Isolation};
use crate::trace::ReadKind;
use crate::words::{ColumnId, Delta, DeltaPage, DeltaToken, TableId, TransactionId, Value};

/// What a reader of changes asks for.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct ChangesQuery {
    /// From where on.
    pub from: ChangesStart,
    /// The most rows and deletions of one answer, at least 1.
    pub page_size: u32,
    /// The columns that are asked for; `None` for all.
    pub select: Option<Vec<ColumnId>>,
}

/// Where an answer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangesStart {
    /// At the beginning: all rows are new, and none is gone.
    Beginning,
    /// Behind a token.
    Token(DeltaToken),
    /// On a page behind the first.
    Page(DeltaPage),
}

impl ChangesStart {
    /// The token with which the reader asks, or asked for the first page.
    pub const fn since(&self) -> Option<u64> {
        match self {
            Self::Beginning => None,
            Self::Token(token) => Some(token.version),
            Self::Page(page) => page.since,
        }
    }
}

impl Database {
    /// Answers what has changed in a table; `None` where the reader must wait because the table's
    /// definition is being changed.
    ///
    /// Assumed: it is read as at read committed snapshot, whatever the instance's level: all as of
    /// one instant, without locks on rows. Assumed: it finds the changed rows by an index on the
    /// version, so that only these cost time.
    ///
    /// # Errors
    ///
    /// There is no such table.
    pub fn changes(
        &mut self,
        context: &mut Context<'_>,
        caller: &Caller,
        table: TableId,
        query: &ChangesQuery,
        taken: &mut Vec<Temporary>,
    ) -> Result<Option<Delta>, Fault> {
        let caller = Caller { level: Isolation::ReadCommittedSnapshot, ..*caller };
        if self.enter_to_read(context, &caller, table, taken) == Asked::Waiting {
            return Ok(None);
        }
        let page = match query.from {
            ChangesStart::Page(page) => page,
            ChangesStart::Beginning | ChangesStart::Token(_) => {
                let since = query.from.since();
                DeltaPage {
                    since,
                    token: self.delta_token(context),
                    in_deletions: false,
                    after: since.unwrap_or(0),
                }
            }
        };
        let view = View::Committed { reader: caller.transaction() };
        let mut room = query.page_size as usize;
        let mut next = None;
        let mut rows = Vec::new();
        if !page.in_deletions {
            let mut changed = self.changed_rows(table, page.after, view)?;
            if changed.len() > room {
                let after = changed[room - 1].0;
                next = Some(DeltaPage { after, ..page });
            }
            changed.truncate(room);
            room -= changed.len();
            let columns = selected(context.plan.table(table), query.select.as_deref());
            for (_, row) in changed {
                let image = self.store(table)?.read(row, view);
                let record = image.map(|image| record_of(table, &image, &columns));
                rows.extend(record.map(|record| Value::Record(record.into())));
                self.tell_read(context, &caller, (table, row), view, ReadKind::Answer);
            }
        }
        let mut deleted = Vec::new();
        if let (None, Some(since)) = (next, page.since) {
            let after = if page.in_deletions { page.after } else { since };
            let mut gone = self.deletions(table, after, view)?;
            if gone.len() > room {
                let after = room.checked_sub(1).map_or(after, |last| gone[last].0);
                next = Some(DeltaPage { after, in_deletions: true, ..page });
            }
            gone.truncate(room);
            deleted.extend(gone.into_iter().map(|(_, id)| Value::Id(id)));
        }
        let token = next.is_none().then_some(page.token);
        Ok(Some(Delta { table, rows: rows.into(), deleted: deleted.into(), token, next }))
    }

    /// The token of an answer that begins now.
    fn delta_token(&self, context: &Context<'_>) -> DeltaToken {
        let moment = context.clock().moment();
        let at = jiff::Timestamp::from_second(moment.as_second()).unwrap_or(moment);
        let version = match context.plan.instance(self.id).delta_tokens {
            DeltaTokens::Bounded => self.settled_version(),
            DeltaTokens::Latest => self.row_version,
        };
        DeltaToken { version, at }
    }

    /// The rows that have a version after this one, each with its version, in ascending order.
    fn changed_rows(
        &self,
        table: TableId,
        after: u64,
        view: View,
    ) -> Result<Vec<(u64, RowNumber)>, Fault> {
        let mut changed = Vec::new();
        self.store(table)?.scan(RowNumber(0), view, |row, image| {
            if image.row_version() > after {
                changed.push((image.row_version(), row));
            }
            ControlFlow::Continue(())
        });
        changed.sort_unstable();
        Ok(changed)
    }

    /// The rows that went after this version and have not come back, in ascending order of the
    /// deletions' versions.
    fn deletions(
        &self,
        table: TableId,
        after: u64,
        view: View,
    ) -> Result<Vec<(u64, crate::words::RowId)>, Fault> {
        let store = self.store(table)?;
        let is_there =
            |id| store.find(id).is_some_and(|row: RowNumber| store.read(row, view).is_some());
        let tombstones = self.tombstones[table.index()].iter();
        let gone = tombstones.flat_map(|it| it.after(after)).filter(|it| !is_there(it.row));
        Ok(gone.map(|it| (it.version, it.row)).collect())
    }

    /// Remembers the rows that a transaction has deleted from tracked tables, as it is committed.
    pub(super) fn bury(&mut self, context: &Context<'_>, transaction: TransactionId, slot: usize) {
        let kept = context.plan.limits.change_tracking;
        let Self { transactions, tables, tombstones, .. } = self;
        for (table, row) in &transactions[slot].writes {
            if let (Some(store), Some(tombstones)) =
                (&tables[table.index()], &mut tombstones[table.index()])
                && store.writer(*row) == Some(transaction)
                && let Some(version) = store.deleted_as(*row)
            {
                tombstones.bury(store.id(*row), version, context.now, kept);
            }
        }
    }

    /// The version of the latest write, committed or not.
    pub const fn latest_version(&self) -> u64 {
        self.row_version
    }
}
