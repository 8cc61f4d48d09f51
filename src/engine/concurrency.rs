//! Requests that depend on the version of a row: `If-Match` and `If-None-Match`.
//!
//! A version is compared under the row's own lock, right before the row is written, so nobody can
//! come between. Assumed: also when a step of the same request has written the row before: the
//! version that counts is then that write's.

use std::sync::Arc;

use crate::engine::database::{already_exists, broken};
use crate::engine::fiber::{Fiber, RequestFrame};
use crate::engine::request::{Answer, Required};
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{Precondition, Table};
use crate::trace::{Event, VersionEvent};
use crate::words::{Expression, Record, RowId, Value};

impl World {
    /// What a step's precondition comes to when its request is made.
    pub(super) fn required(
        &self,
        fiber: &Fiber,
        precondition: Option<&Precondition>,
    ) -> Result<Option<Required>, Fault> {
        Ok(match precondition {
            None => None,
            Some(Precondition::Exists) => Some(Required::Exists),
            Some(Precondition::Missing) => Some(Required::Missing),
            Some(Precondition::Version(version)) => {
                Some(Required::Version(self.version(fiber, version)?))
            }
            // Who has not read the row yet asks for whatever version it has.
            Some(Precondition::OtherVersion(version)) => {
                self.version(fiber, version)?.map(Required::OtherVersion)
            }
        })
    }

    /// The version that an expression means: of a row that was read, or a number.
    fn version(&self, fiber: &Fiber, expression: &Expression) -> Result<Option<u64>, Fault> {
        match self.value(fiber, expression)? {
            Value::Null => Ok(None),
            Value::Record(record) => Ok(Some(record.row_version)),
            Value::Whole(version) => Ok(u64::try_from(version).ok()),
            other => Err(broken(format!("{} has no row version", other.kind()))),
        }
    }

    /// Compares the version that the request asks for with the one that the row has, which is
    /// locked.
    pub(super) fn check_version(
        &mut self,
        frame: &RequestFrame,
        row: RowId,
        found: u64,
    ) -> Result<(), Fault> {
        let Some(Required::Version(Some(asked))) = frame.request.required else {
            return Ok(());
        };
        if asked == found {
            return Ok(());
        }
        let (request, instance, table) = (frame.id, frame.instance, frame.request.table);
        self.log.emit(self.now, || {
            Event::Version(VersionEvent::Mismatched { request, instance, table, row, asked, found })
        });
        Err(version_mismatch())
    }

    /// What a read answers with the row that it has found: nothing, when the caller has this
    /// version already.
    ///
    /// Source: Microsoft Learn, "Perform conditional operations using the Web API", Conditional
    /// retrievals: 304 Not Modified.
    pub(super) fn answer_if_modified(&mut self, frame: &RequestFrame, record: Record) -> Answer {
        if frame.request.required != Some(Required::OtherVersion(record.row_version)) {
            return Answer::Record(Arc::new(record));
        }
        let (request, instance, table) = (frame.id, frame.instance, frame.request.table);
        let (row, version) = (record.id, record.row_version);
        self.log.emit(self.now, || {
            Event::Version(VersionEvent::NotModified { request, instance, table, row, version })
        });
        Answer::Done
    }
}

/// Why a request that names a version can't be carried out at all.
///
/// Source: Microsoft Learn, "Web service error codes": OptimisticConcurrencyNotEnabled,
/// ConcurrencyVersionNotProvided. Assumed: the message of the first ends with the table's name; the
/// list of codes was read in a shortened form.
pub(super) fn unversioned(required: Option<Required>, table: &Table) -> Option<Fault> {
    let Some(Required::Version(version)) = required else {
        return None;
    };
    if !table.optimistic_concurrency {
        let message =
            format!("Optimistic concurrency isn't enabled for entity type {}.", table.name);
        return Some(Fault::new(FaultKind::ConcurrencyNotEnabled, message));
    }
    if version.is_none() {
        let message = "The RowVersion property must be provided when the value of \
                       ConcurrencyBehavior is IfVersionMatches.";
        return Some(Fault::new(FaultKind::ConcurrencyVersionNotProvided, message));
    }
    None
}

/// The fault of a row that has another version than was expected.
///
/// Source: Microsoft Learn, "Web service error codes": ConcurrencyVersionMismatch.
pub(super) fn version_mismatch() -> Fault {
    let message =
        "The version of the existing record doesn't match the RowVersion property provided.";
    Fault::new(FaultKind::ConcurrencyMismatch, message)
}

/// Whether an upsert's look-up has already decided against its precondition.
///
/// Source: Microsoft Learn, "Perform conditional operations using the Web API": `If-None-Match: *`
/// with an existing row is answered by 412, `If-Match: *` with a missing one by 404. Assumed: a
/// version that should match is, for a missing row, answered by 404 too.
pub(super) fn decide_upsert(required: Option<Required>, is_found: bool) -> Upsert {
    match (required, is_found) {
        (Some(Required::Missing), true) => Upsert::Refused(already_exists()),
        (Some(Required::Exists | Required::Version(_)), false) => Upsert::Missed,
        _ => Upsert::GoesOn,
    }
}

/// What becomes of an upsert once its row was looked up.
pub(super) enum Upsert {
    /// It becomes a Create or an Update.
    GoesOn,
    /// The row is not there, and should be.
    Missed,
    /// The row is there, and should not be.
    Refused(Fault),
}
