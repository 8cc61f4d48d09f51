//! Rows that move under a scan: answered twice, or not at all.
//!
//! A scan that neither reads versions nor keeps what it has passed (nolock, and read committed with
//! locks) may meet a row again that has moved ahead of it in its index, and miss one that has moved
//! behind it. The scan itself can't know. So the trace is told what an observer sees who knows
//! every row: which rows matched when the scan began, and still do when it ends, and are not in its
//! answer. What that costs is paid only where a trace is kept.
//!
//! Source: Microsoft Learn, "Transaction locking and row versioning guide", Concurrency effects:
//! missing one or more updated rows or seeing an updated row multiple times.

use crate::engine::database::Database;
use crate::engine::database::context::Context;
use crate::engine::database::read::Caller;
use crate::engine::database::scan::Scan;
use crate::engine::store::{RowNumber, View};
use crate::trace::{Disturbance, Event};

impl Database {
    /// Tells that the scan has met a row before, where rows can move.
    pub(super) fn tell_doubled(
        &self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &mut Scan,
        row: RowNumber,
    ) {
        if scan.is_disturbed() && context.log.is_on() && !scan.answered.mark(row) {
            self.tell_disturbed(context, caller, scan, row, Disturbance::Doubled);
        }
    }

    fn tell_disturbed(
        &self,
        context: &mut Context<'_>,
        caller: &Caller,
        scan: &Scan,
        row: RowNumber,
        how: Disturbance,
    ) {
        let (request, instance, table) = (caller.request, self.id, scan.search.table);
        let Some(store) = &self.tables[table.index()] else { return };
        let row = store.id(row);
        context.emit(|| Event::ScanDisturbed { request, instance, table, row, how });
    }

    /// Notes which rows match as a scan begins under which rows may move.
    pub(super) fn mark_matching(&self, context: &Context<'_>, scan: &mut Scan) {
        let view = View::Committed { reader: None };
        let Some(store) = &self.tables[scan.search.table.index()] else { return };
        let rows: Vec<_> =
            store.rows().filter(|row| self.meets(context, scan, *row, view)).collect();
        for row in rows {
            scan.awaited.mark(row);
        }
    }

    /// Tells which rows the scan has missed, now that it is at its end.
    pub(super) fn tell_missed(&self, context: &mut Context<'_>, caller: &Caller, scan: &Scan) {
        if !scan.is_disturbed() || !context.log.is_on() {
            return;
        }
        let view = View::Committed { reader: None };
        let missed = scan.awaited.rows().filter(|row| !scan.answered.has(*row));
        let missed: Vec<_> = missed.filter(|row| self.meets(context, scan, *row, view)).collect();
        for row in missed {
            self.tell_disturbed(context, caller, scan, row, Disturbance::Missed);
        }
    }
}
