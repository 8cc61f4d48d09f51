//! Associate and Disassociate: pairs of rows in an intersect table.
//!
//! A pair is written by the request itself, in its transaction, one command for each. No step on
//! Create, Update or Delete runs for it, and neither of the two rows is touched: their versions
//! stay, so whoever listens to them learns nothing.
//!
//! Source: Microsoft Learn, `AssociateRequest` class, Remarks: a single transaction for all
//! associations of one request, each "a record in the intersect table". Assumed: no page tells of
//! Create or Delete of an intersect table as events; to take back an association that there is not
//! changes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::code::RequestCode;
use crate::engine::database::{Assigned, Change, Wrote, already_exists, broken};
use crate::engine::fiber::{Fiber, FiberId, RequestFrame};
use crate::engine::operation::Done;
use crate::engine::request::Request;
use crate::engine::store::View;
use crate::engine::world::{Shared, World};
use crate::fault::{Fault, FaultKind};
use crate::plan::{ManyToMany, ManyToManyId, Message, Plan, Verb, pair_name};
use crate::words::{Expression, RowId, TableId, Value};

/// Which rows a request associates with its own.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Association {
    /// By which relationship.
    pub relationship: ManyToManyId,
    /// The other rows, in their order.
    pub related: Vec<RowId>,
    /// How many of them are done.
    pub done: usize,
}

impl World {
    /// The request of an `associate` or `disassociate`.
    pub(super) fn build_association(
        &mut self,
        shared: &Shared,
        fiber: &Fiber,
        code: &RequestCode,
    ) -> Result<Request, Fault> {
        let Verb::Associate { table, row, relationship, with, undo, .. } = &code.verb else {
            return Err(broken("the step associates nothing".to_owned()));
        };
        let target = self.target(shared, fiber, *table, row)?;
        let other = shared.plan.many_to_many[relationship.index()].other(*table);
        let mut related = Vec::with_capacity(with.len());
        for with in with {
            match self.value(fiber, with)? {
                Value::List(rows) => {
                    for row in rows.iter() {
                        let row = Expression::Literal(row.clone());
                        related.push(self.row(fiber, other, &row)?);
                    }
                }
                row => related.push(self.row(fiber, other, &Expression::Literal(row))?),
            }
        }
        let message = if *undo { Message::Disassociate } else { Message::Associate };
        let mut request = Request::new(message, *table, target);
        let association = Association { relationship: *relationship, related, done: 0 };
        request.association = Some(Box::new(association));
        Ok(request)
    }

    /// Associate, Disassociate: one pair after the other.
    pub(super) fn change_association(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
    ) -> Result<Done, Fault> {
        let shared = Arc::clone(&self.shared);
        let table = frame.request.table;
        let (Some(association), Some(own)) = (&frame.request.association, frame.request.id())
        else {
            return Err(broken("the request says nothing of an association".to_owned()));
        };
        let Some(&related) = association.related.get(association.done) else {
            return Ok(Done::After(Duration::ZERO));
        };
        let number = association.relationship;
        let relationship = &shared.plan.many_to_many[number.index()];
        let pair = relationship.pair(table, own, related);
        let wrote = match frame.request.message {
            Message::Disassociate => self.part_pair(fiber, frame, (relationship, pair))?,
            _ => self.add_pair(fiber, frame, (number, pair))?,
        };
        let cost = match wrote {
            Wrote::Row(_) => shared.plan.costs.write,
            Wrote::Missing => Duration::ZERO,
            other => return Ok(self.written(other)),
        };
        if let Some(association) = &mut frame.request.association {
            association.done += 1;
        }
        // The next pair is a command of its own.
        frame.command_deadline = None;
        Ok(Done::Took(cost))
    }

