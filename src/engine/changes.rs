//! The platform's RetrieveEntityChanges: from a step to a question about changes, and to its
//! answer.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::database::{ChangesQuery, ChangesStart, broken};
use crate::engine::fiber::{Fiber, FiberId, RequestFrame, Role};
use crate::engine::operation::Done;
use crate::engine::request::{Answer, Request, Target};
use crate::engine::world::World;
use crate::fault::{Fault, FaultKind};
use crate::plan::{ChangesFrom, Message, Verb};
use crate::trace::{ChangesAnswered, Event, VersionEvent};
use crate::words::{Delta, DeltaToken, Expression, Name, Value};

/// Where a reader of changes that lasts over the runs of its actor stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The token up to which it has accepted everything.
    pub accepted: Option<DeltaToken>,
    /// The token that it got last.
    pub read: Option<DeltaToken>,
}

impl World {
    /// The request of a step that reads changes.
    pub(super) fn build_changes(&self, fiber: &Fiber, verb: &Verb) -> Result<Request, Fault> {
        let Verb::Changes { table, from, columns, page_size, .. } = verb else {
            return Err(broken("the step reads no changes".to_owned()));
        };
        let is_cursor = matches!(from, ChangesFrom::Cursor(_));
        let limit = self.shared.plan.limits.changes_page;
        let query = ChangesQuery {
            from: self.start_of_changes(fiber, from)?,
            page_size: if is_cursor { u32::MAX } else { page_size.unwrap_or(limit).max(1) },
            select: columns.clone(),
        };
        let mut request = Request::new(Message::RetrieveEntityChanges, *table, Target::None);
        request.select = columns.as_deref().map(Arc::from);
        request.changes = Some(Arc::new(query));
        Ok(request)
    }

    fn start_of_changes(&self, fiber: &Fiber, from: &ChangesFrom) -> Result<ChangesStart, Fault> {
        match from {
            ChangesFrom::Beginning => Ok(ChangesStart::Beginning),
            ChangesFrom::Token(token) => match self.value(fiber, token)? {
                Value::Null => Ok(ChangesStart::Beginning),
                Value::Text(text) => match text.parse() {
                    Ok(token) => Ok(ChangesStart::Token(token)),
                    Err(()) => Err(no_token()),
                },
                _ => Err(no_token()),
            },
            ChangesFrom::PageAfter(delta) => self.next_page(fiber, delta),
            ChangesFrom::Cursor(name) => {
                let accepted = self.cursor(fiber, name).and_then(|cursor| cursor.accepted);
                let token = accepted.filter(|token| !self.is_expired(*token));
                Ok(token.map_or(ChangesStart::Beginning, ChangesStart::Token))
            }
        }
    }

    fn next_page(&self, fiber: &Fiber, delta: &Expression) -> Result<ChangesStart, Fault> {
        match self.value(fiber, delta)? {
            Value::Delta(delta) => match delta.next {
                Some(page) => Ok(ChangesStart::Page(page)),
                None => Err(broken("there is no page after the last one".to_owned())),
            },
            other => Err(broken(format!("{} has no next page of changes", other.kind()))),
        }
    }

    fn cursor(&self, fiber: &Fiber, name: &Name) -> Option<&Cursor> {
        let Role::Client { actor } = fiber.role else {
            return None;
        };
        self.cursors.get(&(actor, name.clone()))
    }

    /// Notes up to where a cursor has read.
    pub(super) fn note_read(&mut self, fiber: &Fiber, name: &Name, delta: &Delta) {
        if let Role::Client { actor } = fiber.role {
            self.cursors.entry((actor, name.clone())).or_default().read = delta.token;
        }
    }

    /// Moves a cursor to where it has read.
    pub(super) fn accept_changes(&mut self, fiber: &Fiber, name: &Name) {
        if let Role::Client { actor } = fiber.role {
            let cursor = self.cursors.entry((actor, name.clone())).or_default();
            cursor.accepted = cursor.read;
        }
    }

