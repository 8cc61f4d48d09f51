//! Changes of a table's definition: what customizers do when they publish.

use crate::engine::database::Database;
use crate::engine::database::context::Context;
use crate::engine::database::locking::{Asked, By};
use crate::engine::lock::Resource;
use crate::trace::Event;
use crate::words::{LockMode, TableId};

impl Database {
    /// Changes a table's definition, under a schema modification lock to the end of the
    /// transaction. Every statement on the table, a nolock read too, waits for that end.
    ///
    /// Source: Microsoft Learn, "Transaction locking and row versioning guide", Schema locks.
    pub fn alter(&mut self, context: &mut Context<'_>, by: By, table: TableId) -> Asked {
        let owner = by.transaction.owner;
        // From here on everybody asks for schema stability, also those who read in an instant.
        if !self.transaction(owner).altered.contains(&table) {
            self.transaction_mut(owner).altered.push(table);
            self.altering += 1;
        }
        let resource = Resource::Table(table);
        if self.lock(context, by, resource, LockMode::SchemaModification) == Asked::Waiting {
            return Asked::Waiting;
        }
        let (transaction, instance) = (by.transaction.id, self.id);
        context.emit(|| Event::SchemaAltered { transaction, instance, table });
        Asked::Held
    }

    /// Whether a table's definition is being changed, so that even a read of versions needs a lock.
    pub const fn is_altering(&self) -> bool {
        self.altering > 0
    }
}