    /// Adds a pair of rows.
    ///
    /// # Errors
    ///
    /// The pair is there already, or one of the two rows is not.
    pub(super) fn add_pair(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        (relationship, [first, second]): (ManyToManyId, [RowId; 2]),
    ) -> Result<Wrote, Fault> {
        let shared = Arc::clone(&self.shared);
        let relationship = &shared.plan.many_to_many[relationship.index()];
        let name = pair_name(&self.name_of_row(first), &self.name_of_row(second));
        let row = (relationship.intersect, self.row_called(relationship.intersect, &name));
        let caller = self.caller(fiber, frame);
        let (database, mut context) = self.database(frame.instance);
        let [one, other] = relationship.ends.map(|end| end.column);
        let columns =
            [(one, Assigned::Value(Value::Id(first))), (other, Assigned::Value(Value::Id(second)))];
        let wrote = database.insert(&mut context, &caller, row, &columns, &mut frame.writing);
        wrote.map_err(|fault| match fault.kind {
            // The pair came into being under another name.
            FaultKind::DuplicateKey => already_exists(),
            _ => fault,
        })
    }

    /// Takes a pair of rows away; it is missing where there is none.
    fn part_pair(
        &mut self,
        fiber: FiberId,
        frame: &mut RequestFrame,
        (relationship, pair): (&ManyToMany, [RowId; 2]),
    ) -> Result<Wrote, Fault> {
        let table = relationship.intersect;
        let view = View::Committed { reader: frame.transaction.map(|transaction| transaction.id) };
        let Some(id) = self.pair_of(frame, table, &pair.map(Value::Id), view) else {
            return Ok(Wrote::Missing);
        };
        let caller = self.caller(fiber, frame);
        let (database, mut context) = self.database(frame.instance);
        let writing = &mut frame.writing;
        match database.lock_to_write(&mut context, &caller, (table, id), writing)? {
            Wrote::Row(row) => {
                database.change(&mut context, &caller, (table, row), Change::Delete, writing)
            }
            other => Ok(other),
        }
    }

    /// The row of an intersect table that holds this pair.
    pub(super) fn pair_of(
        &self,
        frame: &RequestFrame,
        table: TableId,
        pair: &[Value],
        view: View,
    ) -> Option<RowId> {
        let store = self.databases[frame.instance.index()].store(table).ok()?;
        let columns = &self.shared.plan.table(table).keys.first()?.columns;
        store.find_by_key(0, pair).find_map(|row| {
            let image = store.read(row, view)?;
            let is_it = columns.iter().zip(pair).all(|(c, value)| image.value(*c) == *value);
            is_it.then(|| image.id())
        })
    }

    /// What a row is called; its id where it has no name.
    fn name_of_row(&self, row: RowId) -> String {
        self.names.get(row).map_or_else(|| row.to_string(), ToString::to_string)
    }
}

/// The name of the relationship that a request is about, and the rows that it names beside its
/// own; nothing for a request that associates nothing.
///
/// Source: Microsoft Learn, `AssociateRequest` class: the input parameters `Target`,
/// `Relationship` and `RelatedEntities`.
pub fn told<'r>(plan: &Plan, request: &'r Request) -> Option<(Value, &'r [RowId])> {
    use crate::engine::request::AccessChange;
    if let Some(association) = &request.association {
        let name = plan.many_to_many[association.relationship.index()].name.clone();
        return Some((Value::Text(name), &association.related));
    }
    match request.access.as_deref() {
        Some(AccessChange::Members { users, .. }) => Some((Value::text(TEAM_MEMBERS), users)),
        _ => None,
    }
}

/// The relationship of users and teams.
///
/// Source: Microsoft Learn, Dataverse table reference, `team`, Many-to-Many relationships.
const TEAM_MEMBERS: &str = "teammembership_association";

/// The fault of a request that would write an intersect table as if it were any other.
///
/// Source: microsoft/PowerAppsCodeApps, issue 365, for code and text, of Create. Assumed: those of
/// Update and Delete are alike.
pub fn unwritable(plan: &Plan, request: &Request) -> Option<Fault> {
    let writes = matches!(request.message, Message::Create | Message::Update | Message::Delete);
    let mut all = plan.many_to_many.iter();
    (writes && all.any(|it| it.intersect == request.table)).then(|| {
        let message = format!(
            "The '{}' method does not support entities of type '{}'. MessageProcessorCache \
             returned MessageProcessor.Empty.",
            request.message.name(),
            plan.table(request.table).name
        );
        Fault::new(FaultKind::MethodNotSupported, message)
    })
}
