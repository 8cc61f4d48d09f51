//! What is known while the steps of one program are lowered: which names are bound, to what.
//!
//! A binding is visible to the steps after the one that makes it. What is bound inside a step that
//! may not run (a branch, a loop, a body that may end in a fault) is gone after it, unless every
//! way through binds it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::plan::{BatchKind, Image};
use crate::scenario::source::Span;
use crate::words::{ColumnId, InstanceId, Name, ProgramId, TableId};

/// What a name is bound to, as far as that is known before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Anything.
    Any,
    /// A row of this table, with these lookups expanded.
    Row(TableId, Vec<ColumnId>),
    /// A list of such rows.
    Rows(TableId, Vec<ColumnId>),
    /// What has changed in this table.
    Delta(TableId),
    /// The id of a row.
    Id,
    /// One row of a query's answer that has more than columns, or others.
    Answer(Arc<AnswerShape>),
    /// A list of such rows.
    Answers(Arc<AnswerShape>),
    /// A lookup of the row that a `where` looks at, which leads to a row of this table.
    Lookup(TableId),
    /// A plug-in's target or the row before, of this table where it is known.
    Target(Option<TableId>),
    /// The execution context of a plug-in's step, or (`true`) of the request around it.
    Context(bool),
    /// The shared variables of a context.
    Shared,
    /// An image of a step: its table where it is known, and its columns; `None` for all.
    Image(Option<TableId>, Option<Vec<ColumnId>>),
}

/// What a row of an answer has.
#[derive(Debug, PartialEq, Eq)]
pub struct AnswerShape {
    /// The table whose columns it has, with the lookups that are expanded; `None` for one that was
    /// computed.
    pub row: Option<(TableId, Vec<ColumnId>)>,
    /// The linked rows, or the values that were computed, by name.
    pub named: Vec<(Name, Bound)>,
}

/// What the steps of a program need and do, for the check of calls.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The programs that it calls, with the places.
    pub calls: Vec<(ProgramId, Span)>,
    /// Where it first uses the plug-in's target.
    pub target: Option<Span>,
    /// The columns of the target that it names while its table is not known.
    pub target_columns: Vec<(Name, Span)>,
    /// Where it first leaves the instance to its caller.
    pub homeless: Option<Span>,
    /// The answers that it binds by `as`.
    pub answers: BTreeMap<Name, Bound>,
    /// The tables of its statements, while it is open in which instance they are.
    pub tables: BTreeSet<TableId>,
    /// The parameters that it uses.
    pub parameters: BTreeSet<Name>,
    /// Whether a name in it is unknown, so that its parameters are in doubt.
    pub is_doubtful: bool,
}

/// The state of lowering one program.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// The instance of steps that name none; `None` for the caller's.
    pub home: Option<InstanceId>,
    /// Whether its steps are those of a session, at SQL level.
    pub is_sql: bool,
    /// The batch whose items the steps make, if they make some.
    pub batch: Option<BatchKind>,
    /// Whether this is a named program, whose caller may give it a home and a target.
    pub is_named: bool,
    /// For a plug-in: the table that it listens to, if it listens to one.
    pub plug_in: Option<Option<TableId>>,
    /// For a plug-in: its images.
    pub images: Vec<Image>,
    /// For a plug-in: the parameters that its request has.
    pub input: Option<Bound>,
    /// For a plug-in: what its request answers.
    pub output: Option<Bound>,
    /// The names that are bound here.
    pub bindings: BTreeMap<Name, Bound>,
    /// The names that only some way here binds, with what may have left them out.
    pub lost: BTreeMap<Name, &'static str>,
    /// The names that its callers give it.
    pub parameters: BTreeSet<Name>,
    /// What is learnt about it.
    pub facts: Facts,
}

impl Body {
    /// Binds a name from here on.
    pub fn bind(&mut self, name: &Name, bound: Bound) {
        self.lost.remove(name);
        self.bindings.insert(name.clone(), bound);
    }

    /// Ends a stretch of steps that began with the bindings `before` and may not have been gone
    /// through; answers what it had bound.
    pub fn leave(
        &mut self,
        before: &BTreeMap<Name, Bound>,
        what: &'static str,
    ) -> BTreeMap<Name, Bound> {
        let inside = std::mem::replace(&mut self.bindings, before.clone());
        for name in inside.keys().filter(|name| !before.contains_key(*name)) {
            self.lost.insert(name.clone(), what);
        }
        inside
    }

    /// Binds what both of two ways had bound.
    pub fn join(&mut self, one: &BTreeMap<Name, Bound>, other: &BTreeMap<Name, Bound>) {
        for (name, bound) in one {
            if let Some(twin) = other.get(name) {
                let bound = if bound == twin { bound.clone() } else { Bound::Any };
                self.lost.remove(name);
                self.bindings.insert(name.clone(), bound);
            }
        }
    }
}

/// The row that a statement is looking at, in its `where` or `set`.
#[derive(Clone, Debug)]
pub struct AtHand {
    /// Its table.
    pub table: TableId,
    /// Whether a `where` looks at it: then `row` is its name and `id` its id, and its lookups lead
    /// to the rows behind them.
    pub is_searched: bool,
    /// The binding that selected the row.
    pub selected_by: Option<Name>,
    /// The links of the query, by whose names the linked rows are known.
    pub links: Vec<(Name, TableId)>,
}
