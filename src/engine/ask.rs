//! Requests by names: what plug-ins in Rust, clients of a host and callers of a testbed ask for.

use crate::engine::plug_in::{Changes, Rows};
use crate::plan::{BatchKind, Message, Right, UpsertWhen};
use crate::words::{Name, RowId, Value};

/// A request, by names.
///
/// ```
/// use multiverse::plug_in::Ask;
///
/// let change = Ask::update("account", "contoso").set("name", "Contoso").if_version(7);
/// let both = Ask::transaction([change, Ask::delete("account", "fabrikam")]);
/// # let _ = both;
/// ```
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Ask {
    pub(super) what: What,
    /// The instance that is asked; `None` for the caller's own.
    pub(super) instance: Option<Name>,
    /// The table; of a batch or a custom message none.
    pub(super) table: Name,
    /// Which row; `None` for a create that leaves the id to the platform, or a query.
    pub(super) row: Option<Which>,
    /// The columns that are given values; of a custom message its parameters.
    pub(super) columns: Vec<(Name, Value)>,
    /// The columns that a read asks for; `None` for all.
    pub(super) select: Option<Vec<Name>>,
    /// For an upsert: which rows it leaves alone.
    pub(super) when: UpsertWhen,
    /// What must hold of the row.
    pub(super) condition: Option<Condition>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(super) enum What {
    /// A message on a table, of those that need no more than the rest of the request.
    Message(Message),
    /// The rows that a query finds.
    Rows(Box<Rows>),
    /// What has changed in a table.
    Changes(Box<Changes>),
    /// To merge this row into another.
    Merge(Which),
    /// To associate a row with others by a relationship, or to take that back.
    Associate { relationship: Name, with: Vec<Which>, undo: bool },
    /// To share a row with somebody; to take the share away when there is no right.
    Share { with: Which, rights: Vec<Right> },
    /// To add users to a team, or to remove them.
    Members { team: Which, users: Vec<Which>, leave: bool },
    /// A custom message.
    Custom(Name),
    /// Several requests in one.
    Batch(BatchKind, Vec<Ask>),
}

/// What must hold of a row for a request to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Condition {
    Exists,
    Missing,
    Version(u64),
}

/// Which row is meant.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Which {
    /// The row with this id.
    Id(RowId),
    /// The row that scenarios call so.
    Named(Name),
    /// The row with these values of an alternate key.
    Key(Vec<(Name, Value)>),
}

impl Which {
    /// The row with these values of an alternate key.
    pub fn key(values: &[(&str, Value)]) -> Self {
        Self::Key(owned(values).collect())
    }
}

impl From<RowId> for Which {
    fn from(id: RowId) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for Which {
    fn from(name: &str) -> Self {
        Self::Named(Name::from(name))
    }
}

impl Ask {
    /// A request for this message on this table, and nothing more.
    pub fn new(message: Message, table: &str) -> Self {
        Self::of(What::Message(message), table)
    }

    fn of(what: What, table: &str) -> Self {
        Self {
            what,
            instance: None,
            table: Name::from(table),
            row: None,
            columns: Vec::new(),
            select: None,
            when: UpsertWhen::Always,
            condition: None,
        }
    }

    /// To add a row. The platform draws its id, unless [`Ask::row`] says which it is.
    pub fn create(table: &str) -> Self {
        Self::new(Message::Create, table)
    }

    /// To read a row.
    pub fn retrieve(table: &str, row: impl Into<Which>) -> Self {
        Self::new(Message::Retrieve, table).row(row)
    }

    /// To read the rows that a query finds.
    pub fn retrieve_multiple(rows: Rows) -> Self {
        let table = rows.table().to_owned();
        Self::of(What::Rows(Box::new(rows)), &table)
    }

    /// To read what has changed in a table (RetrieveEntityChanges).
    pub fn retrieve_changes(changes: Changes) -> Self {
        let table = changes.table().to_owned();
        Self::of(What::Changes(Box::new(changes)), &table)
    }

    /// To change a row.
    pub fn update(table: &str, row: impl Into<Which>) -> Self {
        Self::new(Message::Update, table).row(row)
    }

    /// To create or update a row.
    pub fn upsert(table: &str, row: impl Into<Which>) -> Self {
        Self::new(Message::Upsert, table).row(row)
    }

    /// To remove a row.
    pub fn delete(table: &str, row: impl Into<Which>) -> Self {
        Self::new(Message::Delete, table).row(row)
    }

    /// To merge `subordinate` into `row`; with [`Ask::set`], what the row gets besides.
    pub fn merge(table: &str, row: impl Into<Which>, subordinate: impl Into<Which>) -> Self {
        Self::of(What::Merge(subordinate.into()), table).row(row)
    }

    /// To associate a row with others by a many-to-many relationship.
    pub fn associate(
        relationship: &str,
        table: &str,
        row: impl Into<Which>,
        with: impl IntoIterator<Item = impl Into<Which>>,
    ) -> Self {
        let what =
            What::Associate { relationship: relationship.into(), with: all(with), undo: false };
        Self::of(what, table).row(row)
    }