    /// Whether a token is so old that deletions after it may have been forgotten.
    fn is_expired(&self, token: DeltaToken) -> bool {
        let age = self.clock().moment().duration_since(token.at);
        let limit = self.shared.plan.limits.change_tracking;
        Duration::try_from(age).is_ok_and(|age| age > limit)
    }

    /// Reads what has changed.
    pub(super) fn retrieve_changes(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
    ) -> Result<Done, Fault> {
        let table = frame.request.table;
        let Some(query) = frame.request.changes.clone() else {
            return Err(broken("the request asks for no changes".to_owned()));
        };
        self.refuse_changes(frame, &query)?;
        let caller = self.caller(fiber, frame);
        let (database, mut context) = self.database(frame.instance);
        let answer = database.changes(&mut context, &caller, table, &query, &mut frame.taken)?;
        let Some(delta) = answer else {
            return Ok(Done::Waits);
        };
        let latest = database.latest_version();
        let token = delta.token.or(delta.next.map(|page| page.token));
        let token = token.map_or(0, |token| token.version);
        database.end_look(&mut context, &caller, &mut frame.taken);
        let costs = self.shared.plan.costs;
        let (mut values, rows) = (0, u32::try_from(delta.rows.len() + delta.deleted.len()));
        let versions = |value: &Value| match value {
            Value::Record(record) => Some((record.id, record.row_version)),
            _ => None,
        };
        for row in &*delta.rows {
            if let Value::Record(record) = row {
                values += u32::try_from(record.columns.len()).unwrap_or(u32::MAX);
            }
        }
        let (request, instance) = (frame.id, frame.instance);
        let tokens = self.shared.plan.instance(instance).delta_tokens;
        self.log.emit(self.now, || {
            Event::Version(VersionEvent::ChangesAnswered(ChangesAnswered {
                request,
                instance,
                table,
                since: query.from.since(),
                is_first_page: !matches!(query.from, ChangesStart::Page(_)),
                rows: delta.rows.iter().filter_map(versions).collect(),
                deleted: (delta.deleted.iter())
                    .filter_map(|it| if let Value::Id(id) = it { Some(*id) } else { None })
                    .collect(),
                is_last_page: delta.next.is_none(),
                token,
                tokens,
                latest,
            }))
        });
        frame.answer = Answer::Changes(Arc::new(delta));
        let found = costs.row.saturating_mul(rows.unwrap_or(u32::MAX));
        let transfer = costs.column.saturating_mul(values);
        Ok(Done::After(costs.read.saturating_add(found).saturating_add(transfer)))
    }

    /// Refuses a read of changes that nobody keeps, or keeps no more.
    ///
    /// Source: Microsoft Learn, "Use change tracking to synchronize data with external systems":
    /// for a token that is older than the retention "the system throws an exception".
    fn refuse_changes(&self, frame: &RequestFrame, query: &ChangesQuery) -> Result<(), Fault> {
        let table = self.shared.plan.table(frame.request.table);
        if !table.change_tracking {
            let message = format!("Entity {} isn't enabled for change tracking.", table.name);
            return Err(Fault::new(FaultKind::ChangeTrackingNotEnabled, message));
        }
        let token = match query.from {
            ChangesStart::Beginning => return Ok(()),
            ChangesStart::Token(token) => token,
            ChangesStart::Page(page) => page.token,
        };
        if self.is_expired(token) {
            let message = "Version stamp associated with the client has expired. Please perform a \
                           full sync.";
            return Err(Fault::new(FaultKind::ExpiredToken, message));
        }
        Ok(())
    }
}

/// The fault of what is given for a delta token and is none.
///
/// Assumed: as any other argument that makes no sense; no page says what a malformed token gets.
fn no_token() -> Fault {
    Fault::new(FaultKind::InvalidArgument, "Invalid argument: this is no delta token.")
}