    /// To take such associations back.
    pub fn disassociate(
        relationship: &str,
        table: &str,
        row: impl Into<Which>,
        with: impl IntoIterator<Item = impl Into<Which>>,
    ) -> Self {
        let mut ask = Self::associate(relationship, table, row, with);
        if let What::Associate { undo, .. } = &mut ask.what {
            *undo = true;
        }
        ask
    }

    /// To share a row with a user or team (GrantAccess); without a right, to take the share away
    /// (RevokeAccess).
    pub fn share(
        table: &str,
        row: impl Into<Which>,
        with: impl Into<Which>,
        rights: &[Right],
    ) -> Self {
        let rights = rights.to_vec();
        Self::of(What::Share { with: with.into(), rights }, table).row(row)
    }

    /// To add users to a team.
    pub fn add_members(
        team: impl Into<Which>,
        users: impl IntoIterator<Item = impl Into<Which>>,
    ) -> Self {
        let (team, users) = (team.into(), all(users));
        Self::of(What::Members { team, users, leave: false }, "")
    }

    /// To take users out of a team.
    pub fn remove_members(
        team: impl Into<Which>,
        users: impl IntoIterator<Item = impl Into<Which>>,
    ) -> Self {
        let (team, users) = (team.into(), all(users));
        Self::of(What::Members { team, users, leave: true }, "")
    }

    /// For a custom message, a custom process action or custom API, of the instance that has it.
    /// [`Ask::set`] gives a parameter its value, [`Ask::row`] says which row it is about.
    pub fn custom(message: &str) -> Self {
        Self::of(What::Custom(Name::from(message)), "")
    }

    /// For several requests, each for itself: ExecuteMultiple. Whether it goes on after one that
    /// has failed is `continues`.
    pub fn multiple(items: impl IntoIterator<Item = Self>, continues: bool) -> Self {
        Self::batch(BatchKind::Multiple { continues }, items)
    }

    /// For several requests in one transaction, all or none: ExecuteTransaction.
    pub fn transaction(items: impl IntoIterator<Item = Self>) -> Self {
        Self::batch(BatchKind::Transaction, items)
    }

    /// For several requests carried out so.
    pub fn batch(kind: BatchKind, items: impl IntoIterator<Item = Self>) -> Self {
        Self::of(What::Batch(kind, items.into_iter().collect()), "")
    }

    /// Of this row.
    #[must_use]
    pub fn row(mut self, row: impl Into<Which>) -> Self {
        self.row = Some(row.into());
        self
    }

    /// Gives a column its value.
    #[must_use]
    pub fn set(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.columns.push((Name::from(column), value.into()));
        self
    }

    /// Gives these columns their values.
    #[must_use]
    pub fn set_all(mut self, columns: &[(&str, Value)]) -> Self {
        self.columns.extend(owned(columns));
        self
    }

    /// Reads these columns of a row only. A query says so with [`Rows::columns`].
    #[must_use]
    pub fn columns(mut self, columns: &[&str]) -> Self {
        self.select = Some(named(columns));
        self
    }

    /// Leaves an existing or a missing row alone, in an upsert.
    #[must_use]
    pub const fn when(mut self, when: UpsertWhen) -> Self {
        self.when = when;
        self
    }

    /// Only if the row has this version: `ConcurrencyBehavior.IfRowVersionMatches` of the SDK,
    /// `If-Match` of the Web API with the ETag.
    #[must_use]
    pub const fn if_version(mut self, version: u64) -> Self {
        self.condition = Some(Condition::Version(version));
        self
    }

    /// Only if the row is there: `If-Match: *`.
    #[must_use]
    pub const fn if_exists(mut self) -> Self {
        self.condition = Some(Condition::Exists);
        self
    }

    /// Only if the row is not there: `If-None-Match: *`.
    #[must_use]
    pub const fn if_missing(mut self) -> Self {
        self.condition = Some(Condition::Missing);
        self
    }

    /// Of this instance, and not of the caller's own.
    #[must_use]
    pub fn in_instance(mut self, instance: &str) -> Self {
        self.instance = Some(Name::from(instance));
        self
    }

    /// What it asks for, in words: `Update account`.
    pub(super) fn told(&self) -> String {
        let message = match &self.what {
            What::Message(message) => message.name(),
            What::Rows(_) => Message::RetrieveMultiple.name(),
            What::Changes(_) => Message::RetrieveEntityChanges.name(),
            What::Merge(_) => Message::Merge.name(),
            What::Associate { undo: true, .. } | What::Members { leave: true, .. } => {
                Message::Disassociate.name()
            }
            What::Associate { .. } | What::Members { .. } => Message::Associate.name(),
            What::Share { rights, .. } if rights.is_empty() => Message::RevokeAccess.name(),
            What::Share { .. } => Message::GrantAccess.name(),
            What::Custom(name) => name,
            What::Batch(kind, _) => kind.message().name(),
        };
        format!("{message} {}", self.table).trim_end().to_owned()
    }
}

/// Names that last.
pub(super) fn named(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| Name::from(*name)).collect()
}

/// Values by names that last.
fn owned(values: &[(&str, Value)]) -> impl Iterator<Item = (Name, Value)> {
    values.iter().map(|(name, value)| (Name::from(*name), value.clone()))
}

fn all(rows: impl IntoIterator<Item = impl Into<Which>>) -> Vec<Which> {
    rows.into_iter().map(Into::into).collect()
}
